"""The tiers of the tests: which one a test is in, and what its tier forbids.

| tier | where | what |
|---|---|---|
| unit | `tests/<room>/` | this process alone: no other process, no page |
| kernel | `tests/kernel/` | a real kernel, a terminal, a script: other processes |
| page | `tests/page/` | a real page in Chromium |
| matrix | `tests/matrix/`, and what `covering()` leaves out | full products, environments of their own |
| soak | `tests/soak/` | random moments, races, very large runs |

The folder says the tier; a mark on a test or on one of its parameters says another.
"""

import sys
from pathlib import Path

import pytest

TIERS = ("soak", "matrix", "page", "kernel", "unit")
TESTS = Path(__file__).parent
# What a test of a kernel or of a page may share with a busy machine; a unit test shares nothing.
RERUNS = 2

_in_unit_test = False


def tier_of(item) -> str:
    """The tier of a test: the slowest that its marks name, else the one of its folder."""
    marked = next((tier for tier in TIERS if item.get_closest_marker(tier)), None)
    folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
    return marked or (folder if folder in TIERS else "unit")


def covering(*names_and_values, keep=1):
    """A parametrisation of a whole product, of which the default run takes a covering part.

    Each value of each name stands in at least one case of the default run; the other
    cases are in the matrix tier.

    Args:
        names_and_values: Pairs of a name and its values (or `pytest.param`s), as for
            `pytest.mark.parametrize`.
        keep: In how many cases each value of the longest name stands.

    """
    import itertools

    names = [name for name, _ in names_and_values]
    values = [list(given) for _, given in names_and_values]
    longest = max(map(len, values))
    kept = {
        tuple((step + turn * (place > 0)) % len(options) for place, options in enumerate(values))
        for step in range(longest)
        for turn in range(keep)
    }
    cases = []
    for at in itertools.product(*(range(len(options)) for options in values)):
        chosen = [values[place][index] for place, index in enumerate(at)]
        marks = [mark for one in chosen for mark in getattr(one, "marks", ())]
        plain = [value for one in chosen for value in (one.values if hasattr(one, "values") and hasattr(one, "marks") else (one,))]
        if at not in kept:
            marks.append(pytest.mark.matrix)
        cases.append(pytest.param(*plain, marks=marks, id="-".join(_id(one) for one in chosen)))
    return pytest.mark.parametrize(",".join(names), cases)


def _id(value) -> str:
    return str(getattr(value, "id", None) or value)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        tier = tier_of(item)
        item.add_marker(tier)
        shares = tier != "soak" and item.path.parent.name in ("kernel", "page")
        if tier in ("kernel", "page") or shares:
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    global _in_unit_test
    _in_unit_test = tier_of(item) == "unit"
    try:
        return (yield)
    finally:
        _in_unit_test = False


def _forbid_processes(event, _args):
    # `os.fork` is also what a pool of processes does.
    if _in_unit_test and event in ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"):
        raise RuntimeError(f"{event} in a unit test: mark the test `kernel`, or move it to tests/kernel")


sys.addaudithook(_forbid_processes)
