"""botocore (boto3): `URLLib3Session.send`, below its signing and its retries."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.capture import Args, Interceptor, Kwargs, body_of, target_of
from aimon_nb.wire.clients.urllib3 import capture_reads
from aimon_nb.wire.content_encoding import decoder_factory
from aimon_nb.wire.model_request import ModelRequest


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the session that every client sends with."""
    interceptor = Interceptor(tracker, patches, target_of, body_of, _follow)
    patches.wrap(module.URLLib3Session, "send", interceptor.wrap)


def _follow(model_request: ModelRequest, response: Any, args: Args, kwargs: Kwargs) -> None:
    request = args[1] if len(args) > 1 else kwargs["request"]
    model_request.on_response_head(response.status_code, response.headers)
    if request.stream_output:
        capture_reads(response.raw, model_request)
        return
    # The session has read the answer already, and decodes nothing.
    model_request.decoder = decoder_factory(response.headers.get("content-encoding"))
    model_request.on_chunk(response.content)
    model_request.on_done()
