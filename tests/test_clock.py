"""No test waits for a clock, and no unit test starts a process."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from time import sleep

import pytest

from tests import tiers
from tests.parts import clock
from tests.parts.clock import ClockError
from tests.parts.waiting import eventually
from tests.tiers import TESTS


@pytest.mark.parametrize("wait", [time.sleep, sleep, asyncio.sleep], ids=["time.sleep", "imported by name", "asyncio.sleep"])
def test_a_sleep_of_a_test_is_an_error(wait):
    """A test that sleeps longer than a turn is told so, with what to do instead."""
    with pytest.raises(ClockError, match="eventually"):
        wait(0.051)
    assert 1 == len(clock.refused())


def test_a_sleep_that_somebody_swallows_fails_the_test(request):
    """What catches every exception, a guard of ours for one, hides no sleep of a test: it is told when the test is over."""
    with contextlib.suppress(AssertionError):
        time.sleep(1)
    teardown = _teardown_of(request)
    next(teardown)
    with pytest.raises(AssertionError, match="time.sleep of 1 s"):
        teardown.send(None)


def test_a_process_that_somebody_swallows_fails_the_test(request):
    """So it is with a process in a unit test; the next test has nothing of it, also where a fixture failed."""
    with contextlib.suppress(RuntimeError):
        os.system("true")
    teardown = _teardown_of(request)
    next(teardown)
    with pytest.raises(AssertionError, match="os.system in a unit test"):
        teardown.throw(ValueError("a fixture's"))
    assert [] == clock.refused() + tiers.refused()


def _teardown_of(request):
    """The hook of tests/conftest.py, as pytest has it."""
    [hook] = [one.function for one in request.config.hook.pytest_runtest_teardown.get_hookimpls() if one.plugin_name == str(TESTS / "conftest.py")]
    return hook()


def test_a_turn_and_the_sleep_of_a_library_are_none():
    """To let others have their turn is allowed, and what does not stand in a test may sleep."""
    time.sleep(0.001)
    asyncio.run(asyncio.sleep(0))
    library = {}
    exec(compile("import time\ndef pause(): time.sleep(0.06)", "/somewhere/library.py", "exec"), library)
    library["pause"]()


@pytest.mark.parametrize(
    "start", [lambda: subprocess.run([sys.executable, "-V"]), lambda: os.system("true"), os.fork], ids=["subprocess", "system", "fork"]
)
def test_a_process_in_a_unit_test_is_an_error(start):
    """A unit test that starts a process is told which tier it belongs to."""
    with pytest.raises(RuntimeError, match="mark the test `kernel`"):
        start()
    assert 1 == len(tiers.refused())


def test_eventually_gives_what_came():
    """`eventually` returns the first true value; a failed assertion means "not yet"."""
    tries = iter([None, AssertionError("no"), "there"])

    def check():
        now = next(tries)
        if isinstance(now, Exception):
            raise now
        return now

    assert "there" == eventually(check)


def test_eventually_says_what_did_not_come():
    """When it is not so in time, the message holds what was seen last."""
    with pytest.raises(AssertionError, match="not within 0.02 s.*last: 0"):
        eventually(lambda: 0, timeout=0.02)
