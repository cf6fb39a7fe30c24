"""The one place that every model request passes before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.errors import RequestRefusedError, RunStopped
from aimon_nb.wire import budget_gate
from aimon_nb.wire.sent_headers import learn_sent

if TYPE_CHECKING:
    from aimon_nb.wire.model_request import ModelRequest

Policy = Callable[["ModelRequest"], None]

policies: list[Policy] = []
"""Each may refuse a request by raising a `RequestRefusedError`, which the user's code sees."""

# The request that is on its way where this code runs.
_in_flight: ContextVar[ModelRequest | None] = ContextVar("aimon_nb_in_flight", default=None)


def in_flight() -> ModelRequest | None:
    """Return the request that is on its way where this code runs; None once it is answered."""
    request = _in_flight.get()
    # A task that was started meanwhile has inherited the variable: an answered request is past.
    return None if request is None or request.ok is not None or request.is_done else request


def already_captured(body: bytes | None) -> bool:
    """Return whether a client above this one is sending the very request that passes here.

    The two have the same body, as far as both are known. Another body is another request:
    a hook of the client may ask a model while its own request is on its way.
    """
    above = in_flight()
    if above is None:
        return False
    return body is None or above.body is None or body == above.body


class InFlight:
    """A block that sends a request: admitted before, captured once, and ended if it fails."""

    __slots__ = ("_above", "_args", "_kwargs", "_model_request")

    def __init__(
        self, model_request: ModelRequest, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._model_request, self._args, self._kwargs = model_request, args, kwargs

    def __enter__(self) -> None:
        self._above = _in_flight.get()
        try:
            _check_allowed(self._model_request)
        except RequestRefusedError as error:
            self._model_request.on_done(error=error)
            raise
        if self._model_request.item is not None:
            self._model_request.item.item.is_sent = True
        _in_flight.set(self._model_request)

    def __exit__(
        self,
        ty: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # set(old), never reset(token): a coroutine may be closed in another context.
        _in_flight.set(self._above)
        if error is not None:
            # A client may quote what it would not send.
            learn_sent(self._args, self._kwargs)
            self._model_request.on_done(error=error)


def _check_allowed(model_request: ModelRequest) -> None:
    if not model_request.asks_model:
        return  # it costs nothing, and tells what was asked before
    if model_request.open_span.run_state.stop:
        stopped = RunStopped("the run was interrupted; this call was not sent")
        model_request.open_span.run_state.has_stopped_calls = True
        if model_request.item is not None:
            model_request.item.refuse(stopped)
        raise stopped
    try:
        budget_gate.check(model_request)
    except RequestRefusedError:
        raise
    except Exception:
        internal_errors.record("a budget")
    for policy in policies:
        try:
            policy(model_request)
        except RequestRefusedError:
            raise
        except Exception:
            internal_errors.record("a policy for requests")
