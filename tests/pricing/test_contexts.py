"""How calls are processed: tiers that hold from now on, or in a block."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from aimon_nb import pricing
from aimon_nb.pricing import price
from aimon_nb.pricing.user_prices import user_prices
from tests.parts.steps import steps
from tests.pricing.making import AT, call, tokens

U = tokens(1000, 200)
FLEX = (("service_tier", "flex"),)


def test_context():
    """A tier holds from now on, in a block only for calls that start there, and ends with ()."""
    late = AT.replace(month=11)
    pricing.context(service_tier="flex")
    assert Decimal("0.00225") == price(call("gpt-5", tokens(1000, 325), at=late)).total
    pricing.context()
    assert Decimal("0.0045") == price(call("gpt-5", tokens(1000, 325), at=late)).total
    with pricing.context(processing="batch"):
        start = datetime.now(timezone.utc)
    assert Decimal("0.00225") == price(call("gpt-5", tokens(1000, 325), at=start)).total
    assert Decimal("0.0045") == price(call("gpt-5", tokens(1000, 325), at=start + timedelta(hours=1))).total


def test_the_answers_own_tier_wins():
    """What the provider says it did goes before what you asked for."""
    pricing.context(service_tier="flex")
    assert Decimal("0.0045") == price(call("gpt-5", tokens(1000, 325), tier="default", at=AT.replace(month=11))).total


def test_a_tier_without_a_price():
    """A tier that the list has no price for is said, not passed over."""
    pricing.context(service_tier="flex")
    assert "no flex price is known: standard price" in price(call("grok-3", U, "api.x.ai")).caveats


def test_a_block_within_one_tick():
    """A call that starts in the clock's tick in which the block ends is still inside."""
    with pricing.context(service_tier="flex"):
        pass
    ended = datetime.now(timezone.utc)
    assert () == user_prices.context_at(ended + timedelta(seconds=1))
    moments = [ended - timedelta(microseconds=n) for n in range(20_000)]
    began, over = min(t for t in moments if user_prices.context_at(t)), max(t for t in moments if user_prices.context_at(t))
    assert FLEX == user_prices.context_at(began) == user_prices.context_at(over)


def test_a_block_opened_again():
    """One context may be entered in itself and again later; when it is left, it is over."""
    flex = pricing.context(service_tier="flex")
    pricing.context(processing="batch")  # from now on
    for _ in range(2):
        with flex, flex:
            inside = datetime.now(timezone.utc)
        assert {"processing": "batch", "service_tier": "flex"} == dict(user_prices.context_at(inside))
    assert (("processing", "batch"),) == user_prices.context_at(datetime.now(timezone.utc) + timedelta(seconds=1))


def test_a_standard_block():
    """Without arguments the standard prices hold in the block."""
    pricing.context(service_tier="flex")
    with pricing.context():
        inside = datetime.now(timezone.utc)
    assert () == user_prices.context_at(inside)
    assert FLEX == user_prices.context_at(inside + timedelta(seconds=1))


def test_blocks_that_overlap():
    """ContextHistory of two threads end in any order; each holds until its own end."""
    flex, batch = pricing.context(service_tier="flex"), pricing.context(processing="batch")
    pricing.context()
    flex.__enter__(), batch.__enter__()
    flex.__exit__(None, None, None)
    later = datetime.now(timezone.utc) + timedelta(seconds=1)
    assert (("processing", "batch"),) == user_prices.context_at(later)
    batch.__exit__(None, None, None)
    assert () == user_prices.context_at(later + timedelta(seconds=1))


def test_a_clock_that_is_set_back(monkeypatch):
    """A block that ends before it began ends all the same."""
    import aimon_nb.pricing.user_prices as module

    class Back(datetime):
        hours = iter(range(9, 0, -1))

        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 6, 1, next(cls.hours), tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Back)
    with pricing.context(service_tier="flex"):
        pass
    assert () == user_prices.context_at(AT)


def test_thousands_of_blocks():
    """A look-up goes through no list of all blocks there ever were: ten times the blocks, no more steps."""

    def most():
        now = datetime.now(timezone.utc)
        return max(steps(user_prices.context_at, moment) for moment in (AT, now, now + timedelta(hours=1)))

    def blocks(count):
        for _ in range(count):
            with pricing.context(service_tier="flex"):
                pass

    blocks(50)
    few = most()
    blocks(500)
    assert most() <= 1.5 * few


@pytest.mark.parametrize("said", [{"service_tier": "FLEX"}, {"service_tier": "batch"}, {"processing": " Batch"}])
def test_a_tier_in_other_words(said):
    """Case does not matter, and a batch is a batch under either name."""
    pricing.context(**said)
    assert ("priced", Decimal("0.00225"), ()) == (
        (cost := price(call("gpt-5", tokens(1000, 325), at=AT.replace(month=11)))).state, cost.total, cost.caveats
    )  # fmt: skip
