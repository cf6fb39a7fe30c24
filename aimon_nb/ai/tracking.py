"""`ai_track`: a function as a span of a pipeline."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sentry_sdk

from aimon_nb.recording import context
from aimon_nb.sentry import errors

F = TypeVar("F", bound=Callable[..., Any])


def ai_track(description: str, **span_kwargs: Any) -> Callable[[F], F]:
    """Track a function as an AI operation.

    The outermost tracked call makes the pipeline (op `ai.pipeline`); inside one,
    or in a tracked cell, a call joins it (op `ai.run`).

    Args:
        description: name of the operation, and of the pipeline if it makes one.
        **span_kwargs: `op`, `sentry_tags`, `sentry_data` and options of Sentry's span.

    Example:
        @ai_track("answer", op="ai.analysis")
        def answer(question): ...
    """

    def decorate(function: F) -> F:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def tracked_async(*args: Any, **kwargs: Any) -> Any:
                with _span(description, span_kwargs):
                    return await function(*args, **kwargs)

            return tracked_async  # type: ignore[return-value]

        @functools.wraps(function)
        def tracked(*args: Any, **kwargs: Any) -> Any:
            with _span(description, span_kwargs):
                return function(*args, **kwargs)

        return tracked  # type: ignore[return-value]

    return decorate


@contextmanager
def _span(description: str, options: dict[str, Any]) -> Iterator[Any]:
    before = context.pipeline.get()
    op = options.get("op") or ("ai.run" if before is not None else "ai.pipeline")
    if before is None:
        context.pipeline.set(description)
    try:
        with sentry_sdk.start_span(op=op, name=description) as span:
            for key, value in (options.get("sentry_tags") or {}).items():
                span.set_tag(key, value)
            for key, value in (options.get("sentry_data") or {}).items():
                span.set_data(key, value)
            try:
                yield span
            except Exception as error:
                if before is None:
                    errors.capture(error, description, op, span)
                raise
    finally:
        if before is None:
            context.pipeline.set(None)
