"""Model calls as they cross the HTTP client: the truth that the provider bills.

A transport hears a request, the gate lets it pass, the join finds the span it
belongs to (or makes one), the answer's bytes are kept as the user's code reads
them, and a dialect reads them later, off the user's path.
"""

from __future__ import annotations

from functools import partial

from aimon_nb.recording.patches import Patches
from aimon_nb.sentry.observe import Observer
from aimon_nb.wire import gate
from aimon_nb.wire.transports import TRANSPORTS

__all__ = ["gate", "install"]


def install(observer: Observer, patches: Patches) -> None:
    """Hear the HTTP clients that are loaded, and the others at their first import."""
    for module, transport in TRANSPORTS.items():
        patches.on_import(module, partial(transport.install, observer=observer, patches=patches))
