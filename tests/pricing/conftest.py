import pytest

from aimon_nb.api import monitor
from aimon_nb.pricing.book import Blocks, book


@pytest.fixture(autouse=True)
def clean_book(home, monkeypatch):
    """No price that another test set, no file that another test saved."""
    monkeypatch.delenv("AIMON_NB_HOME", raising=False)

    def clear():
        book.entries.clear()
        book.blocks = Blocks()
        book.context, book.trouble, book.opened = (), None, False

    monitor.uninstall()  # runs of earlier tests would be priced again on its thread
    clear()
    yield
    clear()
