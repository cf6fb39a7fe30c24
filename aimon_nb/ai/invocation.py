"""One call of a tracked operation: its span, its pipeline, and where its code stands.

`with call:` stands inside: the first time the span is opened, every time the
place from before is put back at the end, so a generator holds nothing across a
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
    """A call that runs; `over` once its span has ended."""

    __slots__ = (
        "_above",
        "_data",
        "_inside",
        "_op",
        "_options",
        "_outside",
        "_pipeline",
        "_span",
        "_tags",
        "over",
    )

    def __init__(self, options: Options, tags: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self._options, self._tags, self._data = options, tags, data
        self._inside: own_spans.ContextSnapshot | None = None
        self._outside: own_spans.ContextSnapshot
        self._span: own_spans.ScopedSpan | None = None
        self._above: TrackedInvocation | None = None
        self.over = False

    def __enter__(self) -> TrackedInvocation:  # noqa: PYI034 (`Self` needs Python 3.11)
        self._outside = own_spans.current_context()
        if self._inside is not None:
            own_spans.attach(self._inside)
            return self
        instrumentation.ensure()
        try:
            with internal_errors.suppress("opening a span"):
                self._open()
        except BaseException:  # an interrupt just now: the caller stands where it stood
            own_spans.attach(self._outside)
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
            # Over, it is never entered again, and would hold itself: `tracked` is it.
            self._inside = None if self.over else own_spans.current_context()
        finally:
            # A coroutine that is thrown away is closed wherever that happens.
            if self._is_around():
                own_spans.attach(self._outside)

    def end(self, error: BaseException | None = None) -> None:
        """End the span, with the error that ended the call; the first end counts."""
        if self.over:
            return
        self.over = True
        span = self._span
        if span is None:  # a fault of ours kept it from opening
            return
        self._above = above = _open_one(self._above)
        if error is not None and above is None:
            with internal_errors.suppress("capturing an error"):
                self._capture(error, span.sdk)
        with internal_errors.suppress("ending a span"):
            span.close(error)

    def _is_around(self) -> bool:
        """Whether the code that runs now is inside this call."""
        call = cast("TrackedInvocation | None", context.current_invocation.get())
        while call is not None and call is not self:
            call = call._above
        return call is self

    def _open(self) -> None:
        name = context.pipeline_name()
        self._above = _open_one(cast("TrackedInvocation | None", context.current_invocation.get()))
        self._pipeline = name or self._options.name
        self._op = self._options.op or ("ai.run" if name else "ai.pipeline")
        context.current_invocation.set(self)
        context.current_pipeline.set(self._pipeline)
        own_spans.fork()
        self._span = span = own_spans.ScopedSpan(self._options.name, self._op, self._options.span)
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


def _open_one(call: TrackedInvocation | None) -> TrackedInvocation | None:
    """The nearest call that is not over: a task may outlive the one that started it."""
    while call is not None and call.over:
        call = call._above
    return call
