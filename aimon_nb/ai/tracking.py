"""`ai_track`: a function as a span of a pipeline, whatever kind of function it is."""

from __future__ import annotations

import functools
import inspect
import types
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from aimon_nb.ai.call import Call
from aimon_nb.ai.options import Options, own_names

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Begin = Callable[[dict[str, Any]], Call]


class Decorator(Protocol):
    """What `ai_track(…)` gives: the decorated function has the types of the original."""

    @overload
    def __call__(self, function: staticmethod[P, R], /) -> staticmethod[P, R]: ...
    @overload
    def __call__(self, function: classmethod[T, P, R], /) -> classmethod[T, P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...


def ai_track(description: str, **span_kwargs: Any) -> Decorator:
    """Track a function as an AI operation: a span a call, its errors captured.

    The outermost tracked call makes the pipeline: `description` is its name, and
    every span made inside carries it. Calls inside a pipeline (in a tracked cell,
    or after `set_ai_pipeline_name`) join it.

    Works on functions, methods (also below or above `staticmethod` and
    `classmethod`), coroutines, generators, async generators, partials and
    objects with a `__call__`. A generator's span lasts from the first item asked
    for to exhaustion, error, `close()` or collection.

    An error is captured once, by the outermost tracked call that it leaves, with
    the pipeline's name, op and span, and goes on unchanged. Interrupts, exits and
    cancellations end the span with a status of their own and are no errors.

    Args:
        description: name of the operation, and of the pipeline if it makes one.
        **span_kwargs: hold on every call:

            - `op`: text; without one it is `ai.pipeline` for the call that makes
              the pipeline, `ai.run` for one that joins it.
            - `sentry_tags` (or `tags`): mapping of name to text, or None.
            - `sentry_data` (or `data`, `attributes`): mapping of name to value, or None.
            - `origin`, `source`, `status`, `start_timestamp`, and for the static
              lifecycle `sampled`, `same_process_as_parent`: as Sentry's span has them.

    Returns:
        A decorator. What it decorates also takes `sentry_tags` and `sentry_data`
        at a call: they are merged over those above and not passed on, unless the
        function has a parameter of that very name.

    Raises:
        TypeError: an unknown option, or one of a wrong type (when decorating, or
            at a call for the two keywords above); something that cannot be called.

    Example:
        @ai_track("document-analysis", op="ai.analysis", sentry_tags={"model": "gpt-4"})
        async def analyze_document(doc_id): ...

        await analyze_document(1, sentry_data={"version": "v2.1"})

    Source: sentry-sdk's page on AI monitoring, "AI pipeline tracking"; ops and the
    merging of keywords from sentry-sdk 2.x, `ai_track`.
    """
    options = Options.of(description, span_kwargs)

    def decorate(function: Any) -> Any:
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(decorate(function.__func__))
        if not callable(function):
            raise TypeError(f"ai_track decorates functions, not {type(function).__name__}")
        wrapper: Any = _wrapper(function)(function, _beginning(function, options))
        return functools.wraps(function)(wrapper)

    return decorate


def _beginning(function: Callable[..., Any], options: Options) -> Begin:
    own = own_names(function)

    def begin(kwargs: dict[str, Any]) -> Call:
        tags, data = options.at_call(kwargs, own)
        return Call(options, tags, data)

    return begin


def _wrapper(function: Any) -> Callable[[Any, Begin], Any]:
    """The wrapper for a function of this kind; an object is what its `__call__` is."""
    inside = function
    while isinstance(inside, functools.partial):
        inside = inside.func
    kinds = (inside, type(inside).__call__)
    for is_one, wrapper in (
        (inspect.iscoroutinefunction, _coroutine),
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.isgeneratorfunction, _generator),
    ):
        if any(is_one(kind) for kind in kinds):
            return wrapper
    return _plain


def _plain(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def tracked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with begin(kwargs) as call:
            result = function(*args, **kwargs)
            if inspect.iscoroutine(result) and _is_fresh(result):
                return _awaited(call, result)
            call.end()
            return result

    return tracked


def _is_fresh(result: Coroutine[Any, Any, Any]) -> bool:
    return inspect.getcoroutinestate(result) == inspect.CORO_CREATED


def _awaited(call: Call, work: types.CoroutineType[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    """A plain function made a coroutine (one decorated before, say): its call lasts as long."""

    async def tracked() -> Any:
        __tracebackhide__ = True
        with call:
            result = await work
            call.end()
            return result

    outer: Any = tracked()
    outer.__name__, outer.__qualname__ = work.__name__, work.__qualname__
    # Thrown away without having been awaited, it never runs: the span ends all the same.
    weakref.finalize(outer, call.end, GeneratorExit()).atexit = False
    return cast("Coroutine[Any, Any, Any]", outer)


def _coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def tracked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with begin(kwargs) as call:
            result = await function(*args, **kwargs)
            call.end()
            return result

    return tracked


def _generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def tracked(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        __tracebackhide__ = True
        with begin(kwargs) as call:
            steps = function(*args, **kwargs)
        step, value = steps.send, None
        while True:
            with call:
                try:
                    item = step(value)
                except StopIteration as stop:
                    call.end()
                    return stop.value
            try:
                value = yield item
                step = steps.send
            except GeneratorExit as left:
                with call:
                    result = steps.close()
                    call.end(left)
                    return result
            except BaseException as error:
                step, value = steps.throw, error

    return types.coroutine(tracked) if _is_awaitable(function) else tracked


def _is_awaitable(function: Any) -> bool:
    """Whether it is a generator under `types.coroutine`."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def tracked(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        __tracebackhide__ = True
        with begin(kwargs) as call:
            steps = function(*args, **kwargs)
        step, value = steps.asend, None
        while True:
            with call:
                try:
                    item = await step(value)
                except StopAsyncIteration:
                    call.end()
                    return
            try:
                value = yield item
                step = steps.asend
            except GeneratorExit as left:
                with call:
                    await steps.aclose()
                    call.end(left)
                raise
            except BaseException as error:
                step, value = steps.athrow, error

    return tracked
