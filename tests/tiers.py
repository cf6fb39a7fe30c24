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

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.parts import sdk

TIERS = ("soak", "matrix", "page", "kernel", "unit")
TESTS = Path(__file__).parent
# What a test of a kernel or of a page may share with a busy machine; a unit test shares nothing.
RERUNS = 2

_in_unit_test = False
_refused: list[str] = []
_STANDARD = (str(Path(subprocess.__file__).parent), "<frozen")
_OURS = (str(TESTS), str(TESTS.parent / "aimon_nb"))


def tier_of(item) -> str:
    """The tier of a test: the slowest that its marks name, else the one of its folder."""
    marked = next((tier for tier in TIERS if item.get_closest_marker(tier)), None)
    folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
    return marked or (folder if folder in TIERS else "unit")


def covering(times=1, *, whole=()):
    """Mark a test of a large product: the default run takes a part of it, the matrix tier the rest.

    The product is that of all its parameters, those of its fixtures too. Each value of each
    parameter stands in at least one case of the default run.

    Args:
        times: In how many cases each value stands at least, where there are so many.
        whole: Ids of values of which every case is in the default run.

    """
    return pytest.mark.covering(times=times, whole=whole)


def covering_cases(cases, times=1):
    """Which of these cases to take, so that each value of each place stands in `times` of them.

    Args:
        cases: Tuples of the same length: a value for each parameter.
        times: See `covering`.

    Returns:
        The numbers of the cases. The most wanted is taken first: of those the one whose
        values were taken least, so that values meet many others.

    """
    values = [[*enumerate(case)] for case in cases]
    there = Counter(value for case in values for value in case)
    taken, count = set(), Counter()
    while True:
        wanted = [sum(count[value] < min(times, there[value]) for value in case) for case in values]
        left = [number for number in range(len(cases)) if number not in taken and wanted[number]]
        if not left:
            return taken
        best = min(left, key=lambda number: (-wanted[number], sum(count[value] for value in values[number])))
        taken.add(best)
        count.update(values[best])


def _mark_what_covering_leaves_out(items):
    # An id for each parametrization; the indices of `callspec` count cases, not values.
    ids = lambda item: tuple(item.callspec._idlist)
    products = {}
    for item in items:
        if item.get_closest_marker("covering") and hasattr(item, "callspec"):
            products.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for product in products.values():
        options = product[0].get_closest_marker("covering").kwargs
        taken = covering_cases([ids(item) for item in product], options["times"])
        for number, item in enumerate(product):
            if number not in taken and not set(options["whole"]).intersection(ids(item)):
                item.add_marker("matrix")


def _leave_other_series_out(config, items):
    """Deselected, not skipped: with the installed series there is nothing that somebody could mend."""
    other = "series_3" if sdk.HAS_TRANSACTIONS else "transactions"
    out = [item for item in items if item.get_closest_marker(other)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if not item.get_closest_marker(other)]


def pytest_configure(config):
    config.addinivalue_line("markers", "covering: of its cases the default run takes a part, see tests/tiers.py")
    config.addinivalue_line("markers", "transactions: about what sentry-sdk 3 has no more, where it is not collected")
    config.addinivalue_line("markers", "series_3: about what sentry-sdk 3 alone has or does, and collected there alone")


def pytest_ignore_collect(collection_path, config):
    """The folder of another tier need not be read for the unit tier alone."""
    if config.option.markexpr == "unit" and collection_path.parent == TESTS and collection_path.name in TIERS:
        return True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    _leave_other_series_out(config, items)
    _mark_what_covering_leaves_out(items)
    for item in items:
        tier = tier_of(item)
        item.add_marker(tier)
        if tier == "unit" and item.path.is_relative_to(TESTS) and item.path.relative_to(TESTS).parts[0] in TIERS[:-1]:
            raise pytest.UsageError(f"{item.nodeid}: a unit test stands in the folder of its room, here no part would run it")
        if tier == "unit" and item.get_closest_marker("flaky"):
            raise pytest.UsageError(f"{item.nodeid}: a unit test is not run again: mend its cause")
        if tier in ("kernel", "page") or (tier == "matrix" and item.path.parent.name in ("kernel", "page")):
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
        told = f"{event} in a unit test: mark the test `kernel`, or move it to tests/kernel"
        if _asked_by_us():
            _refused.append(told)
        raise RuntimeError(told)


def _asked_by_us() -> bool:
    """Whether a test or the package asks, not a library that goes on without (it looks for the system's name, say)."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_STANDARD) and "site-packages" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(_OURS)


def refused() -> list[str]:
    """What was refused since the last call: whoever swallows the error, the test fails."""
    told, _refused[:] = _refused[:], []
    return told


sys.addaudithook(_forbid_processes)
