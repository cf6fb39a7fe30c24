"""No test waits for a clock: a sleep of ours is an error, a wait is for an event.

What a library, a model server or the user code of a kernel's cell sleeps is not meant:
only calls that stand in a file below `tests/`.
"""

import asyncio
import sys
import time
from pathlib import Path

TESTS = str(Path(__file__).parents[1]) + "/"
# Below it a sleep only lets others have their turn.
LONGEST = 0.05
ADVICE = "wait for an event (tests.parts.waiting.eventually, truth.hold) or move the test to tests/soak"

_sleep, _async_sleep = time.sleep, asyncio.sleep
_refused: list[str] = []


class ClockError(AssertionError):
    """A test waits for a clock."""


def refuse(seconds, what, depth=2):
    """Raise if the caller's caller is a test and waits longer than a turn."""
    file = sys._getframe(depth).f_code.co_filename
    if seconds > LONGEST and file.startswith(TESTS) and not file.startswith(TESTS + "soak/"):
        _refuse(f"{what} of {seconds} s in {file}: {ADVICE}")


def _refuse(message):
    _refused.append(message)
    raise ClockError(message)


def refused() -> list[str]:
    """What was refused since the last call: whoever swallows the error, the test fails."""
    told, _refused[:] = _refused[:], []
    return told


def sleep(seconds):
    refuse(seconds, "time.sleep")
    return _sleep(seconds)


def async_sleep(delay, result=None):
    refuse(delay, "asyncio.sleep")
    return _async_sleep(delay, result)


def wait_for_timeout(_page, timeout):
    _refuse(f"wait_for_timeout of {timeout} ms: {ADVICE}")


def install() -> None:
    """Replace the sleeps of this process, before a test module takes one by name."""
    time.sleep, asyncio.sleep = sleep, async_sleep
    try:
        from playwright.sync_api import Frame, Page
    except ImportError:
        return
    Page.wait_for_timeout = Frame.wait_for_timeout = wait_for_timeout
