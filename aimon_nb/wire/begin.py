"""From an HTTP request to an exchange, if it asks a model and a run is open."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from aimon_nb.recording import context
from aimon_nb.recording.faults import faults
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire import gate
from aimon_nb.wire.dialects import find, known
from aimon_nb.wire.exchange import Exchange
from aimon_nb.wire.join import join

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
    observer: Observer, address: str, raw_path: bytes, body: Callable[[], bytes | None]
) -> Exchange | None:
    """The exchange of a model request, joined to its span; None for all else.

    Args:
        observer: Where spans are heard and made.
        address: The host, with its port where the URL has one.
        raw_path: The path with its query, as it is sent.
        body: Gives the request's body; asked only where a model is.

    """
    recording = context.recording.get() or observer.recorder.sole
    if recording is None or observer.recorder.forked:
        return None
    dialect = find(address.partition(":")[0], raw_path)
    if known.off:
        recording.run.notes += [n for n in known.off.values() if n not in recording.run.notes]
    if dialect is None:
        return None
    asked = body()
    if gate.is_heard(asked) or not dialect.asks(asked):
        return None
    exchange = Exchange(dialect, address, dialect.path, asked)
    return exchange if join(exchange, observer, recording) else None
