"""What Sentry gets of a tracked run's spans: no query of a URL, no key; the user's own attributes as he set them."""

import contextvars
import json
import threading

import httpx
import pytest
import sentry_sdk
from sentry_sdk import integrations
from sentry_sdk.integrations.httpx import HttpxIntegration

from aimon_nb import ai_track, track
from aimon_nb.app import monitor
from tests.parts import sdk

WAYS = [*sdk.LIFECYCLES, pytest.param("one item", marks=sdk.transactions)]
OPTIONS = {**sdk.OPTIONS, "one item": {"stream_gen_ai_spans": False}}
KEY, HEX = "sk-proj-canary0123456789abc", "0123456789abcdef0123456789abc668"


@pytest.fixture(params=WAYS)
def sentry(request, receiver, monkeypatch):
    # The SDK never takes its own patch back, and makes it once a process: tests after this one are without it.
    for client in (httpx.Client, httpx.AsyncClient):
        monkeypatch.setattr(client, "send", client.send)
    for known in ("_processed_integrations", "_installed_integrations"):
        monkeypatch.setattr(integrations, known, {*getattr(integrations, known)})
    receiver.init(integrations=[HttpxIntegration()], **OPTIONS[request.param])
    yield receiver
    monitor.uninstall()


def stream():
    return not sdk.HAS_TRANSACTIONS or sentry_sdk.get_client().options["trace_lifecycle"] == "stream"


def ask():
    """Asks, with a span of an integration; that of the stream lifecycle sends a query only where it is told to, as this does."""
    if stream():
        attributes = {"sentry.op": "http.client", "sentry.origin": "auto.http.mine", "http.query": f"key={HEX}", "url.full": f"https://u:hunter2@h.test/v1/models?{HEX}"}
        with sentry_sdk.traces.start_span("GET https://h.test/v1/models", attributes):
            return
    with httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(200))) as client:
        client.get(f"https://canary:hunter2@h.test/v1/models?key={HEX}")


def test_no_query_of_a_url_in_a_run(sentry):
    """The spans that an integration of the user's makes of requests say where, and not what was asked; nor does our record."""
    with track("cell", view="none") as run:
        ask()
    [span] = [one for one in sentry.spans() if one["op"] == "http.client"]
    assert "h.test/v1/models" in json.dumps(span)
    told = json.dumps([sentry.got, run._run.to_dict(content=True)])
    assert HEX not in told and "hunter2" not in told
    assert span["data"]["http.query"] == "[Filtered]"


def test_the_first_spans_of_a_process_side_by_side(receiver, monkeypatch):
    """Of two spans that end at once as the first of their process both arrive: the SDK drops the one that ends while the other makes its thread."""
    receiver.init(**OPTIONS["stream"])
    others, real = [], threading.Thread

    def end(name):
        with sentry_sdk.traces.start_span(name):
            pass

    class Slow(real):
        """The SDK's thread: its making takes as long as another span takes to end, or to wait for it."""

        def __init__(self, *args, target=None, **kwargs):
            super().__init__(*args, target=target, **kwargs)
            if target.__name__ == "_flush_loop":
                others.append(real(target=contextvars.copy_context().run, args=(end, "second")))
                others[0].start()
                others[0].join(0.2)

    with track("cell", view="none"):
        monkeypatch.setattr(threading, "Thread", Slow)
        end("first")
        monkeypatch.undo()
        others[0].join()
    monitor.uninstall()
    assert {"first", "second"} <= {span["name"] for span in receiver.spans()}


def test_spans_outside_of_runs_are_the_users(sentry):
    """What no run holds leaves as the user's client sends it."""
    monitor.install()
    with (sentry_sdk.traces.start_span if stream() else sentry_sdk.start_transaction)(name="mine"):
        ask()
    assert {"http.query": f"key={HEX}"}.items() <= [one for one in sentry.spans() if one["op"] == "http.client"][0]["data"].items()


def test_what_the_user_puts_on_his_own_span(sentry):
    """An attribute that the user sets by hand is sent as he set it."""
    with track("cell", view="none"):
        with sentry_sdk.traces.start_span("mine") if stream() else sentry_sdk.start_span(op="x", name="mine") as span:
            sdk.set_data(span, "http.query", "by=hand")
    [span] = [one for one in sentry.spans() if one["name"] == "mine"]
    assert span["data"]["http.query"] == "by=hand"


def test_no_key_in_names_tags_and_data(sentry):
    """A key in a name, a tag or data of ours is left out, in the record too; the rest is as it was given."""
    work = ai_track(f"work {KEY}", sentry_tags={"who": f"me {KEY}"}, sentry_data={"n": 3, "note": f"with {KEY} and more"})(lambda: int("x"))
    with pytest.raises(ValueError), track(f"cell {KEY}", view="none", sentry_tags={"team": KEY}, sentry_data={"note": f"a {KEY}"}) as run:
        work()
    told = json.dumps([sentry.of("event"), sentry.got, run._run.to_dict()], default=str, ensure_ascii=False)

    assert "canary0123456789" not in told
    assert "with … and more" in told and "me …" in told
    assert {"cell …", "work …"} <= {one["name"] for one in sentry.spans()}


def test_everything_undone(sentry):
    """After an unload the SDK's batcher and processors are as they were."""
    from sentry_sdk import scope
    from sentry_sdk._span_batcher import SpanBatcher

    monitor.uninstall()
    before = SpanBatcher.add, list(scope.global_event_processors)
    monitor.install()
    assert before != (SpanBatcher.add, list(scope.global_event_processors))
    monitor.uninstall()
    assert before == (SpanBatcher.add, list(scope.global_event_processors))
