"""From an HTTP request to an exchange, if it asks a model and a run is open."""

from __future__ import annotations

from collections.abc import Callable

from aimon_nb.recording import context
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire.dialects import find, known
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.join import join


def begin(
    host: str,
    port: int | None,
    raw_path: bytes,
    body: Callable[[], bytes | None],
    observer: Observer,
) -> Exchange | None:
    """The exchange of a model request, joined to its span; None for all else."""
    recording = context.recording.get() or observer.recorder.sole
    if recording is None:
        return None
    dialect = find(host, raw_path)
    if known.off:
        recording.run.notes += [n for n in known.off.values() if n not in recording.run.notes]
    if dialect is None:
        return None
    exchange = Exchange(dialect, f"{host}:{port}" if port else host, dialect.path, body())
    join(exchange, observer, recording)
    return exchange if hasattr(exchange, "node") else None
