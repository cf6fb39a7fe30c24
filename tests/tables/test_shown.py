"""Usage for people, pictures, and the words beside doubtful numbers."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from aimon_nb.model import Cost, Totals
from aimon_nb.pricing import price_run
from aimon_nb.views.tables import frames
from aimon_nb.views.present import formatting, run_sums
from aimon_nb.views.tables.usage_table import UsageTable
from tests.pricing.making import call, run_of, span, tokens
from tests.parts.places import ROOT
from tests.views.samples import agentic, chat, empty, end, failed, hostile, make_run, many, priced


# Which imports matplotlib, and looks at its fonts.
ONE_WORKER = pytest.mark.xdist_group("plots")


def table(run):
    return UsageTable(frames.usage([run]), ["model"])


def test_styled():
    """Money is in dollars, a bar shows its share, what is unknown is a grey word."""
    html = table(agentic())._repr_html_()
    assert "$0.0244" in html and "width:100%" in html
    assert '<span style="opacity:.6">1 unpriced</span>' in html
    assert "genai-prices 0.2.3; estimated locally" in html


def test_styled_text():
    """Where there is no HTML it is a text table."""
    lines = repr(table(agentic())).splitlines()
    assert re.split("  +", lines[0]) == ["model", "calls", "errors", "call time", "input", "output", "cost"]
    assert any("1 unpriced" in line for line in lines)


def test_styled_time_and_errors():
    """How long the calls took stands in both forms, and how many failed or were repaired by another attempt; nothing where none did."""
    for said in (table(agentic())._repr_html_(), repr(table(agentic()))):
        assert "1 retried" in said and "failed" not in said and "call time" in said
        assert formatting.seconds(float(frames.usage([agentic()])["duration_s"][0])) in said
    assert "1 failed" in repr(table(failed()))
    assert "retried" not in repr(table(many(2)))


def test_styled_hostile():
    """A model's name is text, not HTML."""
    html = table(hostile())._repr_html_()
    assert "<img" not in html and "<script" not in html


def test_styled_nothing():
    """No call is an empty table."""
    assert "<table" in table(empty())._repr_html_()
    assert "model" in repr(table(empty()))


def test_marks():
    """Estimates have a tilde, lower bounds a ≥, and what is unknown a word."""
    exact = Cost("priced", Decimal("0.01"))
    assert "~$0.0100" == formatting.cost(replace(exact, estimated=True))
    assert "~$0.0100" == formatting.cost(replace(exact, state="partial", estimated=True))
    assert "≥ $0.0100" == formatting.cost(replace(exact, state="partial"))
    assert "cached" == formatting.cost(Cost("free", Decimal(0), cache_saving=Decimal(1)))
    assert ("≥ $0.0100", "1 estimate") == run_sums.total_cost(
        Totals(calls=2, cost=Decimal("0.01"), lower_bound=True, estimates=1)
    )
    assert ("≥ $0.0100", "2,200 tokens unseen") == run_sums.total_cost(
        Totals(calls=1, cost=Decimal("0.01"), lower_bound=True, unseen=2200)
    )


def test_an_estimate_from_end_to_end():
    """A stream that LiteLLM counted itself is an estimate, and stands beside the sums, not in them."""
    one = span("a", usage=tokens(9, 3, total=12), usage_source="sdk_estimate", origin="auto.ai.litellm")
    run = run_of(one, call("gpt-4o", tokens(1000, 100)))
    price_run(run, set(run.spans))
    assert (1, 1000) == (run.totals.estimates, run.totals.usage.input)
    assert run_sums.total_cost(run.totals)[0].startswith("≥ $")
    assert run_sums.total_cost(run.totals)[1].startswith("~9 → 3 tokens estimated, ~")
    assert frames.usage([run])["estimated"][0]
    assert [True] == [x for x in frames.spans([run])["estimated"].dropna() if x]


def test_no_usage_says_what_would_help():
    """A stream without usage says how to get it."""
    run = run_of(call("gpt-4o", tokens(), streaming=True))
    price_run(run, set(run.spans))
    assert 'stream_options={"include_usage": True}' in run.spans["s"].cost.reason


@ONE_WORKER
@pytest.mark.parametrize("run", [agentic(), agentic(running=True), empty(), hostile(), many(60)], ids="fin run empty hostile many".split())
def test_plot(run):
    """Every run can be drawn: cost, tokens, waterfall; nothing is left open in pyplot."""
    plt = pytest.importorskip("matplotlib.pyplot")
    from aimon_nb.views.tables.plots import plot

    figure = plot(run)
    figure.canvas.draw()
    assert 3 == len(figure.axes)
    assert [] == plt.get_fignums()


@ONE_WORKER
def test_plot_of_thousands_of_models():
    """More models than a picture holds are one bar, and none is left out of it."""
    pytest.importorskip("matplotlib")
    from aimon_nb.views.tables.plots import plot

    run = run_of(*[call(f"m-{i}", tokens(1, 1), "localhost:1", span_id=f"s{i}") for i in range(3000)])
    price_run(run, set(run.spans))
    figure = plot(run)
    figure.canvas.draw()
    assert "2,960 more models" == figure.axes[1].get_yticklabels()[-1].get_text()
    assert 3000 == sum(bar.get_width() for bar in figure.axes[1].containers[0])


@ONE_WORKER
def test_plot_names_calls_by_who_asked():
    """A bar has its row's name: of calls the function that asked, with the line where they differ."""
    pytest.importorskip("matplotlib")
    from aimon_nb.views.tables.plots import plot

    calls = [call("gpt-4o", tokens(1, 1), span_id=f"s{n}", caller="route > ask", caller_lines=f"line {n}") for n in (6, 7)]
    labels = [label.get_text() for label in plot(run_of(*calls)).axes[2].get_yticklabels()]
    assert ["route › ask gpt-4o · line 6", "route › ask gpt-4o · line 7"] == labels[-2:]


@ONE_WORKER
def test_plot_marks_the_unknown():
    """A model without a price has a word in the picture, not a bar of zero."""
    pytest.importorskip("matplotlib")
    from aimon_nb.views.tables.plots import plot

    said = [text.get_text() for text in plot(agentic()).axes[0].texts]
    assert any("1 unpriced" in text for text in said)


@ONE_WORKER
@pytest.mark.parametrize("dollars", ["0.0000004", "0.00123", "0.4", "12345.678"])
def test_plot_ticks_stand_apart(dollars):
    """The numbers on an axis never run together, whatever their size; money has its sign."""
    pytest.importorskip("matplotlib")
    from aimon_nb.views.tables.plots import plot

    run = make_run()
    for n, tokens_of in enumerate((3, 9_876_543, 123)):
        chat(run, f"c{n}", model=f"model-{n}", offset=n, duration=1000.5, usage=tokens(tokens_of, tokens_of), cost=priced(dollars))
    price_run(end(run, "ok", 3000.0), set())
    figure = plot(run)
    figure.canvas.draw()
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        assert len(boxes) > 1
        assert all(a.x1 + 3 < b.x0 for a, b in zip(boxes, boxes[1:]))
    assert all(label.get_text().startswith("\\$") for label in figure.axes[0].get_xticklabels())


@ONE_WORKER
def test_plot_has_the_colours_of_the_tree():
    """Agents, tools, calls and errors have the colours of the live tree in its light theme."""
    from aimon_nb.views.tables import plots

    css = "\n".join(path.read_text("utf-8") for path in (ROOT / "aimon_nb/views/live").rglob("*.css"))
    of_tree = dict(re.findall(r"--(\w+): light-dark\((#[0-9a-f]{6}),", css))
    assert {kind: of_tree[kind] for kind in ("model", "agent", "tool", "retrieval", "other")} | {"embedding": of_tree["model"]} == plots._COLOURS
    assert plots._FAILED == of_tree["err"]


def test_no_matplotlib(monkeypatch):
    """Without matplotlib a plot says what to install."""
    import sys

    from aimon_nb.views.tables.plots import plot

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plot(agentic())


