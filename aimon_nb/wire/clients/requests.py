"""requests: `Session.send`, which follows redirects, whatever adapter is mounted.

A whole answer is kept once the session has read it; the bytes of a streamed one
are kept as they are read from urllib3's response.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.cached_answers import cache_of_requests, note
from aimon_nb.wire.capture import Args, Interceptor, Kwargs, body_of, target_of
from aimon_nb.wire.clients.urllib3 import capture_reads
from aimon_nb.wire.model_request import ModelRequest


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the session's one way to send."""
    interceptor = Interceptor(tracker, patches, target_of, body_of, _follow)
    patches.wrap(module.Session, "send", interceptor.wrap)


def install_above(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the sessions of requests-cache, which ask `Session.send` for what they do not hold."""
    interceptor = Interceptor(tracker, patches, target_of, body_of, _follow)
    patches.wrap(module.CacheMixin, "send", interceptor.wrap)


def _follow(model_request: ModelRequest, response: Any, _args: Args, _kwargs: Kwargs) -> None:
    note(model_request, response, cache_of_requests)
    model_request.on_response_head(response.status_code, response.headers)
    content = response._content
    # requests' own mark of a response that nobody has read yet.
    if content is False:
        capture_reads(response.raw, model_request)
    else:
        model_request.on_chunk(content or b"")
        model_request.on_done()
