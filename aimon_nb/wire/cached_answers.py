"""Which answers a cache on this machine gave: their requests never left it, and nobody bills them.

A cache is known by the mark that it leaves on its answers, or by what plays them from a
record, never by how fast they come. What merely stands in for a model (respx, responses,
`MockTransport`) is no cache: its answers are calls like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire import admission
from aimon_nb.wire.model_request import ModelRequest

# By the package of the response's class or of the adapter that brought it.
_OVER_REQUESTS = {"requests_cache": "requests-cache", "cachecontrol": "CacheControl"}


def note(model_request: ModelRequest, response: Any, cache_of: Callable[[Any], str | None]) -> None:
    """Note which cache answered, if one did; `cache_of` reads the marks of its client's caches.

    A mark counts only if it is exactly True: a stand-in answers to every attribute. One that
    raises is the response's own affair.
    """
    try:
        name = cache_of(response)
    except Exception:
        return
    if name is not None:
        model_request.call.cached_by = name


def cache_of_httpx(response: Any) -> str | None:
    """Return the cache that answered httpx: hishel, by the extensions of its answer."""
    mark_of = response.extensions.get
    caching = mark_of("caching")
    if isinstance(caching, dict) and caching.get("from_cache") is True:
        return "hishel"
    # Its versions before 2, and before 1.
    is_marked = mark_of("hishel_from_cache") is True or mark_of("from_cache") is True
    return "hishel" if is_marked else None


def cache_of_requests(response: Any) -> str | None:
    """Return the cache that answered requests: by an attribute, or hishel's header."""
    adapter = getattr(response, "connection", None)
    if getattr(response, "from_cache", None) is True:
        packages = _packages_of(response) | _packages_of(adapter)
        return next((_OVER_REQUESTS[p] for p in packages & _OVER_REQUESTS.keys()), "a local cache")
    # The header could come from anywhere; the adapter is here.
    mark = response.headers.get("x-hishel-from-cache")
    is_marked = mark is not None and mark.lower() == "true"
    return "hishel" if is_marked and "hishel" in _packages_of(adapter) else None


def cache_of_aiohttp(response: Any) -> str | None:
    """Return the cache that answered aiohttp: aiohttp-client-cache, by an attribute."""
    return "aiohttp-client-cache" if getattr(response, "from_cache", None) is True else None


def recorded_body(response: Any) -> bytes | None:
    """Return the whole body of a response of vcrpy's own class; None for any other."""
    try:
        body = response.recorded_response["body"]["string"]
    except Exception:
        return None
    return body if isinstance(body, bytes) else None


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:  # noqa: ARG001
    """Wrap what vcrpy plays an answer with, and what it records one with that did come.

    Its answers carry no mark: in every HTTP library it makes them look like those that came.
    """
    patches.wrap(module.Cassette, "play_response", _played)
    patches.wrap(module.Cassette, "append", _recorded)


def _played(original: Any) -> Any:
    def play_response(cassette: Any, request: Any) -> Any:
        __tracebackhide__ = True
        response = original(cassette, request)
        with internal_errors.suppress("noting a played answer"):
            _note_vcr(request, "vcrpy")
        return response

    return play_response


def _recorded(original: Any) -> Any:
    def append(cassette: Any, request: Any, response: Any) -> Any:
        __tracebackhide__ = True
        with internal_errors.suppress("noting a recorded answer"):
            _note_vcr(request, None)
        return original(cassette, request, response)

    return append


def _note_vcr(request: Any, cached_by: str | None) -> None:
    """Note where the answer to the request in flight comes from.

    A client may ask for something else meanwhile, for a key or where it is sent on to: only
    the model's own path is played for it, but whatever was really sent may be billed.
    """
    model_request = admission.in_flight()
    if model_request is None or request.method != "POST":
        return
    path = urlsplit(request.uri).path
    if cached_by is None or unquote(path) == unquote(model_request.path):
        model_request.call.cached_by = cached_by


def _packages_of(thing: Any) -> set[str]:
    """Return the packages of its class and of those that it is made from."""
    return {str(cls.__module__).partition(".")[0] for cls in type(thing).__mro__}
