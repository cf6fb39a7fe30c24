"""DataFrames: columns, dtypes, order, unknown values."""

import json
import re
import subprocess
import sys
import threading

import pandas as pd
import pytest

from aimon_nb.pricing import price_run
from aimon_nb.views.tables import frames
from aimon_nb.views.present import formatting, run_sums
from tests.pricing.making import call, run_of, span, tokens
from tests.views.samples import EACH, SECRET, agentic, hostile, make_run, told

SPANS = (
    "name, caller, model, status, duration_s, input_tokens, output_tokens, cost_usd, cost_state, error_type, error, retried, attempt, "
    "start, ttft_s, caller_line, agent, tool, conversation, item, repeat, provider, request_model, parameters, finish_reason, streaming, input_tokens_cached, "
    "input_tokens_cache_write, output_tokens_reasoning, total_tokens, estimated, "
    "input_tokens_estimated, output_tokens_estimated, cost_usd_estimated, "
    "cached_locally, saved_usd, reported, tags, pipeline, notebook, cell, worker, thread, late, sent, op, depth, run, run_id, span_id, parent_id"
).split(", ")
USAGE = (
    "calls, errors, retries, duration_s, input_tokens, output_tokens, cost_usd, cost_is_lower_bound, cost_state, calls_unpriced, calls_no_usage, "
    "calls_cached_locally, requests_uncounted, input_tokens_cached, input_tokens_cache_write, output_tokens_reasoning, total_tokens, "
    "estimated, input_tokens_estimated, output_tokens_estimated, cost_usd_estimated, saved_usd"
).split(", ")
RUNS = (
    "name, started, status, duration_s, calls, errors, retries, input_tokens, output_tokens, cost_usd, cost_is_lower_bound, cost_state, "
    "error_type, error, tags, notebook, cell, run_id"
).split(", ")
DTYPES = {"string", "Int64", "Float64", "boolean", "datetime64[ns, UTC]"}


@pytest.mark.parametrize("name", EACH)
def test_columns(name):
    """Columns, their order and their nullable dtypes are the documented ones, whatever the run."""
    run = EACH[name]()
    data, usage = frames.spans([run]), frames.usage([run])
    assert SPANS == list(data.columns)
    assert ["model", *USAGE] == list(usage.columns)
    assert {str(d) for d in data.dtypes} | {str(d) for d in usage.dtypes} <= DTYPES
    assert frames.SPAN_COLUMNS == data.dtypes.astype(str).to_dict()
    assert len(run.spans) == len(data)


def test_pandas_shows_what_one_looks_for():
    """pandas' own display has name, caller, model, status, time, tokens and cost in sight, before the `…`, as text and HTML."""
    wanted = SPANS[:9]
    assert ["name", "caller", "model", "status", "duration_s", "input_tokens", "output_tokens", "cost_usd", "cost_state"] == wanted
    with pd.option_context("display.max_columns", 20, "display.width", 2000):
        shown = frames.spans([agentic()])
        heads = re.findall("<th>([^<]*)</th>", shown._repr_html_().partition("</thead>")[0])
        assert wanted == heads[1:10] and "..." in heads
        assert repr(shown).split("\n")[0].split()[:9] == wanted
        groups = re.findall("<th>([^<]*)</th>", frames.usage([agentic()])._repr_html_().partition("</thead>")[0])
        assert ["model", *USAGE[:9]] == groups[1:11]
    assert {"run_id", "span_id", "parent_id"} == set(SPANS[-3:])


@pytest.mark.parametrize("name", EACH)
def test_a_table_of_runs(name):
    """A row a run: the sums are those that its tree shows, and what is not known yet is NA."""
    run, other = EACH[name](), make_run("another")
    data = frames.runs([run, other])
    assert RUNS == list(data.columns)
    assert frames.RUN_COLUMNS == data.dtypes.astype(str).to_dict()
    row, totals = data.iloc[0], run.totals
    assert run.name.encode("utf-8", "replace").decode() == row["name"]
    assert [run.status, totals.calls, totals.errors, totals.retries] == list(row[["status", "calls", "errors", "retries"]])
    assert (run.duration is None, totals.usage.input is None, totals.cost is None) == tuple(row[["duration_s", "input_tokens", "cost_usd"]].isna())
    assert ["another", "running", 0] == list(data.iloc[1][["name", "status", "calls"]])
    assert [run.run_id, other.run_id] == data.attrs["run_ids"]


def test_no_runs():
    """Before the first run the table of runs has its columns and no row."""
    assert RUNS == list(frames.runs([]).columns)


def test_parameters():
    """What a request set is JSON, of the wire or of the span; a text that is more than a word, and no number of JSON's, is left out."""
    sent = call("gpt-4o", tokens(1, 1), span_id="sent")
    sent.call.parameters = {"temperature": 0.2, "seed": 7, "store": True, "reasoning_effort": "low", "n": 10**40,
                            "top_p": float("nan"), "verbosity": "as I told you: " + SECRET}  # fmt: skip
    told = span("told", op="gen_ai.chat", attributes={"gen_ai.request.temperature": 1, "gen_ai.request.messages": SECRET})
    said = frames.spans([run_of(sent, told, call("gpt-4o", tokens(1, 1), span_id="none"))]).set_index("span_id")["parameters"]
    assert {"temperature": 0.2, "seed": 7, "store": True, "reasoning_effort": "low"} == json.loads(said["sent"])
    assert {"temperature": 1} == json.loads(said["told"])
    assert said[["root", "none"]].isna().all()


def test_no_run():
    """No run is an empty table with the same columns."""
    assert SPANS == list(frames.spans([]).columns)
    assert 0 == len(frames.usage([]))


def test_order_and_depth():
    """Rows stand in the order of the tree: parents before children, siblings by their start."""
    data = frames.spans([agentic()])
    assert ["root", "r", "e", "a", "c1", "x", "t", "c2", "c3", "c4", "c5"] == list(data["span_id"])
    assert [0, 1, 2, 1, 2, 3, 2, 2, 2, 2, 2] == list(data["depth"])


def test_spans_in_a_circle():
    """Spans that are each other's parents are in the table too."""
    run = run_of(span("a", "b"), span("b", "a"), span("c"))
    assert {"root", "a", "b", "c"} == set(frames.spans([run])["span_id"])


def test_unknown_is_na():
    """Unknown is NA, and a reported zero is 0."""
    run = run_of(call("gpt-4o", tokens(0, None, total=0)), span("t", op="gen_ai.execute_tool"))
    row = frames.spans([run]).set_index("span_id")
    assert 0 == row.loc["s", "input_tokens"]
    assert row.loc["t", ["input_tokens", "cost_usd", "cost_state", "estimated"]].isna().all()


def test_sums():
    """A group's sum of unknown is unknown; a sum that misses something says so."""
    run = run_of(call("gpt-4o", tokens(1000, 100)), call("gpt-4o", tokens(), span_id="b"), call("m", tokens(5, 5), "localhost:1", span_id="c"))
    price_run(run, set(run.spans))
    usage = frames.usage([run]).set_index("model")
    assert [2, 1, 1100, 0.0035, True, "partial"] == list(
        usage.loc["gpt-4o", ["calls", "calls_no_usage", "total_tokens", "cost_usd", "cost_is_lower_bound", "cost_state"]]
    )
    assert pd.isna(usage.loc["m", "cost_usd"])
    assert "unpriced" == usage.loc["m", "cost_state"]
    assert pd.isna(usage.loc["m", "input_tokens_cached"])


def test_only_refused():
    """What was refused costs nothing: that is known, and no word of missing usage stands beside it."""
    run = run_of(call("gpt-4o", tokens(), status="error"))
    run.spans["s"].call.refused = True
    price_run(run, set(run.spans))
    told = frames.usage([run]).iloc[0][["calls", "errors", "calls_no_usage", "cost_usd", "cost_is_lower_bound", "cost_state"]]
    assert [1, 1, 0, 0, False, "free"] == list(told)
    assert ("", "") == run_sums.total_cost(run.totals)


def test_tokens_of_spans_add_up_to_usage():
    """What stands at the spans that count is what stands in the sum, cache on top or not."""
    run = run_of(call("claude-haiku-4-5", tokens(50, 200, cached=8000), "api.anthropic.com"))
    price_run(run, set(run.spans))
    for column in frames.TOKEN_COLUMNS[:4]:
        assert frames.spans([run])[column].sum() == frames.usage([run])[column].sum()


def test_impossible_numbers_are_shown_as_reported():
    """What cannot be is shown, and has no price; a negative count is told in words, for no sum has it."""
    run = run_of(call("gpt-4o", tokens(-5, 200, total=3)))
    price_run(run, set(run.spans))
    row = frames.spans([run]).set_index("span_id").loc["s"]
    assert [200, 3, "unpriced"] == list(row[["output_tokens", "total_tokens", "cost_state"]])
    assert pd.isna(row["input_tokens"])
    assert "-5 → 200 tokens, impossible" == row["reported"]


def test_counts_too_large_for_a_table():
    """A sum that no 64 bits hold is unknown; the table stands."""
    run = run_of(*[call("gpt-4o", tokens(2**62, 5), span_id=f"s{i}") for i in range(4)], call("m", tokens(10**30, 1), span_id="t"))
    price_run(run, set(run.spans))
    usage = frames.usage([run]).set_index("model")
    assert usage["input_tokens"].isna().all()
    assert [20, 1] == list(usage["output_tokens"])
    assert pd.isna(frames.spans([run]).set_index("span_id").loc["t", "input_tokens"])


def test_a_run_that_goes_on():
    """Tables, totals, trees and pictures can be made while other threads add spans."""
    run = run_of(*[call("gpt-4o", tokens(9, 9), span_id=f"s{i}") for i in range(300)], span("h", usage=tokens(5, 5)), ended=False)
    before_it, turns = len(run.spans), threading.Semaphore(0)

    def grow():
        for turn in range(200):
            turns.acquire()
            for i in range(100):
                run.spans[f"g{turn}-{i}"] = run.spans["s0"]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=grow)
    thread.start()
    try:
        for _ in range(10):
            turns.release(20)
            frames.spans([run]), frames.usage([run]), list(run.walk()), price_run(run, set())
    finally:
        turns.release(200)
        thread.join()
        sys.setswitchinterval(before)
    assert before_it + 20_000 == len(run.spans)


def test_a_key_twice():
    """A key that is named twice groups once."""
    run = agentic()
    assert frames.usage([run], ["model", "day"]).equals(frames.usage([run], ["model", "model", "day"]))


def test_by():
    """Any of the keys groups, several at once, in the order asked for."""
    run = agentic()
    assert ["pipeline", "day", *USAGE] == list(frames.usage([run], ["pipeline", "day"]).columns)
    assert ["2026-03-04"] == list(frames.usage([run], ["day"])["day"])
    assert ["model", *USAGE] == list(frames.usage([run], "model").columns)
    for key in frames.KEYS:
        assert frames.usage([run], [key])["calls"].sum() == 6
    with pytest.raises(ValueError, match="cannot group by colour; use model,"):
        frames.usage([run], ["colour"])


def test_attrs():
    """`attrs` holds the run's id and where the prices are from."""
    run = agentic()
    for data in (frames.spans([run]), frames.usage([run])):
        assert {"run_id": "01JRUN", "run_ids": ["01JRUN"], "price_source": "genai-prices 0.2.3"} == data.attrs


def test_content_only_if_asked():
    """Prompts and answers are in a table only with `content`."""
    run = agentic()
    assert SECRET not in frames.spans([run]).to_csv() + frames.usage([run]).to_csv()
    data = frames.spans([run], content=True).set_index("span_id")
    assert [*SPANS, "input_text", "output_text"] == ["span_id" if c is None else c for c in frames.spans([run], content=True).columns]
    assert "user: Summarise the three reports" in data.loc["c1", "input_text"]
    assert SECRET in data.loc["c1", "output_text"]
    assert pd.isna(data.loc["root", "input_text"])


def test_what_went_into_a_step():
    """Of a step the columns of content hold its arguments and its result: a text as it is, all else as JSON; NA is what was not heard."""
    data = frames.spans([told()], content=True).set_index("name")
    assert '{"city": "Paris", "day": "2026-03-05"}' == data["input_text"]["execute_tool weather"]
    assert data["output_text"]["execute_tool weather"].startswith('[{"hour": 0, "rain": 0.0')
    assert ("Day 1: the Louvre, early, then the Tuileries.", "None") == (data["output_text"]["invoke_agent Guide"], data["output_text"]["score"])
    assert data["output_text"].isna()["execute_tool book"]
    assert "(no longer kept: over the budget of 256 MB)" == data["input_text"]["big"] == data["output_text"]["big"]
    assert "Paris" not in frames.spans([told()]).to_csv()


def test_hostile_text():
    """No text breaks a table: a lone surrogate is replaced, the rest is kept."""
    name = frames.spans([hostile()], content=True)["name"][1]
    assert "</script>" in name
    assert "\x07\x1b[31m?&amp;" in name


@pytest.mark.kernel
def test_nothing_heavy_is_imported():
    """Neither pandas nor the price list, pydantic or matplotlib is imported before it is used."""
    code = (
        "import sys, aimon_nb.pricing, aimon_nb.views.tables.frames, aimon_nb.views.tables.export, aimon_nb.views.tables.plots, aimon_nb.views.tables.usage_table\n"
        "print(*{'pandas', 'numpy', 'genai_prices', 'pydantic', 'matplotlib', 'pyarrow'} & {m.split('.')[0] for m in sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "" == run.stdout.strip()
