"""`install(redact=f)`: the user's own say in all that leaves the live view."""

import json

import httpx
import openai
import pytest

import aimon_nb
from aimon_nb import ai_track, track
from aimon_nb.app import monitor
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.redaction import redaction
from aimon_nb.sentry import sent_spans
from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.widget.run_publisher import RunPublisher
from aimon_nb.views.present.detail import detail
from tests.parts import sdk

WAYS = [*sdk.LIFECYCLES, pytest.param("one item", marks=sdk.transactions)]
OPTIONS = {**sdk.OPTIONS, "one item": {"stream_gen_ai_spans": False}}
SECRET = "Zebra"


@pytest.fixture(autouse=True)
def taken_off():
    yield
    aimon_nb.install(redact=False)
    assert redaction.hook is None
    monitor.uninstall()


def tracked_run():
    """A run with the word in names, tags, data, prompt, answer, arguments, results and an error."""

    def answer(_):
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"an answer of {SECRET}"}}
        return httpx.Response(200, json={"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice], "usage": usage})

    client = openai.OpenAI(api_key="x", http_client=httpx.Client(transport=httpx.MockTransport(answer)))

    @ai_track(f"step {SECRET}", sentry_tags={"who": SECRET}, sentry_data={"deep": [SECRET]})
    def step(given):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"a prompt of {SECRET}"}])
        raise ValueError(f"no {SECRET}")

    with pytest.raises(ValueError), track(f"cell {SECRET}", view="none", sentry_tags={"team": SECRET}) as view:
        step({"it": SECRET})
    return view


class Page:
    def __init__(self):
        self.sent = []

    def on_ask(self, *_):
        pass

    def send_rows(self, *sent, **more):
        self.sent += [sent, more]

    send_details = send_growth = send_rows


def places(view, receiver, folder):
    """Every text that leaves the live view, by place."""
    run = view._run
    run.options["save"] = "full"
    page = Page()
    return {
        "saved": json.dumps(mimebundle.final(run, "m")), "running": json.dumps(mimebundle.redraw(run, "m")), "tree": view.tree(),
        "widget state": json.dumps(RunPublisher(run, lambda *_: page).snapshot()),
        "table": view.spans(content=True).to_csv() + view.usage(by=["caller", "run", "pipeline"]).to_csv(),
        **{ending: view.export(folder / f"r.{ending}", content=ending != "html").read_text("utf-8") for ending in ("csv", "json", "jsonl", "html")},
        "sentry": json.dumps([receiver.of("event"), receiver.got]),
    }  # fmt: skip


@pytest.mark.parametrize("lifecycle", WAYS)
def test_everywhere_but_in_the_live_view(lifecycle, receiver, tmp_path):
    """What it returns stands in each place that is saved, shown as a table, exported or sent; the live view has the text itself."""
    receiver.init(**OPTIONS[lifecycle])
    asked = set()

    def redact(destination, kind, value):
        asked.add((destination, kind))
        return value.replace(SECRET, "Horse")

    aimon_nb.install(redact=redact)
    view = tracked_run()
    for place, text in places(view, receiver, tmp_path).items():
        assert SECRET not in text, place
        assert "Horse" in text, place
    page = Page()
    RunPublisher(view._run, lambda *_: page).send_all()
    assert SECRET in json.dumps(page.sent)
    assert SECRET in view._run.name and any(SECRET in (detail(span)["error"] or "") for span in view._run.spans.values())
    assert {"notebook", "table", "export", "sentry"} == {destination for destination, _ in asked}
    assert {"name", "error", "attribute", "prompt", "answer", "argument"} <= {kind for _, kind in asked}


@pytest.mark.parametrize("lifecycle", WAYS)
@pytest.mark.parametrize("fault", [ValueError, SystemExit])
def test_one_that_raises_anything(lifecycle, fault, receiver):
    """Whatever it raises, the cell goes on and the text is left out."""
    receiver.init(**OPTIONS[lifecycle])

    def redact(destination, kind, value):
        raise fault

    aimon_nb.install(redact=redact)
    tracked_run()
    text = json.dumps([receiver.of("event"), receiver.got])
    assert "ai_monitoring" in text and SECRET not in text


@pytest.mark.parametrize("lifecycle", WAYS)
def test_one_that_fails_lets_nothing_out(lifecycle, receiver, tmp_path):
    """Where it raises, or returns no text, the text is left out and the saved tree says why; the run is as it was."""
    receiver.init(**OPTIONS[lifecycle])
    aimon_nb.install(redact=lambda destination, kind, value: 1 / 0 if kind != "attribute" else None)
    view = tracked_run()
    for place, text in places(view, receiver, tmp_path).items():
        assert SECRET not in text, place
    assert "ZeroDivisionError" in json.dumps(mimebundle.final(view._run, "m"))
    assert view._run.faults == 0 and SECRET in view._run.name


class Odd(dict):
    """A mapping that cannot be read, and whose `repr` holds the word."""

    def items(self):
        raise RuntimeError(SECRET)

    __iter__ = keys = values = items


class Thing:
    def __repr__(self):
        return f"a thing of {SECRET}"

    __str__ = __repr__


@pytest.mark.parametrize("lifecycle", WAYS)
@pytest.mark.parametrize("value", [Thing(), {SECRET}, (SECRET, [Thing()]), SECRET.encode(), {"a": {Thing()}}, Odd()], ids=["object", "set", "tuple", "bytes", "deep", "odd"])
def test_of_whatever_is_put_on_a_span(lifecycle, value, receiver):
    """A value that is no plain data leaves as text that it was asked for; one that cannot be read keeps nothing else from it."""
    receiver.init(**OPTIONS[lifecycle])
    asked = []
    aimon_nb.install(redact=lambda destination, kind, text: asked.append(text) or text.replace(SECRET, "Horse"))
    with track("cell", view="none"):
        with sdk.start_in(OPTIONS[lifecycle], f"first {SECRET}") as span:
            put = getattr(span, "set_data", None) or span.set_attribute
            put("it", value)
            put("number", 668)
        with sdk.start_in(OPTIONS[lifecycle], f"second {SECRET}"):
            pass
    found = {span["name"]: span["data"] for span in receiver.spans()}
    assert SECRET not in json.dumps([receiver.of("event"), receiver.got])
    assert {"first Horse", "second Horse"} <= set(found)
    assert found["first Horse"]["number"] == 668


@sdk.transactions
def test_a_fault_of_ours_lets_nothing_out(receiver, monkeypatch):
    """A span that we fail to look at leaves without its texts, and those after it as they are to be."""
    receiver.init(**OPTIONS["static"])
    aimon_nb.install(redact=lambda destination, kind, text: text.replace(SECRET, "Horse"))
    look, before = sent_spans._redact_static, internal_errors.count
    monkeypatch.setattr(sent_spans, "_redact_static", lambda span: 1 / 0 if "first" in span["description"] else look(span))
    with track("cell", view="none"):
        for name in ("first", "second"):
            with sdk.start_span("mine", f"{name} {SECRET}") as span:
                span.set_data("it", SECRET)
                span.set_tag("tag", SECRET)
    assert SECRET not in json.dumps(receiver.got)
    assert {"…", "second Horse"} <= {span["name"] for span in receiver.spans()}
    assert internal_errors.count - before == 1


def test_without_one_nothing_is_copied():
    """Where nobody asks for it, every place reads the run itself."""
    with track("cell", view="none") as view:
        pass
    assert redaction.run("export", view._run) is view._run
