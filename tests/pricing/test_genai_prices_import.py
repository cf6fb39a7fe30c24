"""The price list is imported beside the user's code, and must not be felt there."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.kernel


def alone(code):
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_price_imports_no_http_client():
    """openai takes up an httpx2 that is half imported on our thread: a price must not import one."""
    code = """
import sys
from aimon_nb.pricing import prepare
from aimon_nb.pricing.price_list import find, source
prepare()
assert find("openai", ["gpt-4o"]) is not None and source()
print(*{"httpx", "httpx2", "requests", "aiohttp", "urllib3"} & set(sys.modules))
"""
    assert alone(code) == []


def test_the_user_has_the_whole_library():
    """Whoever uses genai-prices beside us finds every name in it, whoever was first."""
    code = """
from aimon_nb.pricing import prepare
prepare()
import genai_prices
from genai_prices import UpdatePrices, wait_prices_updated_sync
import genai_prices.update_prices as fetching
assert UpdatePrices is fetching.UpdatePrices is genai_prices.UpdatePrices
assert genai_prices.update_prices is fetching and fetching.httpx2
assert not hasattr(genai_prices, "nonsense")
print(genai_prices.calc_price(genai_prices.Usage(input_tokens=1000), "gpt-4o").total_price)
"""
    assert alone(code) == ["0.0025"]


def test_the_user_was_first():
    """A library that is there already is used as it is."""
    code = """
import genai_prices, sys
from aimon_nb.pricing.genai_prices_import import library
assert library() is genai_prices and "__getattr__" not in vars(genai_prices)
"""
    assert alone(code) == []
