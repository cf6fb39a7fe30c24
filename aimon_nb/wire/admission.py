"""The one place that every model request passes before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.errors import RequestRefusedError, RunStopped

if TYPE_CHECKING:
    from aimon_nb.wire.model_request import ModelRequest

Policy = Callable[["ModelRequest"], None]

policies: list[Policy] = []
"""Each may refuse a request by raising a `RequestRefusedError`, which the user's code sees."""

_sending: ContextVar[ModelRequest | None] = ContextVar("aimon_nb_sending", default=None)


def already_captured(body: bytes | None) -> bool:
    """Whether a transport above this one is just sending the request that runs here.

    It has that one's body, as far as both are known: a hook of the client may ask
    another model meanwhile.
    """
    sending = _sending.get()
    # A task that was started meanwhile keeps the variable: an answered request is past.
    if sending is None or sending.ok is not None or sending.is_done:
        return False
    return body is None or sending.body is None or body == sending.body


class InFlight:
    """A request on its way: admitted, captured by no client below, and over if it fails."""

    __slots__ = ("_before", "_model_request")

    def __init__(self, model_request: ModelRequest) -> None:
        self._model_request = model_request

    def __enter__(self) -> None:
        self._before = _sending.get()
        try:
            _check_allowed(self._model_request)
        except RequestRefusedError as error:
            self._model_request.done(error=error)
            raise
        _sending.set(self._model_request)

    def __exit__(
        self,
        ty: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # set(old), never reset(token): a coroutine may be closed in another context.
        _sending.set(self._before)
        if error is not None:
            self._model_request.done(error=error)


def _check_allowed(model_request: ModelRequest) -> None:
    if model_request.open_span.run_state.stop:
        raise RunStopped("the run was interrupted; this call was not sent")
    for check in policies:
        try:
            check(model_request)
        except RequestRefusedError:
            raise
        except Exception:
            internal_errors.record("a check of a request")
