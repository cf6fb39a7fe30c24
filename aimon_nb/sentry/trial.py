"""One transaction or segment is sent, to see what comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import sentry_sdk
from sentry_sdk import scope as sentry_scope
from sentry_sdk import transport as sentry_transport

from aimon_nb.capture import context
from aimon_nb.model.sending import Lost
from aimon_nb.sentry import root_trace
from aimon_nb.sentry.client import Client
from aimon_nb.sentry.delivery import Delivery
from aimon_nb.sentry.sending_status import address, sampling, why_nothing

NAME, OP, ORIGIN = "aimon_nb test", "ai.test", "auto.aimon_nb"
_UNKNOWN = "it was given to your client's own transport: what becomes of it there nobody tells"


def send(ours: Client, delivery: Delivery, making: set[int], seconds: float) -> str:
    """Send one and return in a line what came back.

    Args:
        ours: Knows why there is no client.
        delivery: Tells what becomes of it.
        making: Threads whose spans are not tracked: it is in no run.
        seconds: How long the answer is waited for.

    """
    client = sentry_sdk.get_client()
    why = why_nothing(ours, client)
    if why:
        return f"nothing was sent: {why}"
    answer = _Answer()
    remove = delivery.on_outcome(answer.listen)
    try:
        with _untracked(making):
            span = root_trace.start(NAME, OP, {"origin": ORIGIN}, may_be_sent=True)
            answer.trace_id = span.trace_id
            with delivery.closing(span.trace_id), span:
                pass
        if not span.sampled:
            return f"nothing was sent: not sampled ({sampling(client)})"
        core = getattr(sentry_transport, "HttpTransportCore", ())
        if not (delivery.is_watching and isinstance(client.transport, core)):
            return _UNKNOWN
        answer.arrived.wait(seconds)
    finally:
        remove()
    return answer.in_words(client, seconds)


class _Answer:
    """What came back of one trace."""

    def __init__(self) -> None:
        self.trace_id: str | None = None
        self.arrived = threading.Event()
        self._lost: Lost | None = None

    def listen(self, lost: Lost | None, trace_ids: frozenset[str]) -> None:
        """Take note of it, if it is of this trace."""
        if self.trace_id in trace_ids:
            self._lost = lost
            self.arrived.set()

    def in_words(self, client: Any, seconds: float) -> str:
        """Return the line that says it."""
        where = address(client)
        if not self.arrived.is_set():
            return f"no answer from {where} within {seconds:g} s; the client goes on trying"
        if self._lost is None:
            return f"it arrived: {where} took it (HTTP 200), trace {self.trace_id}"
        return f"it did not arrive at {where}: {self._lost.why}{_pause(client)}"


@contextmanager
def _untracked(making: set[int]) -> Iterator[None]:
    """Be in no run, and in scopes without a span: it is in no trace of the user's."""
    thread, kind = threading.get_ident(), sentry_scope.ScopeType
    isolation = sentry_scope.Scope(ty=kind.ISOLATION)
    current = sentry_scope.Scope(ty=kind.CURRENT)
    for scope in (isolation, current):
        scope.set_new_propagation_context()
    before = context.current_context()
    context.attach((None,) * len(before))
    making.add(thread)
    try:
        with sentry_scope.use_isolation_scope(isolation), sentry_scope.use_scope(current):
            yield
    finally:
        making.discard(thread)
        context.attach(before)


def _pause(client: Any) -> str:
    """Say for how long the client sends nothing, as Sentry asked it to."""
    now = datetime.now(timezone.utc)
    until = [one for one in dict(client.transport._disabled_until).values() if one > now]
    seconds = int((max(until) - now).total_seconds()) if until else 0
    return f"; nothing is sent for the next {seconds} s" if seconds else ""
