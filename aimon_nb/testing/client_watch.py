"""Waiting before an answer, while noticing that the client has gone away."""

from __future__ import annotations

import socket
import time

from aimon_nb.testing.gate import Gate

# Between two looks at a held request's client: `Gate.release` itself is noticed at once.
_LOOK_SECONDS = 0.02
_LONGEST_PEEK = 0.2


class ClientWatch:
    """The client at the other end of a connection.

    Args:
        connection: The server's socket; what can be read from it is left there.
        timeout: Seconds that the socket has for reading when nobody watches it.

    """

    def __init__(self, connection: socket.socket, timeout: float | None) -> None:
        self._connection, self._timeout = connection, timeout

    def wait(self, seconds: float) -> None:
        """Wait so long.

        Raises:
            ConnectionResetError: The client left, which is noticed at once.

        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check(min(left, _LONGEST_PEEK))
        self._check(0)

    def wait_at(self, gate: Gate, after: int, *, asked: bool) -> None:
        """Wait until the gate lets this request through, if it is held there at all.

        Args:
            gate: Where requests are held.
            after: Events of the answer that have been sent.
            asked: Whether the request itself asks to be held here.

        Raises:
            ConnectionResetError: The client left.

        """
        since = gate.enter(after, asked=asked)
        if since is None:
            return
        try:
            while not gate.is_released(since, _LOOK_SECONDS):
                self._check(0)
        finally:
            gate.leave(since)

    def _check(self, seconds: float) -> None:
        """Raise if the client goes away within so many seconds."""
        # 0 would make the socket non-blocking for whoever uses it next.
        self._connection.settimeout(seconds or 0.000_001)
        try:
            gone = not self._connection.recv(1, socket.MSG_PEEK)
        except (TimeoutError, BlockingIOError):
            gone = False
        finally:
            self._connection.settimeout(self._timeout)
        if gone:
            raise ConnectionResetError("the client left")
