"""The forecast: how often its range holds the bill, and when there is none. Simulated, with seeds."""

import math
import random
from decimal import Decimal

import pytest

from aimon_nb.model import Cost
from aimon_nb.model.forecast import forecast, student
from aimon_nb.model.item import Batch, Item
from aimon_nb.pricing.item_costs import forecast_batches
from aimon_nb.views.present import batches
from tests.pricing.making import call, run_of, tokens

ROWS, SIMULATIONS = 500, 800


def normal(rng):
    return rng.gauss(1, 0.2)


def skewed(rng):
    """As bills are: log-normal, the dearest row many times the median."""
    return rng.lognormvariate(0, 1)


def simulated(draw, done, seed=1, order=lambda costs, _: costs):
    """(how often the range holds the bill, how often there is none)."""
    rng, held, ranges = random.Random(seed), 0, 0
    for _ in range(SIMULATIONS):
        costs = order([draw(rng) for _ in range(ROWS)], rng)
        found = forecast(costs[:done], ROWS)
        if found.low is not None:
            ranges += 1
            held += found.low <= math.fsum(costs) <= found.high
    return held / max(ranges, 1), 1 - ranges / SIMULATIONS


@pytest.mark.parametrize(
    ("draw", "done", "least"), [(normal, 10, 0.93), (normal, 30, 0.93), (normal, 100, 0.92), (skewed, 30, 0.87), (skewed, 100, 0.9)]
)
def test_how_often_the_range_holds(draw, done, least):
    """Of normal costs 93 times in 100 and more; of log-normal ones 87 of 30 items, 90 of 100: "about 9 times in 10"."""
    held, none = simulated(draw, done)
    assert held >= least
    assert none < 0.1, "costs that are not in order have a range"


def bursts(costs, rng):
    """Long and short rows in runs of about twenty."""
    factor, found = 1.0, []
    for cost in costs:
        if rng.random() < 0.05:
            factor = rng.choice((1.0, 10.0))
        found.append(cost * factor)
    return found


@pytest.mark.parametrize(("order", "done", "least"), [(lambda costs, _: sorted(costs), 10, 0.95), (lambda costs, _: sorted(costs), 100, 0.99), (bursts, 100, 0.85)])
def test_rows_in_an_order_have_no_range(order, done, least):
    """Where an item's cost tells of the next one's, a range would be far too narrow: there is none."""
    assert simulated(normal, done, order=order)[1] >= least


def test_shuffled_rows_have_one():
    """The same rows, shuffled."""
    held, none = simulated(normal, 10, order=lambda costs, rng: rng.sample(costs, len(costs)))
    assert held >= 0.93 and none < 0.1


@pytest.mark.parametrize(("freedom", "wanted"), [(9, 2.2622), (11, 2.2010), (19, 2.0930), (29, 2.0452), (99, 1.9842), (4999, 1.9604)])
def test_student(freedom, wanted):
    """The quantiles are those of the tables."""
    assert student(freedom) == pytest.approx(wanted, abs=2e-4)


def test_few_items():
    """Below ten there is no range, below thirty it is rough; before the first there is nothing."""
    rng = random.Random(4)
    costs = [normal(rng) for _ in range(30)]
    assert forecast([], 50) is None
    assert (forecast(costs[:9], 50).low, forecast(costs[:10], 50).low is None) == (None, False)
    assert forecast(costs[:29], 50).is_rough and not forecast(costs, 50).is_rough


def test_what_is_done_is_no_guess():
    """The lower end is never less than what is spent, and a batch that is done has cost what it has."""
    done = [0.1] * 9 + [50.0]
    assert forecast(done, 11).low == math.fsum(done)
    found = forecast(done, 10)
    assert found.expected == pytest.approx(50.9) and found.low == found.high == pytest.approx(50.9)
    assert forecast([1.0] * 10, 20)[2:5] == (20.0, 20.0, 20.0)


def test_an_item_without_a_price():
    """Then nothing is known."""
    assert forecast([1.0] * 20, 50, unpriced=1).expected is None


def making(costs, total, done=None):
    """A run whose batch has an item for each cost, in US dollars; None: it told no usage."""
    items = [Item(at, at + 1, batch=0, is_done=at < (len(costs) if done is None else done), is_sent=True) for at in range(len(costs))]
    run = run_of()
    run.batches.append(Batch(total=total, done=len(costs)))
    run.items += items
    for cost, item in zip(costs, items, strict=True):
        span = call("gpt-4o", tokens() if cost is None else tokens(1, 1), span_id=f"c{item.number}", item=item)
        span.cost = Cost("no_usage") if cost is None else Cost("priced", Decimal(str(cost)))
        run.spans[span.span_id] = span
    forecast_batches(run)
    return run


@pytest.mark.parametrize(
    ("costs", "wanted"),
    [
        ([0.01] * 4, ["4 of 100 items", "heading for about $1"]),
        ([0.012, 0.010] * 6, ["12 of 100 items", "heading for $1.10 (roughly $1.04–1.16)"]),
        ([0.012, 0.010] * 20, ["40 of 100 items", "heading for $1.10 ($1.07–1.13)"]),
        ([0.001 * n for n in range(1, 21)], ["20 of 100 items", "heading for about $1"]),
        ([0.01] * 4 + [None], ["5 of 100 items", "heading for an unknown amount: 1 item has no price"]),
    ],
)
def test_words(costs, wanted):
    """What the head of the tree says."""
    run = making(costs, 100)
    assert [*batches.words(run)] == wanted


def test_items_that_are_not_done_are_no_cost_yet():
    """What is under way says nothing."""
    run = making([0.01] * 12, 100, done=5)
    assert run.batches[0].forecast.items == 5


def test_items_without_a_call():
    """Of a loop whose calls have left it nothing is said: nobody knows that it costs nothing."""
    run = making([], 100)
    run.items += [Item(at, at + 1, batch=0, is_done=True) for at in range(20)]
    forecast_batches(run)
    assert run.batches[0].forecast is None


def test_a_loop_in_each_row_of_another(monkeypatch):
    """Of thousands of short loops, each left early, every item is looked at a few times, not once a loop."""
    run = run_of()
    run.batches += [Batch(total=3, begun=1, done=1, is_over=True) for _ in range(300)]
    looks = []

    class Watched(Item):
        def __getattribute__(self, name):
            looks.append(name)
            return super().__getattribute__(name)

    run.items += [Watched(at, at + 1, batch=at, is_done=True) for at in range(300)]
    looks.clear()
    forecast_batches(run)
    assert len(looks) < 300 * 10


def test_items_inside_of_items():
    """Their cost is that of the items around them, too."""
    run = making([0.01] * 12, 12)
    run.batches.append(Batch(total=100, done=12))
    for item in list(run.items):
        run.items.append(around := Item("x", len(run.items) + 1, batch=1, is_done=True))
        item.inside = around.number
    run.batches[0].done = 0
    forecast_batches(run)
    assert run.batches[1].forecast.expected == pytest.approx(1.0)
