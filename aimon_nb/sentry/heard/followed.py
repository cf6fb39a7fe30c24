"""A step whose code runs in pieces, between which its caller's code runs: a generator's."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.steps import Steps


class FollowedStep:
    """`with step:` around each piece: the first starts it, an exception that leaves one ends it.

    Outside of the pieces it is nobody's parent. `begin` gives the step, None where there is none.
    """

    def __init__(self, steps: Steps, begin: Callable[[], OpenSpan | None]) -> None:
        self._steps, self._begin = steps, begin
        self._has_begun = False
        self._outside: OpenSpan | None = None
        self.open_span: OpenSpan | None = None

    def __enter__(self) -> None:
        self._outside = context.current_span.get()
        if self._has_begun:
            if self.open_span is not None and self.open_span.t1 is None:
                context.current_span.set(self.open_span)
            return
        self._has_begun = True
        with internal_errors.suppress("starting a step"):
            self.open_span = self._begin()

    def __exit__(self, _ty: object, error: BaseException | None, _tb: object) -> None:
        if error is not None:
            self.end(error)
        context.current_span.set(self._outside)

    def end(self, error: BaseException | None = None) -> None:
        """End the step, with what ended it; the first end counts."""
        with internal_errors.suppress("ending a step"):
            self._steps.end(self.open_span, error)


def follow(inner: Any, step: FollowedStep) -> Generator[Any, Any, Any]:
    """Yield what a generator yields; each of its pieces runs in the step."""
    proceed, value, closing = inner.send, None, None
    while True:
        with step:
            try:
                value = proceed(value)
            except StopIteration as stop:
                step.end()
                return stop.value
            except BaseException:
                # An error that was thrown in would hold its frames, and this one, alive.
                value = None
                raise
        try:
            value = yield value
            proceed = inner.send
        except GeneratorExit as error:
            closing = error
        except BaseException as error:
            proceed, value = inner.throw, error
        if closing is not None:
            # Not where it is handled: what the inner one sees at its end would come of it.
            with step:
                inner.close()
            step.end(closing)
            raise closing


async def follow_async(inner: Any, step: FollowedStep) -> AsyncGenerator[Any, Any]:
    """Yield what an async generator yields; each of its pieces runs in the step."""
    proceed, value, closing = inner.asend, None, None
    is_first = True
    while True:
        with step:
            try:
                awaited = _unnoticed(inner) if is_first else proceed(value)
                is_first = False
                value = await awaited
            except StopAsyncIteration:
                step.end()
                return
            except BaseException:
                value = None
                raise
        try:
            value = yield value
            proceed = inner.asend
        except GeneratorExit as error:
            closing = error
        except BaseException as error:
            proceed, value = inner.athrow, error
        if closing is not None:
            with step:
                await inner.aclose()
            step.end(closing)
            raise closing


def _unnoticed(inner: Any) -> Any:
    """Return the first step of a generator, of which the event loop is not told.

    It closes at its end all that it saw start, at the same time: the inner one would be closed
    while the outer one closes it.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return inner.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)
