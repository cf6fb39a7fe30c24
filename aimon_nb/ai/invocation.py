"""One call of a tracked operation: its span, its pipeline, and the context of its code.

`with call:` attaches its context: the first time the span is opened, every time the
context from before is attached again at the end, so a generator holds nothing across a
`yield`. An exception that leaves ends the call; `end` ends it otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aimon_nb.ai.consts import SPANDATA
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry import error_events, own_spans

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from aimon_nb.ai.track_options import Options


class TrackedInvocation:
    """A call that runs; `ended` once its span has."""

    __slots__ = (
        "_data",
        "_inside",
        "_op",
        "_options",
        "_outside",
        "_parent",
        "_pipeline",
        "_span",
        "_tags",
        "ended",
    )

    def __init__(self, options: Options, tags: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self._options, self._tags, self._data = options, tags, data
        self._inside: own_spans.ContextSnapshot | None = None
        self._outside: own_spans.ContextSnapshot
        self._span: own_spans.ScopedSpan | None = None
        self._parent: TrackedInvocation | None = None
        self.ended = False

    def __enter__(self) -> TrackedInvocation:  # noqa: PYI034 (`Self` needs Python 3.11)
        self._outside = own_spans.snapshot_context()
        if self._inside is not None:
            own_spans.attach_snapshot(self._inside)
            return self
        instrumentation.ensure()
        try:
            with internal_errors.suppress("opening a span"):
                self._open()
        except BaseException:
            # An interrupt just now: the caller gets its own context back.
            own_spans.attach_snapshot(self._outside)
            raise
        return self

    def __exit__(
        self,
        ty: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                self.end(error)
            # After its end it is never entered again, and the context refers to this call.
            self._inside = None if self.ended else own_spans.snapshot_context()
        finally:
            # A coroutine that is thrown away is closed in the context where that happens.
            if self._is_current():
                own_spans.attach_snapshot(self._outside)

    def end(self, error: BaseException | None = None) -> None:
        """End the span, with the error that ended the call; the first end counts."""
        if self.ended:
            return
        self.ended = True
        span = self._span
        # An internal error kept it from opening.
        if span is None:
            return
        self._parent = parent = _nearest_open(self._parent)
        if error is not None and parent is None:
            with internal_errors.suppress("capturing an error"):
                self._capture(error, span.sdk)
        with internal_errors.suppress("ending a span"):
            span.close(error)

    def _is_current(self) -> bool:
        """Return whether the code that runs now is inside this call."""
        call = cast("TrackedInvocation | None", context.current_invocation.get())
        while call is not None and call is not self:
            call = call._parent
        return call is self

    def _open(self) -> None:
        name = context.pipeline_name()
        self._parent = _nearest_open(
            cast("TrackedInvocation | None", context.current_invocation.get())
        )
        self._pipeline = name or self._options.name
        self._op = self._options.op or ("ai.run" if name else "ai.pipeline")
        context.current_invocation.set(self)
        context.current_pipeline.set(self._pipeline)
        own_spans.fork()
        self._span = span = own_spans.ScopedSpan(self._options.name, self._op, self._options.span)
        span.fold_into_tool((self._options.name, self._options.function))
        own_spans.set_tags(span.sdk, self._tags)
        own_spans.set_data(span.sdk, {SPANDATA.GEN_AI_PIPELINE_NAME: self._pipeline, **self._data})

    def _capture(self, error: BaseException, span: Any) -> None:
        error_events.capture(
            error,
            self._pipeline,
            self._op,
            span,
            operation=self._options.name,
            tags=self._tags,
        )


def _nearest_open(call: TrackedInvocation | None) -> TrackedInvocation | None:
    """Return the nearest call that has not ended: a task may outlive the one that started it."""
    while call is not None and call.ended:
        call = call._parent
    return call
