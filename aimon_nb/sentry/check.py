"""Whether the installed SDK is as we know it: asked once, when the wraps are put on.

What is wrapped must be there, and a span of each class, made and ended for
nobody, must be heard to start and to end, with its name, op and attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import sentry_sdk
from sentry_sdk import scope as sentry_scope
from sentry_sdk.client import NonRecordingClient

from aimon_nb.model import Run, Span
from aimon_nb.recording import context
from aimon_nb.recording.context import Node
from aimon_nb.recording.recorder import Recorder
from aimon_nb.recording.records import Recording
from aimon_nb.sentry.reading import read

NAME, OP, KEY = "probe", "aimon_nb.probe", "aimon_nb.key"


class Nobody(NonRecordingClient):
    """A client that takes spans and sends none; an inactive one would be passed over."""

    def is_active(self) -> bool:
        """Whether spans are handed to it."""
        return True


def for_nobody() -> Any:
    """A scope like the current one, whose spans and events reach nobody."""
    scope = sentry_sdk.get_current_scope().fork()
    scope.set_client(Nobody())
    return scope


def probe(observer: Any) -> list[str]:
    """The span classes that are not heard as they should be."""
    from sentry_sdk import traces, tracing

    def static() -> Any:
        span = tracing.Span(op=OP, name=NAME)
        span.set_data(KEY, 1)
        with span:
            return span

    def streamed() -> Any:
        scope = sentry_scope._current_scope.get()
        attributes: dict[str, Any] = {"sentry.op": OP, KEY: 1}
        span = traces.StreamedSpan(name=NAME, attributes=attributes, active=False, scope=scope)
        span.end()
        return span

    def idle() -> Any:
        span = traces.NoOpStreamedSpan(name=NAME, attributes={"sentry.op": OP, KEY: 1})
        span.end()
        return span

    tried = {"Span": static, "StreamedSpan": streamed, "NoOpStreamedSpan": idle}
    return [f"a {name}" for name, make in tried.items() if not _is_heard(observer, make)]


def _is_heard(observer: Any, make: Any) -> bool:
    with _alone(observer) as log:
        try:
            sdk = make()
            node, same = log
            span = Span(node.span_id, None, NAME, node.recording.run.started, 0.0)
            data = read(node, span) or {}
        except Exception:
            return False
    known = (span.name, span.op, data.get(KEY)) == (NAME, OP, 1)
    return known and node is same and node.span_id == sdk.span_id and node.t1 is not None


@contextmanager
def _alone(observer: Any) -> Iterator[Any]:
    """Hear this thread's spans in a log of their own, and let nobody have them."""
    before, scope = context.here(), sentry_scope._current_scope.get()
    true, observer.recorder = observer.recorder, Recorder()
    run = Run(run_id=NAME, name=NAME, started=datetime.now(timezone.utc))
    recording = Recording(run, 0)
    recording.root = Node(None, "bare", recording, 0)
    recording.root.span_id = NAME
    sentry_scope._current_scope.set(for_nobody())
    context.put((recording, *(None for _ in before[1:])))
    try:
        yield observer.recorder.log
    finally:
        observer.recorder = true
        context.put(before)
        sentry_scope._current_scope.set(scope)
