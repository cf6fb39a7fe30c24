import subprocess

import pytest

from aimon_nb.pricing.user_prices import ContextHistory, user_prices


@pytest.fixture(autouse=True)
def clean_book(home, monkeypatch):
    """No price that another test set, no file that another test saved."""
    monkeypatch.delenv("AIMON_NB_HOME", raising=False)

    def clear():
        user_prices.rules.clear()
        user_prices.blocks = ContextHistory()
        user_prices.context, user_prices.load_error, user_prices.is_loaded = (), None, False

    clear()
    yield
    clear()


@pytest.fixture(autouse=True)
def no_fonts_of_the_system(monkeypatch):
    """matplotlib asks for the system's fonts by a process of its own; those it brings along do."""

    def missing(command, **_):
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(subprocess, "check_output", missing)
