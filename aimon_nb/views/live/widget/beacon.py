"""Tells pages that are loaded while a cell runs of the runs that are open.

A kernel at work answers no page, and a page that is loaded then does not learn of the kernel's
widget. What the kernel opens by itself it hears of: so now and then a small model is opened,
with the script for whoever lacks it, and closed when the next one comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets
from ipywidgets import Layout
from ipywidgets.widgets.trait_types import InstanceDict

from aimon_nb.views.live.widget import script

PERIOD = 5.0  # seconds from one to the next
_SHARE = 0.02  # of one core, at most, that it may take

Snapshots = Callable[[], dict[str, dict[str, Any]]]


class BeaconWidget(anywidget.AnyWidget):
    """Has no view: a page that knows its runs lets it pass by."""

    _esm = script.beacon()

    # Where the runs' messages are: the id of the kernel's widget.
    kernel = traitlets.Unicode().tag(sync=True)
    runs = traitlets.List(traitlets.Unicode()).tag(sync=True)
    layout = InstanceDict(Layout, allow_none=True)

    @traitlets.default("layout")
    def _default_layout(self) -> None:
        return None

    def __repr__(self) -> str:
        return "<BeaconWidget>"


class Beacon:
    """Opens such a model every few seconds while a run is open, by a thread of its own."""

    def __init__(self, snapshots: Snapshots, kernel: Callable[[], str]) -> None:
        self._snapshots, self._kernel = snapshots, kernel
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None
        self._widget: BeaconWidget | None = None
        self._fault: Exception | None = None

    def begin(self) -> None:
        """A run is open."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="aimon_nb beacon", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no thread can be had: such pages wait for the cell's end
                    return
                self._thread = thread

    def look(self) -> None:
        """A run has ended: where it was the last, nothing more is opened."""
        self._changed.set()

    def raise_fault(self) -> None:
        """Raise what went wrong meanwhile, once."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _run(self) -> None:
        pause = PERIOD
        while True:
            self._changed.wait(pause)
            self._changed.clear()
            began = time.thread_time()  # not the clock: it waits long where all cores are busy
            try:
                goes_on = self._renew()
            except RuntimeError:
                goes_on = True  # the run grew while it was walked: the next one will do
            except Exception as error:
                self._fault, goes_on = error, True
            if not goes_on:
                return
            pause = max(PERIOD, (time.thread_time() - began) / _SHARE)

    def _renew(self) -> bool:
        """Open the next one, if a run is open still."""
        snapshots = self._snapshots()
        old, self._widget = self._widget, None
        if old is not None:
            old.close()
        with self._lock:
            # A run that began meanwhile has found this thread, and starts no other.
            snapshots = snapshots or self._snapshots()
            if not snapshots:
                self._thread = None
                return False
        widget = self._widget = BeaconWidget(kernel=self._kernel(), runs=list(snapshots))
        # By message: a state may be kept by whoever runs the notebook.
        code = {"esm": script.joined_script(), "css": script.style()}
        widget.send({**code, "snapshots": snapshots})
        return True
