"""Model calls as they cross the HTTP client: the truth that the provider bills.

A client's hook captures a request, admission lets it pass, span matching finds the span it
belongs to (or makes one), the answer's bytes are kept as the user's code reads
them, and a dialect reads them later, off the user's path.
"""

from __future__ import annotations

from functools import partial

from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire import admission
from aimon_nb.wire.clients import CACHES, TRANSPORTS
from aimon_nb.wire.pending_calls import pending_calls as _pending_calls

__all__ = ["admission", "install"]


def install(tracker: SpanTracker, patches: Patches) -> None:
    """Hook the HTTP clients and caches that are loaded, and the others at their first import."""
    tracker.recorder.add_source(_pending_calls.source)
    for module, transport in TRANSPORTS.items():
        patches.on_import(module, partial(transport.install, tracker=tracker, patches=patches))
    for module, install_cache in CACHES.items():
        patches.on_import(module, partial(install_cache, tracker=tracker, patches=patches))
