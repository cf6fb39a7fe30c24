"""requests: `HTTPAdapter.send`. Its bytes are read from urllib3's response, whole or streamed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.begin import begin, quiet
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.gate import Sending
from aimon_nb.wire.transports.urllib3 import body_of, follow


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the adapter that every session sends with."""

    def send(original: Any) -> Any:
        def send(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            exchange = hear(request, observer) if patches.live else None
            if exchange is None:
                return original(adapter, request, *args, **kwargs)
            with Sending(exchange):
                response = original(adapter, request, *args, **kwargs)
            try:
                exchange.head(response.status_code, response.headers)
                follow(response.raw, exchange)
            except Exception:
                faults.note("hearing an answer")
            return response

        return send

    patches.wrap(module.adapters.HTTPAdapter, "send", send)


@quiet
def hear(request: Any, observer: Observer) -> Exchange | None:
    """The exchange of a prepared request, as requests and botocore make them."""
    if request.method != "POST":
        return None
    return begin(observer, *parts_of(request.url), lambda: body_of(request.body))


def parts_of(url: str) -> tuple[str, bytes]:
    """Address and path of a URL, by a cheap cut; what stands before an @ is a secret."""
    netloc, slash, path = url.partition("://")[2].partition("/")
    return netloc.rpartition("@")[2], (slash + path).encode("utf-8", "replace")
