"""Stands in for Sentry on this machine: takes what a client sends, and shows what that was."""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from typing import Any

from aimon_nb.testing.local_server import LocalServer, LocalService


@dataclass(slots=True)
class ReceivedSpan:
    """A span as it arrived, in a transaction or by itself.

    `data` are its attributes, and where it is a transaction's root the data of that; `tags` are
    a transaction's alone, for else they are attributes. `start` is in seconds since the epoch.
    """

    name: str
    op: str | None
    span_id: str
    parent_id: str | None
    trace_id: str
    start: float
    is_root: bool = False
    tags: dict[str, Any] = field(default_factory=dict, repr=False)
    data: dict[str, Any] = field(default_factory=dict, repr=False)


class _Handler(BaseHTTPRequestHandler):
    server: LocalServer[SentryReceiver]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.owner.add(decoded(body, self.headers.get("content-encoding")))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


class SentryReceiver(LocalService):
    """A receiver of Sentry's envelopes on a free port of 127.0.0.1.

    A client sends on a thread of its own: `sentry_sdk.flush()` before a look makes sure that
    all has arrived. Nothing is judged, and nothing is kept but in memory.
    """

    _handler, _name = _Handler, "sentry-receiver"

    def __init__(self) -> None:
        super().__init__()
        self.items: list[tuple[str, Any]] = []
        """(type, payload) of each item of an envelope, in the order in which they came."""
        self._lock = threading.Lock()

    @property
    def dsn(self) -> str:
        """What `SENTRY_DSN` and `sentry_sdk.init` take."""
        return f"http://key@{self.host}/1"

    def clear(self) -> None:
        """Forget what has arrived."""
        with self._lock:
            self.items.clear()

    def add(self, envelope: bytes) -> None:
        """Take an envelope."""
        items = list(envelope_items(envelope))
        with self._lock:
            self.items += items

    def errors(self) -> list[dict[str, Any]]:
        """Return the error events, as they came."""
        return [payload for kind, payload in self._snapshot() if kind == "event"]

    def spans(self) -> list[ReceivedSpan]:
        """Return each span that has arrived, in the order in which they started."""
        return sorted(
            (
                span
                for kind, payload in self._snapshot()
                if kind in _SPANS_OF
                for span in _SPANS_OF[kind](payload)
            ),
            key=lambda span: span.start,
        )

    def tree(self) -> str:
        """Return op and name of each span, a line each, below its parent."""
        spans = self.spans()
        here = {span.span_id for span in spans}
        below: dict[str | None, list[ReceivedSpan]] = {}
        for span in spans:
            # A trace that was continued has its root elsewhere.
            below.setdefault(span.parent_id if span.parent_id in here else None, []).append(span)
        rows: list[tuple[str, str]] = []
        waiting = [(0, span) for span in reversed(below.get(None, []))]
        while waiting:
            depth, span = waiting.pop()
            rows.append(("  " * depth + (span.op or ""), span.name))
            waiting += [(depth + 1, one) for one in reversed(below.get(span.span_id, []))]
        width = max((len(op) for op, _ in rows), default=0)
        return "\n".join(f"{op:<{width}}  {name}" for op, name in rows)

    def _snapshot(self) -> list[tuple[str, Any]]:
        with self._lock:
            return list(self.items)


def sentry_receiver() -> SentryReceiver:
    """Make a `SentryReceiver`: use it in a `with` statement, or `.start()` and `.stop()` it."""
    return SentryReceiver()


def envelope_items(envelope: bytes) -> Iterator[tuple[str, Any]]:
    """Give type and payload of each item of an envelope; attachments are left out."""
    _head, _, rest = envelope.partition(b"\n")
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        head = json.loads(line)
        size = head.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        if head["type"] != "attachment":
            yield head["type"], json.loads(rest[:size])
        rest = rest[size:].lstrip(b"\n")


def decoded(body: bytes, encoding: str | None) -> bytes:
    """Return a body as it was before it was packed for its way."""
    if encoding == "br":  # the SDK's choice where this is installed
        unpacked: bytes = import_module("brotli").decompress(body)
        return unpacked
    if encoding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body


def _of_transaction(payload: Any) -> Iterator[ReceivedSpan]:
    trace = payload["contexts"]["trace"]
    root = {**trace, **payload, "is_root": True}
    yield _static(payload["transaction"], root, trace.get("data"))
    for span in payload.get("spans") or ():
        yield _static(span.get("description"), span, span.get("data"))


def _static(name: Any, span: Any, data: Any) -> ReceivedSpan:
    ids = (span["span_id"], span.get("parent_span_id"), span.get("trace_id"))
    moment = datetime.fromisoformat(span["start_timestamp"].replace("Z", "+00:00")).timestamp()
    is_root, tags = "is_root" in span, span.get("tags") or {}
    return ReceivedSpan(name or "", span.get("op"), *ids, moment, is_root, tags, data or {})


def _of_span_item(payload: Any) -> Iterator[ReceivedSpan]:
    for span in payload["items"]:
        data = {key: one["value"] for key, one in span["attributes"].items()}
        ids = (span["span_id"], span.get("parent_span_id"), span["trace_id"])
        is_root, moment = bool(span.get("is_segment")), span["start_timestamp"]
        yield ReceivedSpan(span["name"], data.get("sentry.op"), *ids, moment, is_root, data=data)


_SPANS_OF: dict[str, Callable[[Any], Iterator[ReceivedSpan]]] = {
    "transaction": _of_transaction,
    "span": _of_span_item,
}
