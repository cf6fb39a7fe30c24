"""requests: `Session.send`, which follows redirects, whatever adapter is mounted.

A whole answer is looked at after the session has read it; the bytes of a streamed
one are read from urllib3's response.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.admission import InFlight
from aimon_nb.wire.capture import never_raise, start_capture
from aimon_nb.wire.clients.urllib3 import body_of, follow, parts_of
from aimon_nb.wire.model_request import ModelRequest


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the session's one way to send."""

    def send(original: Any) -> Any:
        def send(session: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            model_request = intercept(request, tracker) if patches.live else None
            if model_request is None:
                return original(session, request, *args, **kwargs)
            with InFlight(model_request):
                response = original(session, request, *args, **kwargs)
            _follow(response, model_request)
            return response

        return send

    patches.wrap(module.Session, "send", send)


def _follow(response: Any, model_request: ModelRequest) -> None:
    try:
        model_request.head(response.status_code, response.headers)
        read = response._content
        if read is False:  # nobody has read it yet
            follow(response.raw, model_request)
        else:
            model_request.chunk(read or b"")
            model_request.done()
    except Exception:
        internal_errors.record("capturing an answer")


@never_raise
def intercept(request: Any, tracker: SpanTracker) -> ModelRequest | None:
    """Return the model request of a prepared request, as requests and botocore make them."""
    if request.method != "POST":
        return None
    return start_capture(
        tracker, *parts_of(request.url), lambda: body_of(getattr(request, "body", None))
    )
