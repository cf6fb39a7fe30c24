"""What an interrupt or a timeout leaves open, where a framework tells nobody that it is over."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.frameworks.framework import Framework


def guard(framework: Framework, owner: Any, name: str) -> None:
    """Have the steps that are still open in `owner.name` end when an exception leaves that."""
    framework.hook(owner, name, partial(_guarded, framework))


def _guarded(framework: Framework, original: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        before = context.current_span.get()
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            _end_since(before, error, framework)
            raise

    async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        before = context.current_span.get()
        try:
            return await original(*args, **kwargs)
        except BaseException as error:
            _end_since(before, error, framework)
            raise

    return async_wrapper if inspect.iscoroutinefunction(original) else wrapper


def _end_since(before: OpenSpan | None, error: BaseException, framework: Framework) -> None:
    with internal_errors.suppress(f"ending what was left of {framework.name}"):
        at, opened = context.current_span.get(), []
        while at is not None and at is not before:
            opened.append(at)
            at = at.entered_from
        # A coroutine that is thrown away is closed in another context, where none of it is.
        for one in opened if at is before else ():
            framework.end(one, error)
