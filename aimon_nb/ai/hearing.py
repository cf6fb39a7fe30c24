"""What must be in place in this process for spans and model calls to be heard.

`install()` puts it on, so does the first call of a tracked function, and so does
naming a pipeline, for "all subsequent operations" can carry the name only then.
Importing puts nothing on. Who took it off by hand keeps it off.
"""

from __future__ import annotations

import threading

from aimon_nb import wire
from aimon_nb.recording import context, recorder
from aimon_nb.recording.faults import faults
from aimon_nb.recording.patches import Patches
from aimon_nb.sentry import errors
from aimon_nb.sentry.client import Client
from aimon_nb.sentry.frameworks import Frameworks
from aimon_nb.sentry.observe import Observer


class Hearing:
    """The wraps on the SDK, on threads and on HTTP clients, and their undo."""

    def __init__(self) -> None:
        self.observer = Observer(recorder)
        self.client = Client()
        self.frameworks = Frameworks(recorder)
        self._patches: Patches | None = None
        self._unwanted = False
        self._lock = threading.RLock()

    def install(self) -> None:
        """Put everything on; a second call puts on what somebody took off in passing."""
        with self._lock:
            if self._patches is not None:
                self._patches.renew()
                return
            patches = Patches()
            try:
                self.observer.install(patches)
                context.carry(patches)
                self.client.install(patches)
                wire.install(self.observer, patches)
                self.frameworks.install(patches)
                errors.install(self.frameworks.unwanted)
            finally:  # only now: `ensure` asks without the lock; and no fault is met twice
                self._patches = patches

    def ensure(self) -> None:
        """Put everything on, unless somebody took it off."""
        if self._patches is None and not self._unwanted:
            with faults.guard("starting to hear"):
                self.install()

    def uninstall(self) -> None:
        """Take everything off again."""
        with self._lock:
            self._unwanted = True
            if self._patches is None:
                return
            errors.uninstall()
            self.frameworks.uninstall()
            self._patches.undo()
            self._patches = None
            self.client.close()


hearing = Hearing()
