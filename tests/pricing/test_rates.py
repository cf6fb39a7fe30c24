"""Our arithmetic and the price list's own are one."""

import decimal
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from genai_prices import data_snapshot

from aimon_nb import pricing
from aimon_nb.pricing import price, price_run
from aimon_nb.pricing.price_list import ListedModel, _library_total
from aimon_nb.pricing.rates import charge
from aimon_nb.views.static import text as text_of
from aimon_nb.views.present import formatting, run_sums
from tests.pricing.making import call, run_of, tokens

TIMES = [datetime(2026, 6, 1, 12, tzinfo=timezone.utc), datetime(2026, 11, 5, 3, tzinfo=timezone.utc), datetime(2027, 2, 1, 20, tzinfo=timezone.utc)]
USAGES = [tokens(1000, 200), tokens(300_000, 5, cached=250_000, write=1000), tokens(7, 0), tokens(10, 900, reasoning=800), tokens(199_999, 1, cached=1)]
CONTEXTS = [(), (("service_tier", "flex"),), (("processing", "batch"),)]
PROVIDERS = data_snapshot.get_snapshot().providers


@pytest.mark.parametrize("provider", PROVIDERS, ids=[p.id for p in PROVIDERS])
def test_every_model_of_the_list(provider):
    """For every model, time, tier and usage our sum is the list's sum to the last digit."""
    for model in provider.models:
        listing = ListedModel(provider, model)
        for at in TIMES:
            for context in CONTEXTS if model.price_variants else CONTEXTS[:1]:
                prices = model.get_prices(at, dict(context))
                for usage in USAGES:
                    cost = charge(listing.at(at, context), usage)
                    theirs = _library_total(prices, usage, ())
                    if cost.total is None:
                        assert theirs == 0, (model.id, usage)
                    else:
                        assert theirs == cost.total, (model.id, context, usage, cost)


def test_an_empty_price_set_is_not_free():
    """A model that is listed without prices is unpriced, whatever its tokens."""
    empty = [ListedModel(p, m) for p in PROVIDERS for m in p.models if not getattr(m.prices, "__dict__", True)]
    assert len(empty) > 100
    for listing in empty:
        for usage in (tokens(0, 0), tokens(10, 10)):
            assert charge(listing.at(TIMES[0]), usage).total is None


@pytest.mark.parametrize("traps", [[], [decimal.Inexact, decimal.Rounded, decimal.FloatOperation]], ids=["rounding", "trapping"])
def test_the_users_decimal_context(traps):
    """Precision and traps that the user's code set for its thread change no figure, and none that is remembered."""
    one = call("gpt-4o", tokens(123_457, 204))
    charge.cache_clear()
    with decimal.localcontext(decimal.Context(prec=3, traps=traps)):
        run = run_of(one, call("gpt-4o", tokens(123_457, 204), span_id="b"))
        price_run(run, set(run.spans))
        shown = run_sums.total_cost(run.totals)[0], formatting.exact(run.spans["s"].cost.total), formatting.rate(Decimal("1234.5678"))
        text = str(pricing.explain(one)) + text_of.tree(run)
    assert ("$0.6214", "$0.31068", "$1,234.5678") == shown
    assert Decimal("0.621365") == run.totals.cost
    assert Decimal("0.3106825") == price(one).total
    assert "$0.3106825" in text and "$0.6214" in text
