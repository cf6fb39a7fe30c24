"""What a row is about, on a line."""

import json

import pytest
from tests.views import protocol, samples
from tests.views.samples import HOSTILE, SECRET, add, agentic, chat, make_run

from aimon_nb.model import Message
from aimon_nb.model.span import StepContent
from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.widget.previews import Previews
from aimon_nb.views.present import preview as preview_module
from aimon_nb.views.present import rows
from aimon_nb.views.present.preview import preview
from aimon_nb.views.tables import frames


def of_call(given=(), came=()):
    span = chat(make_run(), "c")
    span.call.input, span.call.output = list(given), list(came)
    return preview(span)


def of_step(**content):
    return preview(add(make_run(), "s", step=StepContent(**content)))


def test_of_a_call():
    """The last message that asks and the answer: neither what the system is told, nor what was said before."""
    asked = [Message("system", "be brief"), Message("user", "first"), Message("assistant", "one"), Message("user", "Why is\n the tide   high?")]
    assert ("Why is the tide high?", "The bay's own period.") == of_call(asked, [Message("assistant", "The bay's\nown period.")])
    assert ("Why is the tide high?", "") == of_call(asked)


def test_of_a_call_with_tools():
    """An answer of tool calls is those, and what a tool has brought is what the next call is about."""
    calls = Message("assistant", "", [("look", '{"q": "tide"}'), ("edit", "{}")])
    assert ("Why?", 'look({"q": "tide"}), edit({})') == of_call([Message("user", "Why?")], [calls])
    assert ("3 documents", "Two bulges.") == of_call([Message("user", "Why?"), calls, Message("tool", "3 documents")], [Message("assistant", "Two bulges.")])


@pytest.mark.parametrize(("content", "wanted"), [
    ({"has_input": True, "input": {"topic": "tide", "k": 3, "deep": [1, None, {"a": True}]}, "has_output": True, "output": ["a", 2]}, ('{"topic": "tide", "k": 3, "deep": [1, None, {"a": True}]}', '["a", 2]')),
    ({"has_input": True, "input": "a text", "has_output": True, "output": None}, ("a text", "None")),
    ({"has_input": True, "input": {}, "has_output": True, "output": {}}, ("", "{}")),
    ({}, None),
])  # fmt: skip
def test_of_a_step(content, wanted):
    """Arguments by name and the result; a text as it is."""
    assert wanted == of_step(**content)


def test_of_what_an_sdk_tells():
    """Where a span's attributes hold what was said, it is taken from there, unless that is long."""
    run = make_run()
    told = {"gen_ai.tool.call.arguments": '{"q": "tide"}', "gen_ai.tool.call.result": "3 documents"}
    assert ("{\"q\": \"tide\"}", "3 documents") == preview(add(run, "t", attributes=told))
    asked = json.dumps([{"role": "user", "content": "first"}, {"role": "user", "content": "last"}])
    assert ("last", "") == preview(add(run, "c", attributes={"gen_ai.request.messages": asked}))
    assert preview(add(run, "l", attributes={"gen_ai.request.messages": asked + " " * 30_000})) is None
    assert preview(add(run, "n")) is None


def test_nothing_of_what_is_gone():
    """Content that is not kept has no preview."""
    span = chat(make_run(), "c")
    span.content_gone = "not kept: AimonMagics.content is False"
    assert preview(span) is None


@pytest.mark.parametrize("text", [HOSTILE * 40, "a\u202eb\x00\x1b[31m\u2066c\ud800\u2028d " * 50, "x" * 5_000_000, " \n" * 10_000 + "late", "\U0001f469\u200d\U0001f680 ok"])
def test_one_line_of_120(text):
    """Each side is one line of at most 120 characters, without control characters or such as turn the direction; joined emoji stay."""
    for sides in (of_call([Message("user", text)], [Message("assistant", text, [(text, text)])]), of_step(has_input=True, input={text: [text] * 1_000}, has_output=True, output=text)):
        for side in sides or ():
            assert len(side) <= 120 and side == " ".join(side.split())
            assert all(c.isprintable() or c == "\u200d" for c in side)
            side.encode()
    assert text[0] == " " or "\u200d" not in text or "\u200d" in of_call([Message("user", text)])[0]


def test_of_a_large_value_the_beginning_is_looked_at(monkeypatch):
    """A result of a million values costs what its first line costs."""
    seen = []
    pieces = preview_module._pieces
    monkeypatch.setattr(preview_module, "_pieces", lambda value: (seen.append(1), pieces(value))[1])
    assert of_step(has_output=True, output=[[i] for i in range(1_000_000)])[1].startswith("[[0], [1], ")
    assert len(seen) < 500


def told_previews(publisher):
    messages, publisher.channel.told = publisher.channel.told, []
    return [message["previews"] for message in messages if message.get("previews")]


def test_each_is_told_once():
    """A preview goes with its row, again when it is another, and to a page that lacks rows."""
    run, publisher = protocol.channel_of("told")
    everything = list(run.spans)
    publisher.send(everything)
    [first] = told_previews(publisher)
    assert ['{"city": "Paris", "day": "2026-03-05"}', '[{"hour": 0, "rain": 0.0, "text": "light rain"}, '] == [first["tool"][0], first["tool"][1][:49]]
    assert run.root_id not in first and "gone" not in first
    publisher.send(everything)
    assert [] == told_previews(publisher)
    run.spans["bad"].step.has_output, run.spans["bad"].step.output = True, "a room"
    publisher.send(everything)
    assert [{"bad": ['{"hotel": "Ritz", "nights": 3}', "a room"]}] == told_previews(publisher)
    publisher.channel.receive({"k": "hello"})
    assert first.keys() == told_previews(publisher)[0].keys()


def test_switched_off_none_is_told():
    """With `previews` off rows come without."""
    run, publisher = protocol.channel_of("finished")
    run.options["previews"] = False
    publisher.send(list(run.spans))
    assert [] == told_previews(publisher)


@pytest.mark.parametrize("make", [agentic, samples.told])
def test_live_alone(make):
    """No preview is in a row, a snapshot, the saved form or a table: what a call is about is seen live."""
    run = make()
    shown = [preview(span) for span in run.spans.values()]
    texts = [side for sides in shown if sides for side in sides if len(side) > 20]
    assert texts
    kept = mimebundle.final(run, "m")
    data = frames.spans([run]).drop(columns=["attributes"], errors="ignore").to_csv()
    for place in (json.dumps(rows.snapshot(run), ensure_ascii=False), kept["text/html"], kept["text/plain"], data):
        assert SECRET not in place and not [text for text in texts if text in place]


def of_prompts(*prompts):
    """The previews of calls of one function, each told as it begins and again with its answer."""
    run = make_run()
    previews, told = Previews(run), {}
    spans = [chat(run, f"c{at}") for at in range(len(prompts))]
    for again in (False, True):
        for span, prompt in zip(spans, prompts, strict=True):
            span.call.input, span.call.output = [Message("user", prompt)], [Message("assistant", "good")] * again
            told |= previews.fresh([span])
    return [told[span.span_id][0] for span in spans]


TEMPLATE = "You read reviews of kitchen goods. Say of the one below whether it is good, bad or none of both, and why you think so. "


@pytest.mark.parametrize(("prompts", "shown"), [
    ([f"{TEMPLATE}Review {at}: fine" for at in (15, 16, 27)], ["…15: fine", "…16: fine", "…27: fine"]),
    ([TEMPLATE] * 3, [f"{TEMPLATE.strip()[:119]}"] * 3),
    (["Why is the tide high?", "Why is the sea blue?"], ["Why is the tide high?", "Why is the sea blue?"]),
    ([f"{TEMPLATE}A kettle", "3 documents", f"{TEMPLATE}A pan"], [f"{TEMPLATE[:119]}…", "3 documents", f"{TEMPLATE[:119]}…"]),
])  # fmt: skip
def test_of_calls_of_one_template(prompts, shown):
    """What many prompts begin with is left out of all, however long it is; what they do not share, or all of it, stays."""
    assert shown == of_prompts(*prompts)
