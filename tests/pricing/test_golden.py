"""The golden table: calls and what they cost, by hand."""

from decimal import Decimal

import pytest

from aimon_nb.pricing import price
from tests.pricing.golden import ROWS
from tests.pricing.making import todays_list

SINCE = {"Mistral small": todays_list}  # had another price in older lists


def by_hand(lines):
    return sum((tokens * Decimal(rate) / 1_000_000 for tokens, rate in lines), Decimal(0))


@pytest.mark.parametrize(
    ("span", "lines", "total", "state"), [pytest.param(*row[1:], id=row[0], marks=SINCE.get(row[0], ())) for row in ROWS]
)
def test_golden(span, lines, total, state):
    """A call costs what its provider's price page says it cost at that time, and its parts add up to that."""
    cost = price(span)
    assert state == cost.state, cost
    if total is None:
        assert cost.total is None
        assert cost.reason
    else:
        assert Decimal(total) == by_hand(lines)
        assert Decimal(total) == cost.total, cost
        assert cost.total == sum((part[3] for part in cost.lines), Decimal(0))


def test_the_table_is_large_enough():
    """At least 60 calls at every provider that matters."""
    assert len(ROWS) >= 60
    hosts = {row[1].call.host for row in ROWS if row[1].call is not None}
    wanted = {"api.openai.com", "azure.com", "anthropic.com", "generativelanguage", "aiplatform", "amazonaws", "mistral"}
    wanted |= {"api.x.ai", "deepseek", "openrouter", "localhost"}
    assert set() == {name for name in wanted if not any(name in host for host in hosts)}
