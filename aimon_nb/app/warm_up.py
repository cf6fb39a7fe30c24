"""What the first run needs is imported before it begins, so that it is in none of its times.

Which dialects there are is found out from the metadata of every installed package, and the
widget brings ipywidgets: together a tenth of a second. Both are done on a thread of ours, the
former from the moment on that our hooks are put on, while nobody waits; the latter, which is
not to be in memory before the first run, while the user's thread waits for its run to begin.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.live.run_display import Shown
from aimon_nb.wire.dialects import known

PATIENCE = 10.0  # seconds that a run waits at most: whoever needs it then imports it himself
_WIDGET = "aimon_nb.views.live.widget.run_publisher"


class WarmUp:
    """Imports each thing once a process."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._has_widget = False

    def begin(self) -> None:
        """Begin to find out which dialects there are; nobody waits for it."""
        if self._thread is None and not known.is_ready:
            self._thread = _started(known.prepare)

    def finish(self, view: Shown) -> None:
        """Have everything ready for a run that is shown so; nothing is imported a second time."""
        self.stop()
        if not known.is_loaded:
            _run_on_our_thread(known.load)
        # One that cannot be imported is an error where the view is opened.
        if view == "live" and not self._has_widget:
            self._has_widget = True
            _run_on_our_thread(_import_widget)

    def stop(self) -> None:
        """Wait until nothing is imported any more."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(PATIENCE)


def _import_widget() -> None:
    with suppress(Exception):
        import_module(_WIDGET)


def _run_on_our_thread(work: Callable[[], None]) -> None:
    thread = _started(work)
    # Where no thread can be started, the work is done here, when it is needed.
    if thread is not None:
        thread.join(PATIENCE)


def _started(work: Callable[[], None]) -> threading.Thread | None:
    """Return a thread of ours that does this work; None where none can be started."""

    def guarded() -> None:
        with internal_errors.suppress("getting ready for the first run"):
            work()

    thread = threading.Thread(target=guarded, name="aimon_nb getting ready", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
