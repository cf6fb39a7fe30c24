"""The one place that every model request passes before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING

from aimon_nb.model.errors import RequestRefusedError, RunStopped
from aimon_nb.recording.faults import faults

if TYPE_CHECKING:
    from aimon_nb.wire.exchange import Exchange

Check = Callable[["Exchange"], None]

checks: list[Check] = []
"""Each may refuse a request by raising a `RequestRefusedError`, which the user's code sees."""

_sending: ContextVar[Exchange | None] = ContextVar("aimon_nb_sending", default=None)


def is_heard(body: bytes | None) -> bool:
    """Whether a transport above this one is just sending the request that runs here.

    It has that one's body, as far as both are known: a hook of the client may ask
    another model meanwhile.
    """
    sending = _sending.get()
    # A task that was started meanwhile keeps the variable: an answered request is past.
    if sending is None or sending.good is not None or sending.over:
        return False
    return body is None or sending.body is None or body == sending.body


class Sending:
    """A request on its way: admitted, heard by no transport below, and over if it fails."""

    __slots__ = ("_before", "_exchange")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        self._before = _sending.get()
        try:
            _admit(self._exchange)
        except RequestRefusedError as error:
            self._exchange.done(error=error)
            raise
        _sending.set(self._exchange)

    def __exit__(
        self,
        ty: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # set(old), never reset(token): a coroutine may be closed in another context.
        _sending.set(self._before)
        if error is not None:
            self._exchange.done(error=error)


def _admit(exchange: Exchange) -> None:
    if exchange.node.recording.stop:
        raise RunStopped("the run was interrupted; this call was not sent")
    for check in checks:
        try:
            check(exchange)
        except RequestRefusedError:
            raise
        except Exception:
            faults.note("a check of a request")
