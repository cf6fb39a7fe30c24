"""requests: `Session.send`, which follows redirects, whatever adapter is mounted.

A whole answer is looked at after the session has read it; the bytes of a streamed
one are read from urllib3's response.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.begin import begin, quiet
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.gate import Sending
from aimon_nb.wire.transports.urllib3 import body_of, follow, parts_of


def install(module: ModuleType, observer: Observer, patches: Patches) -> None:
    """Wrap the session's one way to send."""

    def send(original: Any) -> Any:
        def send(session: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            exchange = hear(request, observer) if patches.live else None
            if exchange is None:
                return original(session, request, *args, **kwargs)
            with Sending(exchange):
                response = original(session, request, *args, **kwargs)
            _follow(response, exchange)
            return response

        return send

    patches.wrap(module.Session, "send", send)


def _follow(response: Any, exchange: Exchange) -> None:
    try:
        exchange.head(response.status_code, response.headers)
        read = response._content
        if read is False:  # nobody has read it yet
            follow(response.raw, exchange)
        else:
            exchange.chunk(read or b"")
            exchange.done()
    except Exception:
        faults.note("hearing an answer")


@quiet
def hear(request: Any, observer: Observer) -> Exchange | None:
    """The exchange of a prepared request, as requests and botocore make them."""
    if request.method != "POST":
        return None
    return begin(observer, *parts_of(request.url), lambda: body_of(getattr(request, "body", None)))
