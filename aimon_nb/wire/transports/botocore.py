"""botocore (boto3): `URLLib3Session.send`, below its signing and its retries."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.gate import Sending
from aimon_nb.wire.transports.encoding import decoder
from aimon_nb.wire.transports.requests import hear
from aimon_nb.wire.transports.urllib3 import follow


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the session that every client sends with."""

    def send(original: Any) -> Any:
        def send(session: Any, request: Any) -> Any:
            __tracebackhide__ = True
            exchange = hear(request, observer) if patches.live else None
            if exchange is None:
                return original(session, request)
            with Sending(exchange):
                response = original(session, request)
            _follow(request, response, exchange)
            return response

        return send

    patches.wrap(module.URLLib3Session, "send", send)


def _follow(request: Any, response: Any, exchange: Exchange) -> None:
    try:
        exchange.head(response.status_code, response.headers)
        if request.stream_output:
            follow(response.raw, exchange)
        else:  # the session has read it already, and decodes nothing
            exchange.decoder = decoder(response.headers.get("content-encoding") or "")
            exchange.chunk(response.content)
            exchange.done()
    except Exception:
        faults.note("hearing an answer")
