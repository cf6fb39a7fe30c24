"""From an HTTP request to an exchange, if it asks a model and a run is open."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from aimon_nb.recording import context
from aimon_nb.recording.faults import faults
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire import gate
from aimon_nb.wire.dialects import find
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.join import join

# One cheap look at the raw path before anything else; the dialects decide.
_MAYBE = re.compile(rb"/(chat/completions|embeddings)(\?|$)")

Address = tuple[str | None, int | None]
Hear = Callable[..., Exchange | None]


def quiet(hear: Hear) -> Hear:
    """Guard what stands before the user's request: a fault of ours hears nothing."""

    @functools.wraps(hear)
    def guarded(*args: Any) -> Exchange | None:
        try:
            return hear(*args)
        except Exception:
            faults.note("hearing a request")
            return None

    return guarded


def begin(
    observer: Observer,
    raw_path: bytes,
    address: Callable[[], Address],
    body: Callable[[], bytes | None],
) -> Exchange | None:
    """The exchange of a model request, joined to its span; None for all else.

    `address` and `body` are asked for only where the path is a model's.
    """
    recording = context.recording.get() or observer.recorder.sole
    if recording is None or _MAYBE.search(raw_path) is None or gate.is_heard():
        return None
    host, port = address()
    # The query may hold a key: it is cut off here and never kept.
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    dialect = find(path)
    if dialect is None:
        return None
    exchange = Exchange(dialect, f"{host}:{port}" if port else host or "", path, body())
    return exchange if join(exchange, observer, recording) else None
