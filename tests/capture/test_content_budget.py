"""The kernel's one budget for content: what is kept, what goes first, and what is said of it."""

import copy
import gc
import json
import pickle
import random

import openai
import pytest

from aimon_nb import ai_track, track
from aimon_nb.app import RunView, monitor
from aimon_nb.capture import recorder
from aimon_nb.capture.content_store import ContentStore
from aimon_nb.capture.dropped_content import OFF, has_content, over_budget
from aimon_nb.capture.limits import size_of
from aimon_nb.model import Message, Span
from aimon_nb.model.call import ToolDefinition
from aimon_nb.model.kept import Kept, pack
from aimon_nb.views.present.detail import detail
from aimon_nb.views.live.widget.answers import answer
from tests.parts.waiting import eventually

WORDS = [f"word{n}" for n in range(1_000)]


@pytest.fixture(autouse=True)
def clean():
    """Nothing in memory, before and after."""
    recorder.restart()
    yield
    monitor.uninstall()
    recorder.restart()


@pytest.fixture
def ask(truth):
    """Asks the truth server a prompt in a run of a cell, and returns that run."""
    client = openai.OpenAI(base_url=truth.url, api_key="key")

    def ask(*prompts, cell=None):
        tracked = monitor.open("cell", "none", cell_id=cell)
        for prompt in prompts:
            client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": prompt}])
        tracked.end(None)
        settle()
        return tracked.run

    with client:
        yield ask


def settle():
    """Have everything packed, and within the budget."""
    recorder.content.work(recorder.registry, recorder.limits)


def calls(run):
    return [span for span in run.spans.values() if span.is_call]


def long_prompt(seed, words=4_000):
    """A text of some 32 kB, like no other."""
    source = random.Random(seed)
    return " ".join(source.choice(WORDS) + format(source.getrandbits(32), "x") for _ in range(words // 2))


def bytes_held(runs):
    """The bytes of all that runs hold of what was said, each object once, as it lies in memory."""
    seen, total = set(), 0
    for run in runs:
        pending = [one for span in run.spans.values() for one in (span.call, span.step, span.attributes) if one is not None]
        while pending:
            one = pending.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if isinstance(one, (str, bytes)):
                total += len(one)
            else:
                pending += [each for each in gc.get_referents(one) if type(each).__module__.startswith("aimon_nb.model") or type(each) in (str, bytes, list, dict, tuple)
                            or type(each).__name__ == "_Packed"]  # fmt: skip
    return total


def test_a_hundred_runs_of_long_prompts(ask):
    """However many runs there are, all that is kept of what was said stays within the budget, by counting the bytes that runs hold."""
    monitor.configure(content_budget=600_000)
    runs = [ask(long_prompt(n), cell="one") for n in range(100)]
    assert len(recorder.runs()) == 100
    assert recorder.content.size <= 600_000
    assert bytes_held(recorder.runs()) < 600_000 + 100 * 3_000
    gone = [calls(run)[0].content_gone for run in runs]
    assert gone == sorted(gone, key=lambda one: one is None) and 0 < gone.count(None) < 100
    assert {over_budget(600_000), None} == set(gone)
    assert "no longer kept: over the budget of 256 MB" == over_budget(256_000_000)


def test_the_last_ten_runs_of_a_cell_are_the_last_to_lose_theirs(ask):
    """Older runs of a cell that runs again and again lose their content before the one run of another cell does."""
    rare = ask(long_prompt("rare"), cell="rare")
    often = [ask(long_prompt(n), cell="often") for n in range(15)]
    monitor.configure(content_budget=int(recorder.content.size * 11.5 / 16))
    settle()
    assert calls(rare)[0].content_gone is None
    assert [True] * 5 + [False] * 10 == [calls(run)[0].content_gone is not None for run in often]


def test_of_one_run_the_oldest_calls_lose_theirs(ask):
    """A run that is more than the budget keeps its last calls' content, and all of their numbers."""
    monitor.configure(content_budget=120_000)
    run = ask(*(long_prompt(n) for n in range(12)))
    gone = [span.content_gone is not None for span in calls(run)]
    assert gone == sorted(gone, reverse=True) and 0 < sum(gone) < 12
    assert run.totals.calls == 12 and run.totals.usage.input


def test_it_says_that_content_is_gone(ask):
    """The details, what is asked of a span, and the table with content say that it is gone, and why."""
    run = ask(long_prompt(1))
    monitor.configure(content_budget=0)
    settle()
    [span] = calls(run)
    why = "no longer kept: over the budget of 0 MB"
    shown = detail(span)
    assert ([], why, why, []) == (shown["messages"], shown["nothing"], shown["raw"], shown["tools"])
    assert (None, why) == tuple(answer(run, {"k": "raw", "id": span.span_id}).message[key] for key in ("raw", "missing"))
    told = RunView(run).spans(content=True)
    assert [f"({why})"] * 2 == list(told.loc[told.span_id == span.span_id, ["input_text", "output_text"]].iloc[0])
    assert not has_content(span) and recorder.content.size == 0
    assert "word" not in json.dumps(run.to_dict(content=True))


def test_what_is_packed_reads_as_ever(ask):
    """Prompts, answers, tools and settings are the same before and after they are packed."""
    message = Message("user", "é\ud800" * 1_000, [("search", '{"q": 1}' * 100)])
    store = ContentStore()
    pack(message, store.keep, 100)
    assert ("é\ud800" * 1_000, [("search", '{"q": 1}' * 100)]) == (message.text, message.tool_calls)
    assert Message("user", "é\ud800" * 1_000, [("search", '{"q": 1}' * 100)]) == message
    assert store.size < 300
    message.text += "more"
    assert message.text.endswith("\ud800more")
    prompt = long_prompt(3)
    run = ask(prompt)
    [span] = calls(run)
    span.call.definitions = [ToolDefinition("f", "x" * 500, "{}")]
    pack(span.call, store.keep, 100)
    assert [ToolDefinition("f", "x" * 500, "{}")] == span.call.definitions
    assert prompt == span.call.input[0].text == json.loads(answer(run, {"k": "raw", "id": span.span_id}).message["raw"]["body"])["messages"][0]["content"]
    assert len(prompt) * 0.7 < bytes_held([run]) < len(prompt) * 1.7


@pytest.mark.parametrize("how", [copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run))], ids=["copy", "pickle"])
def test_a_run_with_packed_content_can_be_copied(ask, how):
    """A copy of a run, made here or in another process, has what the run has."""
    prompt = long_prompt(1)
    [span] = calls(how(ask(prompt)))
    assert prompt == span.call.input[0].text and prompt in span.call.exchange.body.data().decode()


def test_the_same_text_is_kept_once(ask):
    """A conversation that grows by a turn with each call takes what its turns take, not their sum over all calls."""
    turns = [long_prompt(n, 1_000) for n in range(20)]
    one = len(Kept(turns[0].encode()).data())
    store = ContentStore()
    messages = [Message("user", text + "") for n in range(20) for text in turns[:n]]
    for message in messages:
        pack(message, store.keep, 100)
    assert store.size <= 20 * one
    messages.clear()
    message = None
    assert store.size == 0


def test_steps_and_attributes_count(truth):
    """What went into steps and came out, and what an integration put on a span, are in the same budget."""
    with track("cell", view="none") as view:
        ai_track("step")(lambda text: text[::-1])(long_prompt(1))
    settle()
    assert recorder.content.size > 20_000
    [step] = [span for span in view._run.spans.values() if span.name == "step"]
    assert size_of(step.step.input) > 30_000
    monitor.configure(content_budget=10)
    settle()
    assert step.step is None and step.content_gone == over_budget(10) and recorder.content.size == 0


def test_a_run_that_is_no_longer_in_memory(ask):
    """Whoever still holds a run beyond max_runs finds its numbers; its content is said to be gone, and takes no room."""
    monitor.configure(max_runs=2)
    first = ask(long_prompt(1))
    for n in range(2, 5):
        ask(long_prompt(n))
    ask("short")
    assert "no longer kept: over max_runs = 2" == calls(first)[0].content_gone
    assert first.totals.usage.input and len(recorder.runs()) <= 4


@pytest.mark.parametrize("stream", [False, True])
def test_content_off(truth, stream):
    """With `%config AimonMagics.content = False` nothing that was said is kept or shown, and the details say so; numbers are whole."""
    monitor.configure(content=False)
    client = openai.OpenAI(base_url=truth.url, api_key="key")
    with client, track("cell", view="none") as view:
        told = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "canary"}], stream=stream,
                                              **({"stream_options": {"include_usage": True}} if stream else {}))  # fmt: skip
        _ = list(told) if stream else told
        ai_track("step", capture_input=True)(lambda text: text)("canary")
    run = view._run
    assert "canary" not in json.dumps(run.to_dict(content=True)) and "canary" not in view.spans(content=True).to_csv()
    for span in run.spans.values():
        assert "canary" not in json.dumps(detail(span)) and not has_content(span)
        assert ([], OFF) == (detail(span)["messages"], detail(span)["nothing"])
    [span] = calls(run)
    assert (OFF, OFF) == (detail(span)["raw"], answer(run, {"k": "raw", "id": span.span_id}).message["missing"])
    assert span.usage.input and span.call.parameters is not None
    assert f"({OFF})" in view.spans(content=True).to_csv()


def test_content_off_while_an_answer_comes(truth):
    """What a call says while it runs is not shown either."""
    monitor.configure(content=False)
    client = openai.OpenAI(base_url=truth.url, api_key="key")
    with client, track("cell", view="none") as view:
        for _ in client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "canary"}], stream=True):
            recorder.drain()
            assert all("canary" not in json.dumps(detail(span)) for span in view._run.spans.values())


def test_packing_stops_where_somebody_may_wait(ask):
    """It takes little time at once: the rest is done at the next looks of our thread, also when no run is open."""
    monitor.configure(content_budget=10**9)
    recorder.close()  # our thread does nothing now
    tracked = monitor.open("cell", "none")
    tracked.run_state.fresh_content.extend(Span(f"s{n}", None, "r", tracked.run.started, 0.0, attributes={"gen_ai.prompt": f"{n}"}) for n in range(3))
    recorder.content.work(recorder.registry, recorder.limits, 0.0)
    assert recorder.content.is_behind and recorder.processor.is_busy() and len(tracked.run_state.fresh_content) >= 3
    tracked.end(None)
    settle()
    assert not recorder.content.is_behind and not recorder.processor.is_busy()


def test_packing_waits_for_nobody(ask):
    """A cell's own thread packs nothing: what ended is packed by ours, after the views were told."""
    tracked = monitor.open("cell", "none")
    assert tracked.run_state.has_thread
    tracked.end(None)
    fresh = tracked.run_state.fresh_content
    eventually(lambda: not fresh, 20, "what ended is packed")
