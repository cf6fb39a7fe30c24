"""Waiting for something to be so, without hoping for a clock."""

import time

_pause = time.sleep
TIMEOUT = 30.0


def eventually(check, timeout=TIMEOUT, what=None):
    """Call `check` until it gives something true, and return that.

    Args:
        check: A function without arguments; an AssertionError of it means "not yet".
        timeout: Seconds after which it is a failure: far more than it ever takes.
        what: What is waited for, for the message; else the last value or error.

    Raises:
        AssertionError: It was not so in time.

    """
    until, last = time.monotonic() + timeout, None
    while True:
        try:
            last = check()
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout} s: {what or check}; last: {last}")
        _pause(0.01)
