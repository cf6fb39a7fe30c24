"""botocore (boto3): `URLLib3Session.send`, below its signing and its retries."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.admission import InFlight
from aimon_nb.wire.clients.requests import intercept
from aimon_nb.wire.clients.urllib3 import follow
from aimon_nb.wire.content_encoding import decoder
from aimon_nb.wire.model_request import ModelRequest


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the session that every client sends with."""

    def send(original: Any) -> Any:
        def send(session: Any, request: Any) -> Any:
            __tracebackhide__ = True
            model_request = intercept(request, tracker) if patches.live else None
            if model_request is None:
                return original(session, request)
            with InFlight(model_request):
                response = original(session, request)
            _follow(request, response, model_request)
            return response

        return send

    patches.wrap(module.URLLib3Session, "send", send)


def _follow(request: Any, response: Any, model_request: ModelRequest) -> None:
    try:
        model_request.head(response.status_code, response.headers)
        if request.stream_output:
            follow(response.raw, model_request)
        else:  # the session has read it already, and decodes nothing
            model_request.decoder = decoder(response.headers.get("content-encoding") or "")
            model_request.chunk(response.content)
            model_request.done()
    except Exception:
        internal_errors.record("capturing an answer")
