"""The hooks in this process that track spans and capture model calls.

`install()` installs them, so does the first call of a tracked function, and so does
naming a pipeline, for "all subsequent operations" can carry the name only then.
Importing installs nothing. After an `uninstall()` by hand only `install()` does.
"""

from __future__ import annotations

import threading

from aimon_nb import frameworks, wire
from aimon_nb.capture import propagation, recorder
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.prompt_quotes import recent_prompts
from aimon_nb.model import Run
from aimon_nb.otel.hooks import OtelHooks
from aimon_nb.otel.tracker import OtelTracker
from aimon_nb.sentry import error_events, instrument
from aimon_nb.sentry.client import Client
from aimon_nb.sentry.delivery import Delivery
from aimon_nb.sentry.heard.frameworks import HeardFrameworks
from aimon_nb.sentry.integrations import Integrations
from aimon_nb.sentry.sent_spans import sent_spans
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps


class Instrumentation:
    """The hooks on the SDK, on threads and on HTTP clients, and their undo."""

    def __init__(self) -> None:
        self.tracker = SpanTracker(recorder)
        self.steps = Steps(self.tracker)
        self.client = Client()
        self.delivery = Delivery()
        self.integrations = Integrations(recorder)
        self.heard = HeardFrameworks(self.tracker, self.steps, self.integrations)
        otel = OtelTracker(self.tracker, self.steps, self.integrations.hears)
        self.otel = OtelHooks(recorder, otel, self.tracker.notes)
        self._patches: Patches | None = None
        self._uninstalled = False
        self._lock = threading.RLock()

    def install(self) -> None:
        """Install all hooks; a second call installs again what another library has overwritten."""
        with self._lock:
            if self._patches is not None:
                self._patches.reapply()
                return
            patches = Patches()
            try:
                instrument.install(self.tracker, patches)
                propagation.install_thread_propagation(patches)
                self.client.install(patches)
                self.delivery.install(patches)
                wire.install(self.tracker, patches)
                self.heard.install()
                self.integrations.install(patches)
                self.otel.install(patches)
                frameworks.install(self.steps, patches, self.otel.hears)
                error_events.install(self.integrations.should_drop_event)
                sent_spans.install(patches, _find_run)
            finally:
                # Only now, for `ensure` reads it without the lock; and after an error too, so
                # that the next call does not run into it again.
                self._patches = patches

    def ensure(self) -> None:
        """Install all hooks, unless they were uninstalled by hand."""
        if self._patches is None and not self._uninstalled:
            with internal_errors.suppress("installing the hooks"):
                self.install()

    def sdk_difference(self) -> str | None:
        """Return a line that says how the SDK differs from what we know; None: it does not."""
        with self._lock:
            if self._patches is not None:
                return self.tracker.changed
            return instrument.sdk_difference()

    def uninstall(self) -> None:
        """Remove all hooks again."""
        with self._lock:
            self._uninstalled = True
            if self._patches is None:
                return
            error_events.uninstall()
            sent_spans.uninstall()
            self.heard.uninstall()  # it stands on what they set
            self.integrations.uninstall()
            recent_prompts.forget()
            self._patches.undo()
            self._patches = None
            self.client.close()


def _find_run(span_id: str) -> Run | None:
    """Return the run that has a span of this id; None without one."""
    runs = (one.run for one in list(recorder.run_states.values()))
    return next((run for run in runs if span_id in run.spans), None)


instrumentation = Instrumentation()
