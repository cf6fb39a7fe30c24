"""No run of twenty characters of a prompt is in an error that is kept or sent; the rest of the error stays."""

import json
import random

import httpx
import openai
import pytest

from aimon_nb import ai_track, track
from aimon_nb.app import monitor
from aimon_nb.capture.prompt_quotes import RUN, RecentPrompts, joined, recent_prompts, without_quotes
from aimon_nb.views.live import mimebundle
from aimon_nb.views.present.detail import detail
from tests.parts import sdk

PROMPT = 'Summarise the minutes of the secret meeting of 3 May: "we sell", said Zoë,\nand nobody objected to it.'
WAYS = {"as it is": str, "repr": repr, "JSON": json.dumps, "in JSON": lambda text: json.dumps({"a": [text]}), "in a dict": lambda text: repr({"error": text})}


@pytest.fixture(autouse=True)
def unloaded():
    yield
    monitor.uninstall()


def longest_run(text, prompt):
    """The characters of the longest run of `text` that stands in `prompt`: by the definition, slowly."""
    return max((n for start in range(len(text)) for n in range(len(text) - start + 1) if text[start : start + n] in prompt), default=0)


@pytest.mark.parametrize("seed", range(20))
def test_by_the_definition(seed):
    """Of random texts and quotations no run of twenty is left, and all that is in none stays."""
    chance = random.Random(seed)
    prompt = "".join(chance.choices("abc ", k=200))
    parts = []
    for _ in range(5):
        at, size = chance.randrange(200), chance.randrange(40)
        parts += [prompt[at : at + size], "XYZ"]
    left = without_quotes("".join(parts), prompt)
    assert longest_run(left, prompt) < RUN
    assert left.count("XYZ") == 5
    assert all(part in left for part in parts if len(part) < RUN)


@pytest.mark.parametrize("way", WAYS)
def test_however_it_is_written(way):
    """A quotation is found in each way in which messages hold one."""
    left = without_quotes(f"400: cannot use {WAYS[way](PROMPT)} here", joined([PROMPT]))
    assert left.startswith("400: cannot use ") and left.endswith(" here")
    assert not [words for words in ("Summarise", "secret meeting", "nobody objected") if words in left]


def client_of(answer):
    return openai.OpenAI(api_key="x", max_retries=0, http_client=httpx.Client(transport=httpx.MockTransport(answer)))


def ask(prompt, refuse):
    def answer(request):
        asked = json.loads(request.content)["messages"][0]["content"]
        return httpx.Response(400, json={"error": {"message": refuse(asked)}})

    client_of(answer).chat.completions.create(model="gpt-4o-mini-2024-07-18-preview", messages=[{"role": "user", "content": prompt}])


def test_what_is_no_content_can_be_named():
    """The model's name and other words of the protocol stay in an error, however long."""
    with track("cell", view="none") as run, pytest.raises(openai.BadRequestError):
        ask("hello, who are you and where?", lambda _: "The model `gpt-4o-mini-2024-07-18-preview` does not exist")
    assert "gpt-4o-mini-2024-07-18-preview" in run.spans()["error"].dropna().str.cat()


def longest_quote(text):
    return max((n for n in range(RUN, len(PROMPT)) for at in range(len(PROMPT) - n + 1) if PROMPT[at : at + n] in text), default=0)


@pytest.mark.parametrize("lifecycle", ["none", *sdk.LIFECYCLES])
def test_in_every_place(lifecycle, receiver, tmp_path):
    """The call's error, those of the steps above and the run's quote no prompt, nor does any event; the live view has all of it."""
    if lifecycle != "none":
        receiver.init(**sdk.OPTIONS[lifecycle])
    step = ai_track("step")(lambda: ask(PROMPT, lambda told: f"cannot use {told!r} as it is"))
    with pytest.raises(openai.BadRequestError) as caught, track("cell", view="none") as view:
        step()
    run = view._run
    assert "secret meeting" in str(caught.value)
    texts = [json.dumps(run.to_dict()), view.spans().to_csv(), json.dumps(mimebundle.final(run, "m"), ensure_ascii=False)]
    texts += [view.export(tmp_path / f"r.{ending}").read_text("utf-8") for ending in ("csv", "json", "jsonl", "html")]
    assert all("cannot use" in text for text in texts)
    sent = receiver.of("event")
    assert ["cannot use" in json.dumps(event) for event in sent] == [True] * (lifecycle != "none")
    for text in [*texts, json.dumps(receiver.got, ensure_ascii=False)]:
        assert longest_quote(text) < RUN
    failed = [span for span in run.spans.values() if span.error and span.span_id != run.root_id]
    assert len(failed) >= 2
    assert all("secret meeting" in detail(span)["error"] for span in failed)


def test_a_step_that_fails_over_a_good_answer():
    """Code of the user's that quotes the prompt of an answered call is told without it, too."""

    def answer(_):
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "no JSON"}}
        return httpx.Response(200, json={"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice], "usage": usage})

    with pytest.raises(ValueError), track("cell", view="none") as view:
        client_of(answer).chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": PROMPT}])
        raise ValueError(f"bad answer to {PROMPT}")
    assert view._run.error.startswith("bad answer to …")
    assert longest_quote(json.dumps(view._run.to_dict(), ensure_ascii=False)) < RUN


@pytest.mark.parametrize("size", [60, 30_000])
def test_of_the_first_of_many(receiver, size):
    """An error of the first of many requests, raised when all have been sent, alone or in a group, quotes none of them."""
    receiver.init()
    chance = random.Random(1)
    prompts = ["".join(chance.choices("abcdefghij", k=size)) for _ in range(20)]
    failures = []
    with pytest.raises(ExceptionGroup), track("cell", view="none") as view:
        for prompt in prompts:
            try:
                ask(prompt, lambda told: f"cannot use {told[:60]!r}")
            except openai.BadRequestError as error:
                failures.append(error)
        raise ExceptionGroup(f"first of all {failures[0]}", failures)
    [event] = receiver.of("event")
    for text in (view._run.error, json.dumps(event)):
        assert "cannot use" in text
        assert not [prompt for prompt in prompts for at in range(40) if prompt[at : at + RUN] in text]


def test_what_is_known_has_a_bound():
    """Of long requests the last five are known, of short ones a hundred."""
    known = RecentPrompts()
    for long in (True, False):
        for number in range(200):
            known.note(json.dumps([f"a prompt of its own: {number:03}", "x" * 900_000 * long]).encode())
        found = [number for number in range(200) if f"own: {number:03}" in known.text()]
        assert found == ([*range(195, 200)][-len(found):] if long else [*range(100, 200)])
        assert found


def fail(words):
    raise ValueError(words)


def test_at_sentry_a_message_is_short(receiver):
    """An error's message has 300 characters at Sentry at most, and says that it is cut."""
    receiver.init()
    with pytest.raises(ValueError):
        ai_track("work")(fail)("word " * 1_000)
    [event] = receiver.of("event")
    value = event["exception"]["values"][-1]["value"]
    assert len(value) == 300 and value.endswith("…")


def test_nothing_is_known_after_an_unload():
    """Unloading forgets the prompts."""
    with track("cell", view="none"), pytest.raises(openai.BadRequestError):
        ask(PROMPT, lambda _: "no")
    assert "secret meeting" in recent_prompts.text()
    monitor.uninstall()
    assert recent_prompts.text() == ""
