"""Which request is another try of one that failed.

A client tries again with the very same bytes, so the same body to the same
address in the same run is the next attempt, if it is asked for the same row of the
user's batch: of two rows with the same text each fails for itself. Nothing is kept
but a hash, and nothing is hashed while nothing fails.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from aimon_nb.capture.items import item_of

if TYPE_CHECKING:
    from aimon_nb.wire.model_request import ModelRequest

KEPT = 10_000  # failed requests waiting for their next try: so many may be refused at once

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

Key = tuple[str, str | None, str, int, Any]


class _Failed(NamedTuple):
    """A try that failed: its number, and what it shares with the others at its request."""

    attempt: int
    group: int


class Retries:
    """Failed requests, until the same one is sent again."""

    def __init__(self) -> None:
        self._attempts: OrderedDict[Key, list[_Failed]] = OrderedDict()
        self._groups = count(1)

    def failed(self, model_request: ModelRequest) -> None:
        """Remember a request that got no answer."""
        if model_request.retry_group is None:
            model_request.retry_group = next(self._groups)
        failed = _Failed(model_request.attempt, model_request.retry_group)
        self._attempts.setdefault(_key(model_request), []).append(failed)
        while len(self._attempts) > KEPT:
            self._attempts.popitem(last=False)

    def attempt(self, model_request: ModelRequest) -> int:
        """The number of this try, which from here on is of the group of those before it."""
        if not self._attempts:
            return 1
        key = _key(model_request)
        if key not in self._attempts:
            key = (*key[:-1], None)  # asked before by code of no row
        before = self._attempts.get(key)
        if not before:
            return 1
        latest = before.pop()
        if not before:
            self._attempts.pop(key, None)
        model_request.retry_group = latest.group
        return latest.attempt + 1


def _key(model_request: ModelRequest) -> Key:
    run = model_request.open_span.run_state.run.run_id
    row = _row(model_request)
    return run, model_request.call.host, model_request.path, hash(model_request.body), row


def _row(model_request: ModelRequest) -> Any:
    """Return which row of the user's batch asks: the outermost, in which a loop may try again."""
    open_span = model_request.open_span
    open_item = model_request.item or item_of(open_span, open_span.run_state)
    if open_item is None:
        return None
    while open_item.around is not None:
        open_item = open_item.around
    # In a tuple: None is no row.
    return (open_item.item.key,)


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
