"""The cost of a batch is the sum of what its requests cost."""

from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimon_nb.model import Usage
from aimon_nb.model.call import CallPart
from aimon_nb.model.cost import added
from aimon_nb.pricing import price_list
from aimon_nb.pricing.normalise import normalise
from aimon_nb.pricing.parts import charge_parts
from aimon_nb.pricing.rates import charge
from tests.pricing.making import todays_list

AT = datetime(2026, 11, 1, tzinfo=timezone.utc)
BATCH = (("processing", "batch"),)
MODELS = [("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-haiku-4-5"), ("openai", "gpt-4o"), ("openai", "gpt-5.4"), ("google", "gemini-2.5-pro"), ("perplexity", "sonar")]


@st.composite
def parts(draw):
    into, out = draw(st.integers(0, 400_000)), draw(st.integers(0, 50_000))
    cached = draw(st.integers(0, into))
    written = draw(st.integers(0, into - cached))
    details = draw(st.sampled_from([(), (), (("web_searches", 2),), (("cache_write_1h_tokens", written),)]))
    return CallPart(Usage(into, cached, written, out), details if written else (), draw(st.integers(1, 5)))


def summed(some):
    usages = [part.usage for part in some for _ in range(part.times)]
    details = {}
    for part in some:
        for name, count in part.details:
            details[name] = details.get(name, 0) + count * part.times
    return Usage.sum(usages), tuple(sorted(details.items()))


@pytest.mark.parametrize(("provider", "model"), MODELS)
@settings(deadline=None)
@given(some=st.lists(parts(), min_size=1, max_size=6))
def test_it_is_the_sum_of_its_requests(provider, model, some):
    """Whatever its requests are, each has the price of its own size; the lines add up to the total."""
    listed = price_list.find(provider, [model])
    rates = listed.at(AT, BATCH)
    total, details = summed(some)
    cost = charge_parts(rates, normalise(total).usage, details, some)
    each = [charge(rates, normalise(part.usage).usage, part.details) for part in some for _ in range(part.times)]
    assert cost.total == added(one.total for one in each)
    assert sum(line.usd for line in cost.lines) == cost.total
    assert (cost.state == "partial") == any(one.state == "partial" for one in each)


@todays_list
def test_of_a_sum_alone_it_is_a_lower_bound():
    """Where nobody told how large each request was, a large sum costs at least what small requests do."""
    rates = price_list.find("anthropic", ["claude-sonnet-4-5"]).at(AT, BATCH)
    small, large = Usage(100_000, None, None, 0), Usage(1_000_000, None, None, 0)
    assert charge_parts(rates, small, (), []).state == "priced"
    cost = charge_parts(rates, large, (), [])
    assert (cost.state, cost.total) == ("partial", 10 * charge_parts(rates, small, (), []).total)
    assert "requests with an input above 200,000 tokens cost more" == cost.reason
