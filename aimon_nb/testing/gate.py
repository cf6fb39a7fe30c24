"""The gate at which requests wait until a test lets them through."""

from __future__ import annotations

import threading


class Gate:
    """Holds requests until `release`; safe to use from the threads of the server and of a test.

    A request waits either because the gate is shut for all (`hold`) or because it asks for it
    itself. Each wait belongs to a *round*: a release ends the round that is under way, so that
    a request which comes later is not let through by it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._after: int | None = None
        self._waiting = 0
        self._round = 0

    @property
    def after(self) -> int | None:
        """The number of events before which every request is held; None while the gate is open."""
        return self._after

    @property
    def waiting(self) -> int:
        """The number of requests that are held now: what `release()` would answer."""
        return self._waiting

    def hold(self, after: int) -> None:
        """Shut the gate for every request, after so many events of its answer."""
        with self._changed:
            self._after = after

    def release(self) -> None:
        """Let through what waits, and hold no more but what asks for it."""
        with self._changed:
            self._after = None
            self._waiting = 0
            self._round += 1
            self._changed.notify_all()

    def wait_for(self, count: int, timeout: float) -> bool:
        """Return whether `count` requests wait, as soon as they do or after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting >= count, timeout)

    def enter(self, after: int, *, asked: bool) -> int | None:
        """Return the round in which a request waits, or None if it need not.

        Args:
            after: Events of its answer that have been sent.
            asked: Whether the request itself asks to be held here.

        """
        with self._changed:
            if not asked and self._after != after:
                return None
            self._waiting += 1
            self._changed.notify_all()
            return self._round

    def is_released(self, since: int, seconds: float) -> bool:
        """Return whether a round is over, waiting for its end for so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._round > since, seconds)

    def leave(self, since: int) -> None:
        """A request of this round waits no more."""
        with self._changed:
            # A release has counted it out already; else its client went away.
            if self._round == since:
                self._waiting -= 1
                self._changed.notify_all()
