"""`ai_track`: a function as a span of a pipeline, whatever kind of function it is."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from aimon_nb.ai.invocation import TrackedInvocation
from aimon_nb.ai.track_options import Options, Parameters
from aimon_nb.capture.hooks import named_like

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
# From the arguments of a call, of whose keywords it takes its own, to the call as an open span.
Begin = Callable[[tuple[Any, ...], dict[str, Any]], TrackedInvocation]


class Decorator(Protocol):
    """What `ai_track(…)` returns: the decorated function has the types of the original."""

    @overload
    def __call__(self, function: staticmethod[P, R], /) -> staticmethod[P, R]: ...
    @overload
    def __call__(self, function: classmethod[T, P, R], /) -> classmethod[T, P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...


def ai_track(
    description: str,
    *,
    capture_input: bool | None = None,
    capture_output: bool | None = None,
    **span_kwargs: Any,
) -> Decorator:
    """Track a function as an AI operation: a span a call, its errors captured.

    The outermost tracked call makes the pipeline: `description` is its name, and
    every span made inside carries it. Calls inside a pipeline (in a tracked cell,
    or after `set_ai_pipeline_name`) join it.

    Works on functions, methods (also below or above `staticmethod` and `classmethod`),
    coroutines, generators, async generators, partials and objects with a `__call__`. A
    generator's span lasts from its first item to exhaustion, error, `close()` or collection.

    An error is captured once, by the outermost tracked call that it leaves, with
    the pipeline's name, op and span, and goes on unchanged. Interrupts, exits and
    cancellations end the span with a status of their own and are no errors.

    What goes in and comes out of a call is shown in the live view of its run, and is in
    `spans(content=True)`; nowhere else, and never at Sentry. It is a bounded copy: no code of
    a value's own runs for it, and a generator is not consumed.

    Args:
        description: name of the operation, and of the pipeline if it makes one.
        capture_input: whether arguments are taken; None: as `%config
            AimonMagics.step_content` says. Of names such as `password` or `api_key` the
            value never is, nor is `self` or `cls`.
        capture_output: whether what it returns or yields is taken; None: as there.
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
    captured = {"capture_input": capture_input, "capture_output": capture_output}
    options = Options.of(description, span_kwargs, **captured)

    def decorate(function: Any) -> Any:
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(decorate(function.__func__))
        if not callable(function):
            raise TypeError(f"ai_track decorates functions, not {type(function).__name__}")
        wrapper: Any = _wrapper(function)(function, _begin_for(function, options))
        return named_like(function, wrapper, functools.WRAPPER_UPDATES)

    return decorate


def _begin_for(function: Callable[..., Any], options: Options) -> Begin:
    parameters = Parameters.of(function)
    takes_input = options.capture_input is not False
    options = options.of_function(function)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> TrackedInvocation:
        tags, data = options.at_call(kwargs, parameters.own)
        arguments = (parameters, args, kwargs) if takes_input else None
        return TrackedInvocation(options, tags, data, arguments)

    return begin


def _wrapper(function: Any) -> Callable[[Any, Begin], Any]:
    """Return the wrapper for a function of this kind; for an object, of its `__call__`."""
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
    return _ordinary


def _ordinary(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    inside = _unwrapped(function)
    is_generator = inspect.isgeneratorfunction(inside)
    is_async = inspect.isasyncgenfunction(inside)

    def tracked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with begin(args, kwargs) as call:
            result = function(*args, **kwargs)
            if _is_unstarted(result):
                return _extended(call, result, _coroutine)
            if is_generator and type(result) is types.GeneratorType:
                return _extended(call, result, _generator)
            if is_async and type(result) is types.AsyncGeneratorType:
                return _extended(call, result, _async_generator)
            call.end(result=result)
            return result

    return tracked


def _unwrapped(function: Any) -> Any:
    """Return the function under the decorators."""
    try:
        return inspect.unwrap(function)
    except Exception:
        # A proxy, whose `__wrapped__` has a `__wrapped__`, without end.
        return function


def _is_unstarted(result: Any) -> bool:
    return (
        type(result) is types.CoroutineType
        and inspect.getcoroutinestate(result) == inspect.CORO_CREATED
    )


def _extended(call: TrackedInvocation, work: Any, wrapper: Callable[[Any, Begin], Any]) -> Any:
    """Return a coroutine or generator that an ordinary function returned, with the call around it.

    Decorators that were applied before ours make such functions.
    """
    outer = wrapper(lambda: work, lambda *_: call)()
    outer.__name__, outer.__qualname__ = work.__name__, work.__qualname__
    # Thrown away before it was run, `work` never ends; Python warns of `outer` already.
    weakref.finalize(outer, lambda: _is_unstarted(work) and work.close()).atexit = False
    return _end_with(outer, call)


class _FrameGuard:
    """A local variable of a frame: collected with it."""


def _end_with(thing: Any, call: TrackedInvocation) -> Any:
    """Return the thing; the call ends at the latest when it is collected."""
    weakref.finalize(thing, call.end, GeneratorExit()).atexit = False
    return thing


def _coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def tracked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with begin(args, kwargs) as call:
            result = await function(*args, **kwargs)
            call.end(result=result)
            return result

    return tracked


def _generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    is_awaitable = _is_awaitable(function)

    def tracked(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        __tracebackhide__ = True
        with begin(args, kwargs) as call:
            steps = function(*args, **kwargs)
            if not is_awaitable:  # what that yields is the event loop's
                call.expect_yields()
        step, value = steps.send, None
        while True:
            with call:
                try:
                    value = step(value)
                    call.note_yield(value)
                except StopIteration as stop:
                    call.end(result=stop.value)
                    return stop.value
                except BaseException:
                    # An error that was thrown in would hold its frames, and this one, alive.
                    value = None
                    raise
            try:
                value = yield value
                step = steps.send
            except GeneratorExit as closing:
                with call:
                    try:
                        # Not `close`: a context manager wants this very exception back.
                        steps.throw(closing)
                    except StopIteration as stop:
                        call.end(closing)
                        return stop.value
                    raise RuntimeError("generator ignored GeneratorExit") from None
            except BaseException as error:
                step, value = steps.throw, error

    return types.coroutine(tracked) if is_awaitable else tracked


def _is_awaitable(function: Any) -> bool:
    """Return whether it is a generator under `types.coroutine`."""
    code = getattr(_unwrapped(function), "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def tracked(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        __tracebackhide__ = True
        with begin(args, kwargs) as call:
            steps = function(*args, **kwargs)
            call.expect_yields()
        # There may be no loop left to close it: then the call ends with this frame.
        _guard = _end_with(_FrameGuard(), call)
        step, value = functools.partial(_first_step, steps), None
        while True:
            with call:
                try:
                    value = await step(value)
                    call.note_yield(value)
                except StopAsyncIteration:
                    call.end()
                    return
                except BaseException:
                    value = None
                    raise
            try:
                value = yield value
                step = steps.asend
            except GeneratorExit as closing:
                with call:
                    try:
                        await steps.athrow(closing)
                    except StopAsyncIteration:
                        call.end(closing)
                        return
                    raise RuntimeError("async generator ignored GeneratorExit") from None
            except BaseException as error:
                step, value = steps.athrow, error

    return tracked


def _first_step(steps: AsyncGenerator[Any, Any], value: Any) -> Any:
    """Return the first step of the inner generator, started without the event loop's hooks.

    The loop closes at its end all generators that it saw start, at the same time: the inner
    one would be closed while the outer one closes it.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return steps.asend(value)
    finally:
        sys.set_asyncgen_hooks(*hooks)
