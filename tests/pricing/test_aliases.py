"""Names of yours: models priced as others, hosts, and what `unset` takes them for."""

from decimal import Decimal

import pytest

from aimon_nb import pricing
from aimon_nb.pricing import price, user_price_file
from aimon_nb.pricing.price_rule import PriceRule
from aimon_nb.pricing.user_prices import user_prices
from tests.pricing.making import call, tokens
from tests.pricing.test_api import LOCAL, local

U = tokens(1000, 200)


def test_alias():
    """A deployment is priced as the model behind it, and says so."""
    pricing.alias("my-deployment", "gpt-4o", provider="azure")
    cost = price(call("my-deployment", U, "res.openai.azure.com"))
    assert Decimal("0.0045") == cost.total
    assert "my-deployment is priced as azure gpt-4o (yours)" in cost.caveats


def test_alias_on_this_machine():
    """An alias with a provider prices a local proxy's model too."""
    pricing.alias("my-model", "gpt-4o", provider="openai")
    assert Decimal("0.0045") == price(local()).total


def test_alias_of_an_alias_of_yours():
    """Aliases lead on, to a price of yours too."""
    pricing.set("base", input_mtok=1, output_mtok=1)
    pricing.alias("b", "base")
    pricing.alias("a", "b")
    assert Decimal("0.0012") == price(local("a")).total


def test_alias_without_a_provider_on_this_machine():
    """Where nobody told whose price an alias means, the reason says how to."""
    pricing.alias("my-model", "gpt-4o")
    assert "pricing.alias(…, provider=…)" in price(local()).reason


def test_unset():
    """What is unset is forgotten."""
    pricing.set("gpt-4o", input_mtok=1, output_mtok=1)
    pricing.host(LOCAL, provider="openai")
    pricing.unset("GPT-4o")
    pricing.unset(LOCAL)
    assert Decimal("0.0045") == price(call("gpt-4o", U)).total
    assert "unpriced" == price(local("gpt-4o")).state


def test_a_long_chain_of_aliases():
    """However many aliases there are, the last one's price holds, and it is said from first to last."""
    pricing.set("a0", input_mtok=1, output_mtok=1)
    for n in range(1, 20):
        pricing.alias(f"a{n}", f"a{n - 1}", provider="openai")
    cost = price(local("a19"))
    assert ("priced", Decimal("0.0012"), ("a19 is priced as openai a0 (yours)",)) == (cost.state, cost.total, cost.caveats)


def test_a_circle_that_two_kernels_saved():
    """Aliases that lead back to themselves are no price, least of all a free one, and the way out is said."""
    for name, target in (("a", "b"), ("b", "a")):
        user_prices.rules.clear()
        user_price_file.add(PriceRule("alias", name, target=target))
    user_prices.is_loaded = False
    cost = price(call("a", U))
    assert ("unpriced", None) == (cost.state, cost.total)
    assert "pricing.unset('a')" in cost.reason
    pricing.unset("a")
    assert "unpriced" == price(call("b", U)).state


def test_alias_of_a_pattern():
    """A model that a pattern of yours prices has a price."""
    pricing.set("my-*", input_mtok=1, output_mtok=1, match="glob")
    pricing.alias("deployment", "my-model")
    assert Decimal("0.0012") == price(local("deployment")).total


def test_unset_takes_a_model_for_no_host():
    """A model's name that begins like a host leaves that host, and another model, alone."""
    for save in (False, True):
        pricing.free(host="ollama", save=save)
        pricing.free("meta", save=save)
        pricing.free("ollama/llama3", save=save)
        pricing.free("meta/llama3", save=save)
        pricing.unset("ollama/llama3")
        pricing.unset("meta/llama3")
        assert ["ollama", "meta"] == list(pricing.table()["name"])
        pricing.unset("http://ollama/v1")
        pricing.unset("meta")
        assert 0 == len(pricing.table())


def test_unset_a_path():
    """A server may name its model by a path: that can be unset, too."""
    pricing.free("/models/llama.gguf")
    pricing.unset("/models/llama.gguf")
    assert {} == user_prices.rules


def test_the_model_asked_for_in_place_of_an_unknown_one():
    """Where the model that answered has no price, that of the one asked for is an assumption."""
    cost = price(call("gpt-4o-2099-01-01", U, asked="gpt-4o"))
    assert Decimal("0.0045") == cost.total
    assert ("no price is known for gpt-4o-2099-01-01: priced as gpt-4o, as was asked for",) == cost.caveats
    assert () == price(call("gpt-4o-2024-08-06", U, asked="gpt-4o")).caveats
