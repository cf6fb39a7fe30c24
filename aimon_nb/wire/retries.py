"""Which request is another try of one that failed.

A client tries again with the very same bytes, so the same body to the same
address in the same run is the next attempt. Nothing is kept but a hash, and
nothing is hashed while nothing fails.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aimon_nb.wire.exchange import Exchange

KEPT = 256  # failed requests waiting for their next try

# What clients raise where not even a connection came about.
_UNCONNECTED = {
    "ConnectError",
    "ConnectTimeout",
    "ConnectTimeoutError",
    "NewConnectionError",
    "EndpointConnectionError",
    "ClientConnectorError",
    "ConnectionTimeoutError",
    "ConnectionRefusedError",
    "gaierror",
}

Key = tuple[str, str | None, str, int]


class Retries:
    """Failed requests, until the same one is sent again."""

    def __init__(self) -> None:
        self._attempts: OrderedDict[Key, list[int]] = OrderedDict()

    def failed(self, exchange: Exchange) -> None:
        """Remember a request that got no answer."""
        self._attempts.setdefault(_key(exchange), []).append(exchange.attempt)
        while len(self._attempts) > KEPT:
            self._attempts.popitem(last=False)

    def attempt(self, exchange: Exchange) -> int:
        """The number of this try."""
        if not self._attempts:
            return 1
        key = _key(exchange)
        before = self._attempts.get(key)
        if not before:
            return 1
        latest = before.pop()
        if not before:
            self._attempts.pop(key, None)
        return latest + 1


def _key(exchange: Exchange) -> Key:
    run = exchange.node.recording.run.run_id
    return run, exchange.call.host, exchange.path, hash(exchange.body)


def never_sent(error: BaseException) -> bool:
    """Whether a request failed before it was sent: what stands inside of a client's error tells.

    One that was sent and got no answer may well be billed.
    """
    at: BaseException | None = error
    for _ in range(8):
        if at is None:
            break
        if any(kind.__name__ in _UNCONNECTED for kind in type(at).__mro__):
            return True
        inner = (at.__cause__, vars(at).get("reason"), *at.args[:1])
        at = next((one for one in inner if isinstance(one, BaseException)), None)
    return False


retries = Retries()
