import json
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from aimon_nb.model import Cost, Run, Totals, Usage
from aimon_nb.views.present import formatting, run_sums

FORMATS = json.loads((Path(__file__).parent / "formats.json").read_text("utf-8"))


@pytest.mark.parametrize(("x", "text"), FORMATS["seconds"])
def test_seconds(x, text):
    """A time is short, and exact enough for its size."""
    assert text == formatting.seconds(x)


def test_seconds_of_nan():
    """What is not a number is not shown."""
    assert "" == formatting.seconds(float("nan"))


@pytest.mark.parametrize(("a", "b", "text"), FORMATS["tokens"])
def test_tokens(a, b, text):
    """Only reported counts are shown; a reported zero is a zero."""
    assert text == formatting.tokens(Usage(input=a, output=b))


def test_tokens_of_a_total():
    """A total alone is said to be one."""
    assert "1,200 in all" == formatting.tokens(Usage(total=1200))


@pytest.mark.parametrize(("x", "text"), FORMATS["money"])
def test_money(x, text):
    """An amount has as many digits as tell it apart, the same as in the page (formats.json); an unknown one is empty, never $0."""
    assert text == formatting.money(None if x is None else Decimal(x))


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (None, ""),
        (Cost("priced", Decimal("0.02416")), "$0.0242"),
        (Cost("priced", Decimal(0)), "$0"),
        (Cost("priced", None), "unpriced"),
        (Cost("partial", Decimal("0.02416")), "≥ $0.0242"),
        (Cost("partial", Decimal("0.000001")), "> $0"),
        (Cost("partial", None), "unpriced"),
        (Cost("unpriced"), "unpriced"),
        (Cost("free", Decimal(0)), "free"),
        (Cost("no_usage"), "no usage"),
    ],
)
def test_cost(cost, text):
    """A cost says its state: exact, a lower bound, or why there is none."""
    assert text == formatting.cost(cost)


@pytest.mark.parametrize(
    ("totals", "text"),
    [
        (Totals(), ("", "")),
        (Totals(2, cost=Decimal("0.5")), ("$0.5000", "")),
        (Totals(2, cost=Decimal("0.5"), unpriced=1, lower_bound=True), ("≥ $0.5000", "1 unpriced")),
        (Totals(2, unpriced=2), ("2 unpriced", "")),
        (Totals(3, unpriced=2, no_usage=1), ("2 unpriced", "1 without usage")),
        (Totals(2, cost=Decimal(0)), ("free", "")),
        (Totals(3, errors=1, rejected=3, cost=Decimal(0)), ("", "")),  # three attempts at one request, none answered
        (Totals(2, cost=Decimal(0), unpriced=1, lower_bound=True), ("1 unpriced", "")),
        (Totals(1, estimates=1, estimate=Usage(60, None, None, 20), estimate_cost=Decimal("0.5")), ("~$0.5000", "~60 → 20 tokens estimated")),
        (
            Totals(2, cost=Decimal("0.5"), lower_bound=True, estimates=1, estimate=Usage(60), estimate_cost=Decimal("0.1")),
            ("≥ $0.5000", "~60 tokens estimated, ~$0.1000"),
        ),
    ],
)
def test_total_cost(totals, text):
    """A sum that leaves something out says so, and is never $0 for unknown."""
    assert text == run_sums.total_cost(totals)


def a_run(totals, **options):
    """A run of these sums."""
    run = Run(run_id="r", name="cell", started=datetime(2026, 3, 4, tzinfo=timezone.utc), options=options)
    run.totals = totals
    return run


def test_totals():
    """The totals line holds calls, errors, tokens, cached share and cost."""
    usage = Usage(12345, 9135, None, 1204)
    totals = Totals(5, 1, 0, 1, 0, usage, Decimal("0.02416"), True)
    assert [
        "5 calls", "1 failed", "12,345 → 1,204 tokens", "74 % cached", "≥ $0.0242 · 1 unpriced",
    ] == run_sums.totals(a_run(totals))  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "budget", "said"),
    [("0.0055", 0.05, "$0.0055 of $0.05"), ("1.5", 1234.5, "$1.50 of $1,234.50"), (None, 5.0, "budget $5"), ("0", 5.0, "free · budget $5"), ("0.5", None, "$0.5000"), ("0.5", 0.5, "$0.5000 of $0.50"), ("0.5", 0.0025, "$0.5000 of $0.0025")],
)
def test_a_budget_follows_the_cost(cost, budget, said):
    """What a run may spend stands behind what it has spent, as it was written."""
    totals = Totals(2, cost=None if cost is None else Decimal(cost))
    assert said == run_sums.totals(a_run(totals, budget=budget))[-1]


def test_visible():
    """Control and direction characters are seen, not obeyed; the result can be encoded."""
    assert "a⟨U+202E⟩b␇␛[31m⟨U+D800⟩" == formatting.visible("a\u202eb\x07\x1b[31m\ud800")
    assert "👩\u200d🔬 naïve\n\tמה" == formatting.visible("👩\u200d🔬 naïve\n\tמה")


def test_line():
    """A line has no break and no more than its limit."""
    assert "a b c" == formatting.line("a\r\nb\n\tc")
    assert 10 == len(formatting.line("x" * 5_000_000, 10))


@pytest.mark.parametrize("status", ["ok", "error", "interrupted", "over_budget", "killed", "lost", "abandoned"])
def test_marked(status):
    """A status has a mark and its own word."""
    assert formatting.marked(status).endswith(" " + status.replace("_", " "))
