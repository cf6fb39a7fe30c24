"""What must be in place in this process to track spans and capture model calls.

`install()` puts it on, so does the first call of a tracked function, and so does
naming a pipeline, for "all subsequent operations" can carry the name only then.
Importing puts nothing on. Who took it off by hand keeps it off.
"""

from __future__ import annotations

import threading

from aimon_nb import wire
from aimon_nb.capture import propagation, recorder
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry import error_events, instrument
from aimon_nb.sentry.client import Client
from aimon_nb.sentry.integrations import Integrations
from aimon_nb.sentry.span_tracker import SpanTracker


class Instrumentation:
    """The wraps on the SDK, on threads and on HTTP clients, and their undo."""

    def __init__(self) -> None:
        self.tracker = SpanTracker(recorder)
        self.client = Client()
        self.frameworks = Integrations(recorder)
        self._patches: Patches | None = None
        self._unwanted = False
        self._lock = threading.RLock()

    def install(self) -> None:
        """Put everything on; a second call puts on what somebody took off in passing."""
        with self._lock:
            if self._patches is not None:
                self._patches.reapply()
                return
            patches = Patches()
            try:
                instrument.install(self.tracker, patches)
                propagation.install_thread_propagation(patches)
                self.client.install(patches)
                wire.install(self.tracker, patches)
                self.frameworks.install(patches)
                error_events.install(self.frameworks.unwanted)
            finally:  # only now: `ensure` asks without the lock; and no fault is met twice
                self._patches = patches

    def ensure(self) -> None:
        """Put everything on, unless somebody took it off."""
        if self._patches is None and not self._unwanted:
            with internal_errors.suppress("installing the hooks"):
                self.install()

    def sdk_difference(self) -> str | None:
        """Return a line that says how the SDK differs from what we know; None: it does not."""
        with self._lock:
            if self._patches is not None:
                return self.tracker.changed
            return instrument.sdk_difference()

    def uninstall(self) -> None:
        """Take everything off again."""
        with self._lock:
            self._unwanted = True
            if self._patches is None:
                return
            error_events.uninstall()
            self.frameworks.uninstall()
            self._patches.undo()
            self._patches = None
            self.client.close()


instrumentation = Instrumentation()
