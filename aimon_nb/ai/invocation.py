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
from aimon_nb.capture.kept_content import is_wanted, take_output
from aimon_nb.capture.step_content import NOT_TAKEN, Yielded, snapshot_arguments
from aimon_nb.sentry import error_events, own_spans

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from aimon_nb.ai.track_options import Options, Parameters
    from aimon_nb.capture.state import OpenSpan

    Arguments = tuple[Parameters, tuple[Any, ...], Mapping[str, Any]]


class TrackedInvocation:
    """A call that runs; `ended` once its span has."""

    __slots__ = (
        "_arguments",
        "_data",
        "_inside",
        "_op",
        "_options",
        "_outside",
        "_parent",
        "_pipeline",
        "_span",
        "_tags",
        "_yielded",
        "ended",
    )

    def __init__(
        self,
        options: Options,
        tags: Mapping[str, Any],
        data: Mapping[str, Any],
        arguments: Arguments | None = None,
    ) -> None:
        self._options, self._tags, self._data = options, tags, data
        self._arguments = arguments
        self._yielded: Yielded | None = None
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

    def expect_yields(self) -> None:
        """What comes out is what a generator yields."""
        open_span = None if self._span is None else self._span.open_span
        if open_span is not None and is_wanted(open_span, option=self._options.capture_output):
            self._yielded = Yielded()

    def note_yield(self, value: Any) -> None:
        """Copy what a generator yields, if that is wanted."""
        if self._yielded is not None:
            self._yielded.add(value)

    def end(self, error: BaseException | None = None, result: Any = NOT_TAKEN) -> None:
        """End the span, with the error or the result that ended the call; the first end counts."""
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
        if span.open_span is not None:
            try:  # a block of `suppress` costs as much as the copy
                self._take_output(span.open_span, error, result)
            except Exception:
                internal_errors.record("copying what came out")
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
        arguments, self._arguments = self._arguments, None
        if arguments is not None and span.open_span is not None:
            try:
                _take_input(span.open_span, arguments, self._options)
            except Exception:
                internal_errors.record("copying what went in")
        own_spans.set_tags(span.sdk, self._tags)
        own_spans.set_data(span.sdk, {SPANDATA.GEN_AI_PIPELINE_NAME: self._pipeline, **self._data})

    def _take_output(self, open_span: OpenSpan, error: BaseException | None, result: Any) -> None:
        # One that was left early has yielded all the same.
        if self._yielded is not None and (error is None or type(error) is GeneratorExit):
            open_span.step_output = self._yielded.so_far()
        elif result is not NOT_TAKEN and error is None:
            take_output(open_span, result, wanted=self._options.capture_output)

    def _capture(self, error: BaseException, span: Any) -> None:
        error_events.capture(
            error,
            self._pipeline,
            self._op,
            span,
            operation=self._options.name,
            tags=self._tags,
        )


def _take_input(open_span: OpenSpan, arguments: Arguments, options: Options) -> None:
    if is_wanted(open_span, option=options.capture_input):
        parameters, args, kwargs = arguments
        open_span.step_input = snapshot_arguments(parameters.named(args, kwargs))


def _nearest_open(call: TrackedInvocation | None) -> TrackedInvocation | None:
    """Return the nearest call that has not ended: a task may outlive the one that started it."""
    while call is not None and call.ended:
        call = call._parent
    return call
