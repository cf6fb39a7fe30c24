import pytest

from aimon_nb.app import monitor


@pytest.fixture(autouse=True)
def hooks_are_off_again():
    """A test that opens a run leaves no hook on: those of other folders wrap the same methods."""
    yield
    monitor.uninstall()
