import pytest

from aimon_nb.app import monitor
from aimon_nb.pricing.user_prices import ContextHistory, user_prices


@pytest.fixture(autouse=True)
def clean_book(home, monkeypatch):
    """No price that another test set, no file that another test saved."""
    monkeypatch.delenv("AIMON_NB_HOME", raising=False)

    def clear():
        user_prices.rules.clear()
        user_prices.blocks = ContextHistory()
        user_prices.context, user_prices.load_error, user_prices.is_loaded = (), None, False

    monitor.uninstall()  # runs of earlier tests would be priced again on its thread
    clear()
    yield
    clear()
