"""Why Sentry could not be reached, or refused, in a few words; no key and no address is in them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

_STATUSES = {
    400: "it could not read what was sent",
    401: "the key in the DSN is not valid",
    403: "the key in the DSN is not accepted",
    404: "there is no such project",
    413: "too large",
    429: "too much, it asks to wait",
}
# What is raised, also by the names of the classes of urllib3, httpcore and http.client, of which
# none is imported for it; the first that fits holds.
_FAILURES: tuple[tuple[tuple[type[BaseException], ...], tuple[str, ...], str], ...] = (
    ((socket.gaierror,), ("NameResolutionError",), "there is no such host"),
    ((), ("ProxyError",), "the proxy could not be reached"),
    ((ConnectionRefusedError,), (), "connection refused"),
    ((TimeoutError,), ("Timeout",), "no answer in time"),
    (
        (ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
        ("ProtocolError", "RemoteDisconnected", "IncompleteRead", "BadStatusLine"),
        "the connection was closed without an answer",
    ),
)
# Reasons in the SDK's own reports of what it dropped.
_REASONS = {
    "queue_overflow": "the queue was full: Sentry is too slow",
    "ratelimit_backoff": "Sentry asked to wait (429)",
    "network_error": "Sentry could not be reached",
    "send_error": "too large",
    "before_send": "dropped by before_send",
    "event_processor": "dropped by an event processor",
    "callback_error": "a hook of the client raised",
    "sample_rate": "not sampled",
    "backpressure": "not sampled: too much is waiting",
    "buffer_overflow": "over the limit of a transaction",
    "ignored": "ignored by ignore_spans",
}


def of_status(status: int) -> str:
    """Return what an answer that is no success says: `HTTP 403: the key …`."""
    meaning = _STATUSES.get(status, "Sentry has a problem" if status >= 500 else "refused")
    return f"HTTP {status}: {meaning}"


def of_reason(reason: str) -> str:
    """Return what the SDK's word for a loss means."""
    return _REASONS.get(reason, reason.replace("_", " "))


def of_error(error: BaseException | None) -> str:
    """Return why a request failed that got no answer."""
    chain = list(_chain(error))
    tls = next((one for one in chain if isinstance(one, ssl.SSLError)), None)
    if tls is not None:
        told = (getattr(tls, name, None) for name in ("verify_message", "reason"))
        return f"TLS error: {next(filter(None, told), 'no handshake')}"
    names = [type(one).__name__ for one in chain]
    for kinds, named, words in _FAILURES:
        if any(isinstance(one, kinds) for one in chain) or any(
            word in name for name in names for word in named
        ):
            return words
    return names[-1] if names else "Sentry could not be reached"


def _chain(error: Any) -> Iterator[BaseException]:
    """Walk from an error to its causes; those of urllib3 stand in `reason` and in arguments."""
    seen: set[int] = set()
    waiting = [error]
    while waiting and len(seen) < 20:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
