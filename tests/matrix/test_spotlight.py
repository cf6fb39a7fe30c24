"""Spotlight gets what the tree shows: a receiver that somebody else wrote, in each lifecycle.

It keeps each item as it came (`/stream`). What its own views read of them is said in the last
test: they know transactions with all their spans, and error events.
"""

import json

import pytest

from tests.matrix import spotlight as spotlights
from tests.parts import sdk

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(360)]

OPTIONS = {**sdk.OPTIONS, "one item": {"stream_gen_ai_spans": False}}
LIFECYCLES = [*sdk.LIFECYCLES, pytest.param("one item", marks=sdk.transactions)]
LOAD = """%load_ext aimon_nb
import openai, sentry_sdk
from aimon_nb import ai_track, last_run
client = openai.OpenAI(base_url={url!r}, api_key="sk-canary-0123456789abcdef")
def ask(text):
    return client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)])
@ai_track("look", op="gen_ai.execute_tool", data={{"gen_ai.tool.name": "look"}})
def look(word):
    return ask(f"canary question about {{word}}")
@ai_track("invoke_agent clerk", op="gen_ai.invoke_agent", data={{"gen_ai.agent.name": "clerk"}})
def clerk():
    ask("canary task")
    look("canary word")
    ask("canary task again")
    raise ValueError("no luck")
sentry_sdk.init({dsn!r}, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, **{options!r})
"""
SPANS = "[(s.span_id, s.parent_id, s.op, s.name) for s in last_run()._run.spans.values() if s.sent == 'yes']"


@pytest.fixture(scope="module")
def spotlight():
    missing = spotlights.missing()
    if missing:
        pytest.fail(missing)
    with spotlights.running() as running:
        yield running


@pytest.fixture(params=LIFECYCLES)
def sent(request, spotlight, kernel, truth):
    """A failed cell with an agent, a tool and three calls: its spans as the tree has them, and what Spotlight has of its trace."""
    url = truth.url if truth.url.endswith("/v1") else truth.url + "/v1"
    cells = kernel.run([LOAD.format(url=url, dsn=spotlight.dsn, options=OPTIONS[request.param]), "%%ai_track shop --tag team=search --data n=3\nclerk()", "sentry_sdk.flush(5)"])
    assert ["ok", "error", "ok"] == [cell.status for cell in cells], cells
    trace_id = kernel.value("last_run()._run.trace_id")
    ours = {tuple(span) for span in kernel.value(SPANS)}

    def of_this_trace(items):
        return [(kind, one) for kind, payload in items for one in _parts(kind, payload) if trace_id in json.dumps(one)]

    def is_whole(items):
        got = of_this_trace(items)
        return len(_spans(got)) >= len(ours) and any(kind == "event" for kind, _ in got)

    return request.param, trace_id, ours, of_this_trace(spotlight.items(is_whole))


def _parts(kind, payload):
    return payload["items"] if kind == "span" else [payload] if kind in ("event", "transaction") else []


def _spans(got):
    """(span, parent, op, name) of each span, however it came, with its data."""
    told = {}
    for kind, one in got:
        if kind == "span":
            data = {key: value["value"] for key, value in one["attributes"].items()}
            told[one["span_id"], one.get("parent_span_id"), data.get("sentry.op"), one["name"]] = data
        elif kind == "transaction":
            root = one["contexts"]["trace"]
            told[root["span_id"], root["parent_span_id"], root["op"], one["transaction"]] = {**root["data"], **one.get("tags", {})}
            told |= {(s["span_id"], s["parent_span_id"], s["op"], s["description"]): {**s["data"], **s.get("tags", {})} for s in one["spans"]}
    return told


def test_it_has_what_the_tree_shows(sent):
    """Each span once, with id, parent, op and name; agent, tool, model, tokens, tags and data; one error event in the same trace, no prompt and no key."""
    _, trace_id, ours, got = sent
    spans = _spans(got)
    assert ours == set(spans) and len(spans) == sum(1 + len(one.get("spans", [])) for kind, one in got if kind != "event")
    data = {name: {} for *_, name in spans} | {name: data for (*_, name), data in spans.items()}
    assert sorted(op for _, _, op, _ in ours) == ["ai.pipeline", *["gen_ai.chat"] * 3, "gen_ai.execute_tool", "gen_ai.invoke_agent"]
    assert ("search", 3) == (data["shop"]["team"], data["shop"]["n"])
    assert ("clerk", "look") == (data["invoke_agent clerk"]["gen_ai.agent.name"], data["look"]["gen_ai.tool.name"])
    assert "gpt-4o" == data["chat gpt-4o"]["gen_ai.request.model"] and data["chat gpt-4o"]["gen_ai.usage.input_tokens"] > 0
    assert {"shop"} == {one["gen_ai.pipeline.name"] for one in spans.values()}
    [event] = [one for kind, one in got if kind == "event"]
    assert ("ValueError", "no luck") == tuple(event["exception"]["values"][-1][key] for key in ("type", "value"))
    [agent] = [span_id for span_id, *_, name in ours if name == "invoke_agent clerk"]
    assert ("search", "shop") == tuple(event["tags"][key] for key in ("team", "gen_ai.pipeline.name"))
    assert (trace_id, agent) == tuple(event["contexts"]["trace"][key] for key in ("trace_id", "span_id"))
    assert "canary" not in json.dumps(got)


def test_what_its_views_read(sent, spotlight):
    """Its list of errors has the error; its tree of the trace is ours where all spans leave in the transaction, and lacks those of models elsewhere."""
    lifecycle, trace_id, _, _ = sent
    assert trace_id in spotlight.ask("search_errors", filters={"timeWindow": 600})
    tree = spotlight.ask("get_traces", traceId=trace_id[:8])
    rows = [word for word in ("shop", "invoke_agent clerk", "look", "chat gpt-4o") if f"─ {word} [" in tree or tree.startswith(f"{word} [")]
    assert rows == (["shop", "invoke_agent clerk", "look", "chat gpt-4o"] if lifecycle == "one item" else ["shop"]), tree


def test_the_guard_guards():
    """A process that reaches for another machine is seen, so one of which nothing is seen does not."""
    if spotlights.missing():
        pytest.fail(spotlights.missing())
    process = spotlights.node("--eval", "fetch('http://192.0.2.1/').catch(error => console.log(error.cause.message))")
    said, _ = process.communicate(timeout=20)
    assert ["tried 192.0.2.1", "192.0.2.1 is another machine"] == said.splitlines()
