"""Plain sums are right: what stands in a table, a tree or a page adds up to the run's totals."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimon_nb.model import Usage
from aimon_nb.pricing import price_run
from aimon_nb.views.present import formatting, rows, run_sums
from aimon_nb.views.present.detail import detail
from aimon_nb.views.present.more_calls import more_span
from aimon_nb.views.present.outline import build_outline
from aimon_nb.views.static import html, text
from aimon_nb.views.tables import frames
from tests.pricing.making import call, run_of, span, tokens

SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
AGENT, CHAIN, OAI = "gen_ai.invoke_agent", "gen_ai.invoke_agent", "auto.ai.openai_agents"
OPS = ["gen_ai.chat", "gen_ai.chat", AGENT, AGENT, "gen_ai.execute_tool", "ai.run", "gen_ai.embeddings"]
COLUMNS = {
    "input_tokens": "input", "input_tokens_cached": "cached", "input_tokens_cache_write": "cache_write",
    "output_tokens": "output", "output_tokens_reasoning": "reasoning", "total_tokens": "total",
}  # fmt: skip
count = st.one_of(st.none(), st.integers(0, 400_000), st.integers(-9, -1))
usages = st.builds(Usage, count, count, st.one_of(st.none(), st.integers(0, 99)), count, count, count)


def priced(spans, ended=True):
    run = run_of(*spans, ended=ended)
    price_run(run, set(run.spans))
    return run


@st.composite
def runs(draw):
    """Nested calls, agents with usage, duplicates, cached answers, estimates, attempts, calls past the cap."""
    spans, cap = [], draw(st.sampled_from([99, 99, 5, 1]))
    for i in range(draw(st.integers(1, 14))):
        parent = draw(st.sampled_from(["root", *(s.span_id for s in spans)]))
        usage = draw(st.one_of(st.just(Usage()), usages))
        more = {
            "origin": draw(st.sampled_from([None, "auto.ai.langchain", OAI, "auto.ai.litellm"])),
            "status": draw(st.sampled_from(["ok", "ok", "ok", "error", "running", "abandoned"])),
        }
        if usage != Usage() and draw(st.integers(0, 4)) == 0:
            more["usage_source"] = "estimate"
        model = draw(st.sampled_from(["gpt-4o", "gpt-5-mini", "my-model"]))
        if draw(st.booleans()):
            one = call(model, usage, span_id=f"s{i}", parent_id=parent, **more)
            one.call.refused = one.status == "error" and draw(st.booleans())
            if draw(st.booleans()):
                one.retry_group, one.attempt = draw(st.integers(1, 3)), i + 1
        else:
            one = span(f"s{i}", parent, draw(st.sampled_from(OPS)), usage, model=model, duration=draw(st.sampled_from([0.001, 2.0])),
                       is_duplicate=draw(st.integers(0, 9)) == 0, **more)  # fmt: skip
        one.folded = len(spans) >= cap
        if one.status == "running":
            one.duration = None
        spans.append(one)
    return priced(spans, draw(st.booleans()))


def same(found, wanted):
    return math.isclose(float(found), float(wanted or 0), rel_tol=1e-9, abs_tol=1e-15)


@SOME
@given(runs())
def test_columns_add_up_to_the_run(run):
    """The sum of any column of counts or money of `%ai_spans` is that of `%ai_usage` and of the run's totals."""
    data, totals = frames.spans([run]), run.totals
    wanted = {column: getattr(totals.usage, kind) for column, kind in COLUMNS.items()}
    wanted |= {
        "cost_usd": totals.cost, "saved_usd": totals.saved, "cost_usd_estimated": totals.estimate_cost,
        "input_tokens_estimated": totals.estimate.input, "output_tokens_estimated": totals.estimate.output,
    }  # fmt: skip
    for by in (["model"], ["op", "provider"]):
        usage = frames.usage([run], by)
        for column, total in wanted.items():
            assert same(data[column].sum(), total), column
            assert same(usage[column].sum(), total), column
            # Unknown is unknown in both; but a run of refused calls costs nothing, and so does a cached answer.
            if column != "cost_usd" or (total != 0 and not totals.cached_locally):
                assert (total is None) == data[column].isna().all(), column
        assert (totals.calls, totals.errors, totals.retries) == tuple(usage[["calls", "errors", "retries"]].sum())


@SOME
@given(runs())
def test_rows_and_trees_add_up_to_the_run(run):
    """What the live rows that count add up to, and the top of the saved tree, is the run's total; so is the table of models."""
    more, totals = more_span(run, run.more), run.totals
    shown = [one for one in run.spans.values() if run.shows(one)] + ([more] if more else [])
    data = [rows.row_dict(one, run) for one in shown]
    counting = [row for row in data if row["counts"]]
    outline = build_outline(run)
    top = [*outline.top, *([outline.more] if outline.more else [])]
    for row, one in zip(data, shown, strict=True):
        assert row["counts"] or not row["input"] or one.cached_locally
    for kind in ("input", "output"):
        wanted = getattr(totals.usage, kind) or 0
        assert wanted == sum(row[kind] or 0 for row in counting)
        assert wanted == sum(_summed(one, kind) for one in top)
    assert same(sum(row["usd"] or 0 for row in counting), totals.cost)
    assert totals.calls == sum(row["more"][0] if row["more"] else 1 for row in counting)
    failed = [row["more"][1] if row["more"] else row["status"] == "error" and not row["retried"] for row in counting]
    header = rows.header(run)
    assert (totals.errors, totals.errors, totals.retries) == (sum(failed), header["errors"], header["retries"])
    said = run_sums.totals(run)
    assert (f"{totals.errors:,} failed" in " ".join(said)) == (totals.errors > 0)


def _summed(one, kind):
    if one.span.span_id == one.run.more_id:
        return getattr(one.span.usage, kind) or 0
    return getattr(one.usage, kind) or 0


U, U2 = tokens(1000, 100), tokens(2000, 200)
DOUBLED = {
    "OpenAI Agents": [span("a", op=AGENT, usage=U2, origin=OAI), call("gpt-4o", U, span_id="b", parent_id="a"), call("gpt-4o", U, span_id="c", parent_id="a")],
    "LangGraph": [span("g", op=AGENT, usage=U2, origin="auto.ai.langgraph"), span("n", "g", op=CHAIN, usage=U2, origin="auto.ai.langgraph"),
                  span("b", "n", usage=U), span("c", "n", usage=U)],
    "a handoff": [span("a", op=AGENT, usage=U, origin=OAI), call("gpt-4o", U, span_id="b", parent_id="a"),
                  span("d", op=AGENT, usage=U2, origin=OAI), call("gpt-4o", U, span_id="c", parent_id="d")],
}  # fmt: skip


@pytest.mark.parametrize("spans", DOUBLED.values(), ids=DOUBLED)
def test_an_agents_own_total_is_in_no_column(spans):
    """It is told in words, in the table, in the row and in its detail."""
    run = priced([replace(one) for one in spans])
    data = frames.spans([run]).set_index("span_id")
    assert [2000, 200, 2200] == list(data[["input_tokens", "output_tokens", "total_tokens"]].sum())
    agent = data[data.op == AGENT]
    assert agent[list(COLUMNS)].isna().all(axis=None)
    assert agent["reported"].str.endswith("tokens, of calls below or beside it").all()
    first = run.spans[agent.index[0]]
    assert rows.row_dict(first, run)["tokens"].startswith("(")
    assert "not counted" in dict(detail(first)["facts"])


def test_a_cached_answer_and_an_estimate_are_beside_the_sums():
    """Tokens that a local cache replayed are told in words; estimates stand in columns of their own."""
    run = priced([
        call("gpt-4o", U, span_id="wire", origin="auto.ai.langchain"),
        span("cached", usage=U, origin="auto.ai.langchain", duration=0.001),
        span("guessed", usage=U2, usage_source="estimate"),
    ])  # fmt: skip
    data = frames.spans([run]).set_index("span_id")
    assert [1000, 2000] == [data["input_tokens"].sum(), data["input_tokens_estimated"].sum()]
    assert "1,000 → 100 tokens, from the client's own cache" == data.loc["cached", "reported"]
    assert [0.0035, 0.0035, 0.007] == pytest.approx([data[c].sum() for c in ("cost_usd", "saved_usd", "cost_usd_estimated")])


def attempts(*statuses, group=1):
    made = [call("gpt-4o", U if one == "ok" else tokens(), span_id=f"{group}-{i}", status=one, retry_group=group, attempt=i + 1)
            for i, one in enumerate(statuses)]  # fmt: skip
    for one in made:
        one.call.refused = one.status == "error"
    return made


@pytest.mark.parametrize(
    ("statuses", "errors", "retries"),
    [(["error", "ok"], 0, 1), (["error", "error", "ok"], 0, 2), (["error", "error"], 1, 0), (["error"], 1, 0),
     (["error", "running"], 0, 0), (["error", "abandoned"], 0, 0)],
)  # fmt: skip
def test_errors_are_calls_whose_last_attempt_failed(statuses, errors, retries):
    """An attempt that was followed by another is no error; it is a retry where the last one was answered."""
    run = priced([*attempts(*statuses), *attempts("ok", group=2)], ended="running" not in statuses)
    assert (errors, retries) == (run.totals.errors, run.totals.retries)
    usage = frames.usage([run])
    assert (errors, retries) == (usage["errors"].sum(), usage["retries"].sum())
    header, tree, saved = rows.header(run), text.tree(run), html.static(run)
    assert (errors, retries) == (header["errors"], header["retries"])
    for words, number in ((" failed", errors), (" retried", retries)):
        summary = " ".join(tree.splitlines()[0].split())
        assert (f"{number}{words}" in summary) == (number > 0)
        assert not number or str(number) in saved
    marks = frames.spans([run]).set_index("span_id")["retried"]
    assert marks.loc["1-0" :].dropna().count() == len(statuses) - 1


def test_a_refused_attempt_makes_no_sum_a_lower_bound():
    """It costs nothing, and that is known: of the run, and of the step above it."""
    below = attempts("error", "ok")
    for one in below:
        one.parent_id = "step"
    run = priced([span("step", op="ai.run"), *below])
    assert not run.totals.lower_bound
    [step, *_] = build_outline(run).shown
    assert "$0.0035" == step.row["cost"]


def test_the_same_request_of_another_agent_is_no_retry():
    """Which failed call was tried again is known by its request, not by its model."""
    run = priced([*attempts("error", "ok"), *attempts("error", group=2)])
    assert (1, 1) == (run.totals.errors, run.totals.retries)
    assert [("1-0", True), ("1-1", None), ("2-0", None)] == [(i, rows.row_dict(run.spans[i], run)["retried"]) for i in ("1-0", "1-1", "2-0")]


def test_one_row_stands_for_the_calls_past_the_cap():
    """It is the last one, has the sums of the rest, and says how many failed; in every form of the run."""
    spans = [call("gpt-4o", U, span_id=f"s{i}") for i in range(5)]
    spans[4].status, spans[4].usage, spans[4].call.usage, spans[4].call.refused = "error", Usage(), Usage(), True
    for one in spans[2:]:
        one.folded = True
    run = priced(spans)
    data = frames.spans([run])
    assert ["root", "s0", "s1", run.more_id] == list(data["span_id"])
    assert ["3 more calls", 2000, 1] == list(data.iloc[-1][["name", "input_tokens", "depth"]])
    assert Decimal("0.0140") == run.totals.cost
    assert data["cost_usd"].sum() == pytest.approx(0.0140)
    snapshot = rows.snapshot(run)
    last = dict(zip(rows.FIELDS, snapshot["rows"][-1], strict=False))
    assert ("3 more calls", 2000, [3, 1], True) == (last["name"], last["input"], last["more"], last["counts"])
    for form in (text.tree(run), html.static(run)):
        assert "3 more calls" in form
        assert "2,000 → 200" in form
    [*_, row] = text.tree(run).splitlines()
    assert row.split() == ["3", "more", "calls", "1", "failed", "1.00", "s", "2,000", "→", "200", "$0.0070"]


def test_refused_calls_past_the_cap_make_no_unknown_cost_zero():
    """Where no cost is known, the row of the calls past the cap adds no $0 to the column if all of them were refused."""
    unknown, refused = span("a", op="gen_ai.chat"), span("b", op="gen_ai.chat", status="error", folded=True)
    run = priced([unknown, refused])
    assert run.totals.cost is None and run.more.totals.calls == 1
    assert frames.spans([run])["cost_usd"].isna().all()


@pytest.mark.parametrize(("refused", "usage", "cost"), [(True, tokens(), ""), (False, tokens(), "no usage"), (False, U, "$0.0035")])
def test_all_calls_past_the_cap_failed(refused, usage, cost):
    """Their row has what those cost that may have been billed, and no word where all were refused."""
    one = call("gpt-4o", usage, status="error", folded=True)
    one.call.refused = refused
    run = priced([one])
    row = build_outline(run).more.row
    assert ("1 failed", cost) == (row["label"], row["cost"])


def test_a_run_all_of_whose_calls_are_past_the_cap():
    """It shows the one row, and does not say that nothing was heard."""
    one = call("gpt-4o", U)
    one.folded = True
    run = priced([one])
    assert "1 more call " in text.tree(run)
    assert "1 more call " in html.static(run)
    assert "no model call" not in text.tree(run)
    assert "" == rows.header(run)["empty"]
