"""From an HTTP client's request to a model request: the one wrapper, and what the clients share."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire import admission
from aimon_nb.wire.dialects import find, known
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.span_matching import attach_span

Target = tuple[str, bytes]
"""Where a request goes: host (with its port where the URL has one), and path with query."""


class Interceptor:
    """Wraps the method by which an HTTP client sends, so that what asks a model is captured.

    Three functions tell it about the client. Each is called with the arguments of the
    method; they have defaults, for a call that lacks one is the client's to refuse.

    Args:
        tracker: Where spans are tracked and made.
        patches: The hooks that the wrapper is one of.
        target: Returns where a request goes; None for anything but a POST.
        body: Returns the request's bytes, None if they are not all there; called only
            for a target that may be a model's.
        follow: Called with the model request, the client's response and the arguments:
            keeps the answer, or sees to it that it is kept as the user's code reads it.

    """

    __slots__ = ("_body", "_follow", "_patches", "_target", "_tracker")

    def __init__(
        self,
        tracker: SpanTracker,
        patches: Patches,
        target: Callable[..., Target | None],
        body: Callable[..., bytes | None],
        follow: Callable[..., None],
    ) -> None:
        self._tracker, self._patches = tracker, patches
        self._target, self._body, self._follow = target, body, follow

    def wrap(self, original: Any) -> Any:
        """Return the wrapper of a client's method; for `Patches.wrap`."""

        def send(*args: Any, **kwargs: Any) -> Any:
            # The one frame of ours in the traceback of the client's own exception.
            __tracebackhide__ = True
            model_request = self.start_capture(args, kwargs) if self._patches.live else None
            if model_request is None:
                return original(*args, **kwargs)
            with admission.InFlight(model_request):
                response = original(*args, **kwargs)
            self._follow_answer(model_request, response, args, kwargs)
            return response

        return send

    def wrap_async(self, original: Any) -> Any:
        """Return the wrapper of a client's coroutine function; for `Patches.wrap`."""

        async def send(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            model_request = self.start_capture(args, kwargs) if self._patches.live else None
            if model_request is None:
                return await original(*args, **kwargs)
            with admission.InFlight(model_request):
                response = await original(*args, **kwargs)
            self._follow_answer(model_request, response, args, kwargs)
            return response

        return send

    def start_capture(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ModelRequest | None:
        """Return the model request, attached to its span; None for any other request.

        Of an exception of ours the user's request knows nothing: it is sent, not captured.
        """
        try:
            recorder = self._tracker.recorder
            run_state = context.current_run.get() or recorder.sole
            if run_state is None or recorder.forked:
                return None
            target = self._target(*args, **kwargs)
            if target is None:
                return None
            address, raw_path = target
            dialect = find(address.partition(":")[0], raw_path)
            if known.off:
                run_state.run.notes += [
                    n for n in known.off.values() if n not in run_state.run.notes
                ]
            if dialect is None:
                return None
            body = self._body(*args, **kwargs)
            if admission.already_captured(body) or not dialect.matches_body(body):
                return None
            model_request = ModelRequest(dialect, address, dialect.path, body)
            return model_request if attach_span(model_request, self._tracker, run_state) else None
        except Exception:
            internal_errors.record("capturing a request")
            return None

    def _follow_answer(
        self,
        model_request: ModelRequest,
        response: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        try:
            self._follow(model_request, response, *args, **kwargs)
        except Exception:
            internal_errors.record("capturing an answer")


def target_of(_client: Any, request: Any = None, *_: Any, **__: Any) -> Target | None:
    """Return where a request object with `method` and `url` goes; None for anything but a POST."""
    return target_of_url(request.url) if getattr(request, "method", None) == "POST" else None


def body_of(_client: Any, request: Any, *_: Any, **__: Any) -> bytes | None:
    """Return the bytes of a request object's `body`; None if it is not all there."""
    return whole_body(getattr(request, "body", None))


def target_of_url(url: str) -> Target:
    """Return address and path of a URL, by a cheap cut: what stands before an @ is a secret."""
    netloc, slash, path = url.partition("://")[2].partition("/")
    return netloc.rpartition("@")[2], (slash + path).encode("utf-8", "replace")


def whole_body(body: Any) -> bytes | None:
    """Return a body's bytes; None for a file or a generator, which the client reads as it sends."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None


def captured_chunks(chunks: Iterable[bytes], model_request: ModelRequest) -> Iterator[bytes]:
    """Hand on an answer's chunks as the user's code asks for them, and keep them."""
    __tracebackhide__ = True
    try:
        for chunk in chunks:
            model_request.chunk(chunk)
            yield chunk
    except GeneratorExit:
        # The user's code drops the iterator before its end: nothing went wrong.
        model_request.done(left=True)
        raise
    except BaseException as error:
        model_request.done(left=True, error=error)
        raise
    model_request.done()


async def captured_chunks_async(
    chunks: AsyncIterable[bytes], model_request: ModelRequest
) -> AsyncIterator[bytes]:
    """Do the same for chunks that are awaited."""
    __tracebackhide__ = True
    try:
        async for chunk in chunks:
            model_request.chunk(chunk)
            yield chunk
    except GeneratorExit:
        model_request.done(left=True)
        raise
    except BaseException as error:
        model_request.done(left=True, error=error)
        raise
    model_request.done()
