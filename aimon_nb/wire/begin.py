"""From an HTTP request to an exchange, if it asks a model and a run is open."""

from __future__ import annotations

import re
from collections.abc import Callable

from aimon_nb.recording import context
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.dialects import find
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.join import join

# One cheap look at the raw path before anything else; the dialects decide.
_MAYBE = re.compile(rb"/(chat/completions|embeddings)(\?|$)")


def begin(
    host: str,
    port: int | None,
    raw_path: bytes,
    body: Callable[[], bytes | None],
    observer: Observer,
) -> Exchange | None:
    """The exchange of a model request, joined to its span; None for all else."""
    if _MAYBE.search(raw_path) is None:
        return None
    recording = context.recording.get() or observer.recorder.sole
    if recording is None:
        return None
    # The query may hold a key: it is cut off here and never kept.
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    dialect = find(path)
    if dialect is None:
        return None
    exchange = Exchange(dialect, f"{host}:{port}" if port else host, path, body())
    join(exchange, observer, recording)
    return exchange if hasattr(exchange, "node") else None
