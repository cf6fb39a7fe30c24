"""What Sentry gets of a tracked run: the very same spans, and nothing without a DSN."""

import json

import pytest

from tests.parts import sdk

CLIENT = """
%load_ext aimon_nb
import sentry_sdk, openai
from aimon_nb import last_run, record_token_usage
client = openai.OpenAI(base_url={url!r}, api_key="sk-secret-key")
def ask(text, **more):
    return client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)], **more)
"""
INIT = """
from sentry_sdk.integrations.openai import OpenAIIntegration
sentry_sdk.init({dsn!r}, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False,
                integrations={integrations}, **{options!r})
"""
WORK = """%%ai_track shop
with SPAN as span:
    record_token_usage(span, 10, output_tokens=5)
ask("plain words")
for chunk in ask("streamed words", stream=True, stream_options={"include_usage": True}): pass
stream = ask("left early words", stream=True)
next(iter(stream)); stream.close()
client.chat.completions.parse(model="gpt-4o", messages=[dict(role="user", content="parsed words")])
client.chat.completions.with_raw_response.create(model="gpt-4o", messages=[dict(role="user", content="raw words")]).parse()
"""
OPTIONS = {"static": {}, "one item": {"stream_gen_ai_spans": False}, "stream": {"trace_lifecycle": "stream"}}
WORK = WORK.replace("SPAN", sdk.code_of_span("ai.retrieval", "search"))


def truth_url(truth):
    return truth.url if truth.url.endswith("/v1") else truth.url + "/v1"


@pytest.mark.parametrize("lifecycle", [*sdk.LIFECYCLES, pytest.param("one item", marks=sdk.transactions)])
@pytest.mark.parametrize("integrations", ["[]", "[OpenAIIntegration()]"], ids=["wire", "both"])
def test_every_call_once(kernel, truth, receiver, lifecycle, integrations):
    """Each model call is in the tree once and at Sentry once, with the server's own counts."""
    options = OPTIONS[lifecycle]
    kernel.run([CLIENT.format(url=truth_url(truth)), INIT.format(dsn=receiver.dsn, integrations=integrations, options=options)])
    [work] = kernel.run([WORK])
    assert work.status == "ok", work.traceback
    kernel.run(["sentry_sdk.flush(5)"])
    calls = kernel.value(
        "[(s.usage.input, s.usage.output, s.status) for s in last_run()._run.spans.values() if s.call and not s.is_duplicate]"
    )
    truth.settled()
    told = [(c.input, c.output) if c.outcome == "finished" else (None, None) for c in truth.calls]
    assert told == [call[:2] for call in calls]
    assert [status for *_, status in calls] == ["ok", "ok", "abandoned", "ok", "ok"]
    spans = receiver.spans()
    chats = [s for s in spans if s["op"] == "gen_ai.chat"]
    assert len(chats) == 5, [(s["op"], s["name"]) for s in spans]
    sent = sorted((c["data"].get("gen_ai.usage.input_tokens") or 0, c["data"].get("gen_ai.usage.output_tokens") or 0) for c in chats)
    assert sent == sorted((i or 0, o or 0) for i, o, _ in calls)
    assert len({s["trace_id"] for s in spans}) == 1
    assert {s["data"].get("gen_ai.pipeline.name") for s in spans} == {"shop"}
    ours = kernel.value("[(s.span_id, s.sent) for s in last_run()._run.spans.values()]")
    assert {i for i, sent in ours if sent == "yes"} == {s["span_id"] for s in spans}
    # `sentry_sdk.start_span` is a no-op of the SDK in the stream lifecycle of series 2
    told = {"yes", "no: static API"} if lifecycle == "stream" and sdk.HAS_TRANSACTIONS else {"yes"}
    assert {sent for _, sent in ours} == told
    receiver.stored("transaction")


def test_no_prompt_and_no_key_at_sentry(kernel, truth, receiver):
    """The wire sends neither prompts nor answers nor keys."""
    kernel.run([CLIENT.format(url=truth_url(truth)), INIT.format(dsn=receiver.dsn, integrations="[]", options={})])
    kernel.run([WORK, "sentry_sdk.flush(5)"])
    everything = json.dumps(receiver.got)
    assert "gen_ai.chat" in everything
    for secret in ("plain words", "In short", "sk-secret-key", "parsed words"):
        assert secret not in everything


def test_dsn_from_the_environment(kernels, truth, receiver):
    """SENTRY_DSN alone is enough."""
    kernel = kernels(env={"SENTRY_DSN": receiver.dsn})
    kernel.run([CLIENT.format(url=truth_url(truth)), "%%ai_track env\nask('hello')", "sentry_sdk.flush(5)"])
    [root] = receiver.roots()
    assert root["name"] == "env"
    assert kernel.value("sentry_sdk.is_initialized()") is False


def test_an_error_is_captured_once(kernel, truth, receiver):
    """A failing cell is one error event, of the decorated call that raised, in the run's trace, with its pipeline."""
    kernel.run([CLIENT.format(url=truth_url(truth)), INIT.format(dsn=receiver.dsn, integrations="[]", options={})])
    kernel.run(
        ["from aimon_nb import ai_track\n@ai_track('step')\ndef step(): raise ValueError('no luck')", "%%ai_track shop\nstep()", "sentry_sdk.flush(5)"]
    )
    [event] = receiver.wait("event")
    [event] = receiver.stored("event")
    [root] = receiver.roots()
    assert event["exception"]["values"][-1]["value"] == "no luck"
    assert event["contexts"]["trace"]["trace_id"] == root["trace_id"]
    assert dict(event["tags"])["gen_ai.pipeline.name"] == "shop"
    assert {k: v for k, v in event["contexts"]["ai"].items() if k != "type"} == {"pipeline": "shop", "op": "ai.run", "operation": "step"}


def test_nothing_leaves_without_a_dsn(no_network, kernels, truth):
    """Without a DSN a tracked cell reaches nothing but the user's own model server."""
    kernel = kernels(env=no_network.env, fresh=True)
    kernel.run([CLIENT.format(url=truth_url(truth))])
    [a, b] = kernel.run([WORK, "%ai_usage"])
    assert a.status == "ok" and b.status == "ok", (a, b)
    assert no_network.attempts == []


@pytest.mark.parametrize("owner", ["ours", "the user's"])
def test_unloading_takes_our_client_only(kernels, truth, receiver, owner):
    """A client opened for SENTRY_DSN goes when the extension goes; one of the user's stays."""
    kernel = kernels(env={"SENTRY_DSN": receiver.dsn})
    kernel.run([CLIENT.format(url=truth_url(truth))])
    if owner == "the user's":
        kernel.run([INIT.format(dsn=receiver.dsn, integrations="[]", options={})])
    kernel.run(["%%ai_track shop\nask('plain words')"])
    assert kernel.value("last_run()._run.destination") == "Sentry"
    kernel.run(["%unload_ext aimon_nb"])
    assert kernel.value("sentry_sdk.get_client().is_active()") is (owner != "ours")


LEAKS = """%%ai_track shop
import httpx, http.client, logging
logging.getLogger("httpx").setLevel(logging.INFO)
def send(url): httpx.post(url + "/nowhere?key=AIzaSyA-secret-0123456789-0123&token=hidden-token").raise_for_status()
plain = http.client.HTTPConnection({host!r})
plain.request("GET", "/v1/models?key=AIzaSyA-secret-0123456789-0123&token=hidden-token"); plain.getresponse().read()
send({url!r})
"""


@pytest.mark.parametrize("owner", ["ours", "the user's"])
def test_no_key_in_an_error_event_of_ours(kernels, truth, receiver, owner):
    """The failing cell's event holds no query of a URL, no line of a log and no source.

    The user's client is as the SDK makes it, with its integrations for logs and HTTP: they
    leave breadcrumbs, and ipykernel logs the source of a cell that failed before.
    """
    kernel = kernels(env={"SENTRY_DSN": receiver.dsn}, fresh=True)
    kernel.run(["%load_ext aimon_nb\nimport sentry_sdk"])
    if owner == "the user's":
        kernel.run([f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, auto_enabling_integrations=False)"])
    host = truth_url(truth).removeprefix("http://").partition("/")[0]
    kernel.run(["raise ValueError('written' + ' in the cell')", LEAKS.format(host=host, url=truth_url(truth)), "sentry_sdk.flush(5)"])
    receiver.wait("event")
    events = [e for e in receiver.of("event") if "exception" in e]
    [event] = [e for e in events if e["exception"]["values"][-1]["mechanism"]["type"] == "ai_monitoring"]
    assert "404" in event["exception"]["values"][-1]["value"]
    told = json.dumps(event)
    assert not [secret for secret in ("AIzaSyA", "hidden-token", "written") if secret in told]
    if owner == "the user's":
        kinds = {crumb["category"] for crumb in event["breadcrumbs"]["values"]}
        assert "httplib" in kinds and not kinds & {"httpx", "IPKernelApp"}


def test_ai_sentry(kernels, receiver):
    """`%ai_sentry` shows as text and as HTML what became of the runs, with a link; `test` prints a line; a wrong word is one line."""
    kernel = kernels(env={"SENTRY_DSN": receiver.dsn})
    kernel.cell("%load_ext aimon_nb")
    assert kernel.value("__import__('sentry_sdk').get_client().is_active()")
    [line] = kernel.cell("%ai_sentry test").text.splitlines()
    assert line.startswith("it arrived: http://127.0.0.1:") and "project " in line
    kernel.run(["%config AimonMagics.sentry_url = 'https://team.sentry.io'", "%config AimonMagics.tags = {'team': 'search'}"])
    kernel.run(["%%ai_track shop --tag stage=dev --data n=3\n1", "import sentry_sdk\nsentry_sdk.flush(5)"])
    shown = kernel.cell("%ai_sentry")
    [plain], [html] = shown.data(), shown.data("text/html")
    assert "client       opened for SENTRY_DSN, environment notebook" in plain.splitlines()
    assert f"sent         2 {'transactions' if sdk.HAS_TRANSACTIONS else 'spans'}" in plain and "last run     shop: sent" in plain
    assert "https://team.sentry.io/explore/traces/trace/" in html and "key@" not in html + plain
    [data] = [root["data"] for root in receiver.roots(2) if root["name"] == "shop"]
    tags = receiver.of("transaction")[-1]["tags"] if sdk.HAS_TRANSACTIONS else data
    assert {"team": "search", "stage": "dev"}.items() <= tags.items()
    assert (3, 5) == (data["n"], data["notebook.cell.number"])
    wrong = kernel.cell("%ai_sentry tset")
    assert "error" == wrong.status and "invalid choice: 'tset'" in wrong.text and 1 == len(wrong.text.strip().splitlines())


def test_ai_sentry_without_a_client(kernel):
    """Where nothing is sent it says so, and what to do."""
    kernel.cell("%load_ext aimon_nb")
    assert "nothing was sent: there is no client" in kernel.cell("%ai_sentry test").text
    assert kernel.cell("%ai_sentry").data()[0].startswith("spans go to  nowhere: there is no client; set SENTRY_DSN")


def test_a_loss_is_said_in_the_cell(kernels, receiver):
    """That a run did not arrive is known when its cell is over: the cell's output says it then, as it is saved."""
    receiver.status = 500
    kernel = kernels(env={"SENTRY_DSN": receiver.dsn})
    kernel.cell("%load_ext aimon_nb")
    cell = kernel.cell(f"%%ai_track shop\nimport sentry_sdk\nwith {sdk.code_of_span('x', 'x')}: pass")
    kernel.read_until(lambda: "not at Sentry: 2 of its spans, HTTP 500" in cell.data()[0])
    assert "not at Sentry: 2 of its spans, HTTP 500" in cell.data("text/html")[0]
    assert "last error   HTTP 500: Sentry has a problem" in kernel.cell("%ai_sentry").data()[0].splitlines()
