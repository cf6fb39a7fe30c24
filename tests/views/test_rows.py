import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.views.samples import EACH, HOSTILE, SECRET, START, add, agentic, chat, empty, failed, hostile, make_run, many, priced, told

from aimon_nb.app import monitor, track
from aimon_nb.model import Cost, Usage
from aimon_nb.model.cost import CostLine
from aimon_nb.views.live import widget
from aimon_nb.views.present import detail, row_names, rows, run_sums
from aimon_nb.views.static import html, text
from tests.parts import sdk


def test_row_of_a_call():
    """A call's row has its model beside its name, its numbers as text and raw."""
    run = agentic()
    row = rows.row_dict(run.spans["c1"], run)
    wanted = {"id": "c1", "parent": "a", "kind": "model", "name": "chat", "label": "gpt-4o", "status": "ok",
              "start": 0.46, "dur": 1.62, "time": "1.62 s", "tokens": "11,020 → 804", "cost": "$0.0242",
              "usd": 0.02416, "error": None, "streaming": False, "hidden": False}  # fmt: skip
    assert wanted == {key: row[key] for key in wanted}


@pytest.mark.parametrize(
    ("span", "name", "label"),
    [("a", "answer", "agent"), ("t", "search_docs", "tool"), ("c2", "chat", "gpt-4o"),
     ("e", "embed", "text-embedding-3-small"), ("r", "retrieve", "")],
)  # fmt: skip
def test_names_and_labels(span, name, label):
    """Names are short; what kind of work it was stands beside them."""
    run = agentic()
    row = rows.row_dict(run.spans[span], run)
    assert (name, label) == (row["name"], row["label"])


def test_a_tool_of_an_mcp_server_is_a_tool():
    """What an MCP server is asked to run is shown as a tool, under the tool's name; what it is asked to read is not."""
    with track("served", view="none"):
        with sdk.start_span(op="mcp.server", name="tools/call look") as span:
            sdk.set_data(span, "mcp.tool.name", "look")
        with sdk.start_span(op="mcp.server", name="resources/read"):
            pass
    run = monitor.recorder.runs()[-1]
    shown = [rows.row_dict(span, run) for _, span in run.walk()]
    assert [("look", "tool", "tool"), ("resources/read", "", "other")] == [(row["name"], row["label"], row["kind"]) for row in shown]


@pytest.mark.parametrize("name", EACH)
def test_packed(name):
    """A packed row has the values of a row by name, in the order in which the page reads them."""
    run = EACH[name]()
    for span in list(run.spans.values())[:50]:
        packed, row = rows.encode_row(span, run), {**rows.row_dict(span, run), "tokens": None}
        assert packed == [row[field] for field in rows.FIELDS[: len(packed)]]
        assert not any(row[field] for field in rows.FIELDS[len(packed) :])
    page = Path(widget.__file__).with_name("rows.js").read_text()
    assert rows.FIELDS == tuple(re.findall(r"(\w+): v\[\d+\]", page))
    assert list(range(len(rows.FIELDS))) == [int(i) for i in re.findall(r"\w+: v\[(\d+)\]", page)]


def test_packed_tokens():
    """Tokens that input and output do not say are packed in words."""
    run = make_run()
    assert "99 in all" == rows.encode_row(chat(run, "c", usage=Usage(total=99)), run)[rows.FIELDS.index("tokens")]
    assert len(rows.encode_row(chat(run, "d", usage=Usage(3, None, None, 4)), run)) <= rows.FIELDS.index("tokens")


def test_running_row():
    """A running row has no time yet, and says that it streams."""
    run = agentic(running=True)
    row = rows.row_dict(run.spans["c5"], run)
    assert (None, "", "gpt-4o-mini", "streaming") == (row["dur"], row["time"], row["label"], row["outcome"])


def test_plumbing_is_hidden():
    """Plumbing and covers are marked hidden; what hangs below them hangs on a shown row."""
    run = make_run()
    add(run, "cover", op="gen_ai.chat", is_duplicate=True)
    add(run, "http", "cover", op="http.client")
    chat(run, "c", "http")
    assert [True, True, False] == [rows.row_dict(run.spans[i], run)["hidden"] for i in ("cover", "http", "c")]
    assert rows.row_dict(run.spans["c"], run)["parent"] is None
    assert not rows.row_dict(run.spans["cover"], run)["counts"]


def test_a_failed_call_is_not_called_without_usage():
    """A call that failed has nothing to bill: its cost is empty."""
    run = agentic()
    assert "" == rows.row_dict(run.spans["c2"], run)["cost"]


def test_header():
    """The header has identity, clock, totals, destination and notes."""
    header = rows.header(agentic(running=True), START + timedelta(seconds=4.2))
    wanted = {"name": "summarise", "status": "running", "elapsed": 4.2, "dur": None, "calls": 6,
              "tokens": "12,655 → 1,514", "cached": "72 % cached", "cost": "≥ $0.0244", "cost_note": "1 unpriced",
              "unpriced": 1, "destination": "", "trace": None, "empty": ""}  # fmt: skip
    assert wanted == {key: header[key] for key in wanted}
    assert int(START.timestamp() * 1000) == header["started"]


def test_header_of_a_sent_run():
    """A run that goes to Sentry shows its trace id."""
    header = rows.header(failed())
    assert ("Sentry", "3f2a91c4" * 4) == (header["destination"], header["trace"])
    assert header["error"] is None


@pytest.mark.parametrize(
    ("text", "told"),
    [("no answer in 0.6 s", False), ("it failed: no answer in 0.6 s, after 3 tries", False), ("division by zero", True)],
)
def test_error_that_no_row_says(text, told):
    """A run's own error is told where no failed row says it, or what a client's exception made of it."""
    run = failed()
    run.error_type, run.error = "SomeError", text
    assert (f"SomeError: {text}" if told else None) == rows.header(run)["error"]
    run.status = "interrupted"
    assert rows.header(run)["error"] is None


def test_header_of_an_empty_run():
    """A run without rows says why."""
    assert rows.header(empty())["empty"].startswith("no model call crossed")
    assert "waiting for the first call" == rows.header(make_run())["empty"]


@pytest.mark.parametrize("name", EACH)
def test_no_content(name):
    """Header, rows and snapshot hold no prompt, no answer, no tool argument."""
    run = EACH[name]()
    told = [rows.header(run), rows.snapshot(run), *(rows.row_dict(s, run) for s in run.spans.values())]
    assert SECRET not in json.dumps(told)
    assert SECRET[4:] not in json.dumps(told)


@pytest.mark.parametrize("name", EACH)
def test_json_safe(name):
    """All data is strict JSON that any transport can encode."""
    run = EACH[name]()
    details = [detail.detail(s) for s in list(run.spans.values())[:50]]
    told = [rows.header(run), rows.snapshot(run), details]
    json.dumps(told, allow_nan=False, ensure_ascii=False).encode("utf-8")


def test_detail_has_the_conversation():
    """A detail holds the turns in order, tool calls included."""
    turns = detail.detail(agentic().spans["c3"])["messages"]
    assert ["system", "user", "assistant"] == [t["role"] for t in turns]
    assert ["in", "in", "out"] == [t["side"] for t in turns]
    assert SECRET in turns[1]["text"]
    assert "search_docs" == turns[2]["calls"][0][0]


def test_detail_of_a_tool():
    """A tool's arguments and result are turns of its detail."""
    turns = detail.detail(agentic().spans["t"])["messages"]
    assert ["arguments", "result"] == [t["role"] for t in turns]


def test_detail_of_a_step():
    """What went in and came out are its turns; where that is not kept, or was not heard, it says so."""
    spans = told().spans
    turns = detail.detail(spans["tool"])["messages"]
    assert [("in", "input"), ("out", "output")] == [(t["side"], t["role"]) for t in turns]
    assert {"city": "Paris", "day": "2026-03-05"} == json.loads(turns[0]["text"])
    assert ["input"] == [t["role"] for t in detail.detail(spans["bad"])["messages"]]
    assert ([], "no longer kept: over the budget of 256 MB") == (detail.detail(spans["gone"])["messages"], detail.detail(spans["gone"])["nothing"])
    assert "what went in and came out was not heard" == detail.detail(spans["root"])["nothing"]


def test_detail_reads_what_an_sdk_wrote():
    """Without a call on the wire, messages come from the span's attributes."""
    run = make_run()
    span = add(run, "s", op="gen_ai.chat", attributes={
        "gen_ai.request.messages": '[{"role": "user", "content": [{"type": "text", "text": "hi"}]}]',
        "gen_ai.response.text": "[not json",
    })  # fmt: skip
    turns = detail.detail(span)["messages"]
    assert [("user", "hi"), ("assistant", "[not json")] == [(t["role"], t["text"]) for t in turns]


@pytest.mark.parametrize(
    "key",
    ["gen_ai.request.messages", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.response.text",
     "gen_ai.response.tool_calls", "gen_ai.tool.input", "gen_ai.tool.output", "gen_ai.tool.call.arguments",
     "gen_ai.tool.call.result", "gen_ai.system_instructions", "gen_ai.embeddings.input", "gen_ai.choice",
     "gen_ai.user.message", "ai.input_messages", "ai.responses", "ai.texts", "ai.documents", "ai.preamble",
     "mcp.tool.result.content", "mcp.prompt.result.message_content", "gen_ai.tool.definitions", "gen_ai.prompt",
     "gen_ai.completion", "gen_ai.prompt.0.content", "input.value", "mcp.request.argument.q"],
)  # fmt: skip
def test_content_attributes(key):
    """Attributes that hold what was said are no facts."""
    run = make_run()
    span = add(run, "s", attributes={key: "x"})
    assert [] == detail.detail(span)["attributes"]


@pytest.mark.parametrize("key", ["gen_ai.system", "gen_ai.request.temperature", "gen_ai.response.model",
                                 "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "mcp.tool.name"])  # fmt: skip
def test_other_attributes(key):
    """Facts about a span stay among its attributes."""
    span = add(make_run(), "s", attributes={key: "x"})
    assert [[key, "x"]] == detail.detail(span)["attributes"]


def test_arithmetic():
    """The arithmetic shows tokens, rate and amount of each kind, and the sum."""
    cost = detail.detail(agentic().spans["c1"])["cost"]
    assert ["input", "1,876", "$2.50", "$0.00469"] == cost["parts"][0]
    assert ("gpt-4o", "$0.02416") == (cost["model"], cost["total"])


def test_arithmetic_of_an_unpriced_part():
    """A part without a price is not $0."""
    run = make_run()
    parts = (("input", 10, Decimal(2), Decimal("0.00002")), ("audio", 5, None, Decimal(0)))
    span = chat(run, "c", usage=Usage(15), cost=Cost("partial", Decimal("0.00002"), parts))
    cost = detail.detail(span)["cost"]
    assert ["audio", "5", "", "no price"] == cost["parts"][1]
    assert "≥ $0.000020" == cost["total"]


def test_arithmetic_of_what_was_charged():
    """It has no tokens and no rate, and who charged it is said once."""
    run = make_run()
    said = "charged by openrouter; by genai-prices 0.2.3 it would be $0.00495"
    charged = Cost("priced", Decimal("0.0123"), (CostLine("charged", 0, None, Decimal("0.0123")),), "openrouter", said, charged=True)
    cost = detail.detail(chat(run, "c", usage=Usage(1200, None, None, 90), cost=charged))["cost"]
    assert ([["charged", "", "", "$0.01230"]], "$0.01230", said) == (cost["parts"], cost["total"], cost["reason"])
    assert (None, []) == (cost["source"], cost["assumptions"])


def test_ordinals():
    """A place in an order has the ending that is spoken."""
    said = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 111th 1003rd"
    assert said.split() == [row_names.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 111, 1003)]


def test_how_a_call_went_stands_apart_from_what_it_is():
    """Equal calls have equal labels; that one was refused, cut or a further try of its request is said beside it."""
    run = make_run()
    ways = {
        "": {}, "429": {"status": "error", "error": "Error code: 429 - slow"}, "2nd try": {"attempt": 2}, "error · 3rd try": {"status": "error", "attempt": 3},
        "error": {"status": "error", "attempt": 2, "retried": "unrepaired"}, "cancelled": {"status": "cancelled"},
    }  # fmt: skip
    shown = [rows.row_dict(chat(run, f"c{i}", **way), run) for i, way in enumerate(ways.values())]
    assert list(ways) == [row["outcome"] or "" for row in shown]
    assert {"gpt-4o"} == {row["label"] for row in shown}


def test_a_retried_call_is_marked():
    """A call whose request was sent again says so, answered in the end or not; the last attempt does not."""
    run = make_run()
    marks = [rows.row_dict(chat(run, f"c{i}", retried=one), run)["retried"] for i, one in enumerate(("repaired", "unrepaired", None))]
    assert [True, True, None] == marks


def test_snapshot_is_cut_with_a_count():
    """A snapshot keeps to its size and says how many rows it leaves out."""
    run = many(10_000)
    kept = rows.snapshot(run, limit_bytes=50_000)
    assert len(json.dumps(kept)) <= 50_000
    assert 10_000 == len(kept["rows"]) + kept["cut"]
    assert kept["rows"]


def test_snapshot_of_a_small_run():
    """A small run is whole, parents before children."""
    run = agentic()
    kept = rows.snapshot(run)
    assert 0 == kept["cut"]
    assert ["r", "e", "a", "c1", "t", "c2", "c3", "c4", "c5"] == [r[0] for r in kept["rows"]]


def test_huge_texts_do_not_reach_rows():
    """No name or error makes a row large."""
    run = make_run("n" * 10**6)
    span = add(run, "s", name="x" * 10**6, status="error", error="e" * 10**6, model="m" * 10**6)
    assert len(json.dumps(rows.row_dict(span, run))) < 2_000
    assert len(json.dumps(rows.header(run))) < 2_000


def test_hostile_names_are_spelled_out():
    """Direction and control characters of names are visible in rows."""
    run = hostile()
    told = json.dumps([rows.row_dict(s, run) for s in run.spans.values()], ensure_ascii=False)
    assert "\u202e" not in told
    assert HOSTILE[:20] in told
    assert priced("1").total == 1


def caught(*statuses):
    """A run that has ended well: an agent, and below it steps of these statuses."""
    run = make_run()
    add(run, "a", op="gen_ai.invoke_agent", name="support")
    for at, status in enumerate(statuses):
        add(run, f"t{at}", "a", op="gen_ai.execute_tool", name=f"tool {at}", status=status)
    run.status = "ok"
    return run


@pytest.mark.parametrize(("statuses", "said"), [(("ok", "ok"), ""), (("ok", "error"), "1 step failed"), (("error", "error"), "2 steps failed")])
def test_a_tool_that_failed_is_said_where_the_run_is(statuses, said):
    """Where an agent went on without a tool that failed, the head, the text and the saved form say so, beside a run that ended well."""
    run = caught(*statuses)
    assert said == ", ".join(piece for piece in run_sums.totals(run) if "failed" in piece)
    assert statuses.count("error") == rows.header(run)["failed_steps"]
    assert all((said or "failed") in form for form in (text.tree(run), html.static(run))) == bool(said)


def test_an_error_that_is_passed_on_counts_once():
    """A step that fails with the call or the step below it is the same failure; while the run runs none is counted yet."""
    run = caught("error")
    run.spans["a"].status = "error"
    assert 1 == run_sums.failed_steps(run)
    chat(run, "c", "t0", status="error")
    assert 0 == run_sums.failed_steps(run)
    del run.spans["c"]
    run.status = "running"
    assert 0 == rows.header(run)["failed_steps"]
