"""The kernel's one model in the page: it carries the script and the messages of all runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets
from ipywidgets import Layout
from ipywidgets.widgets.trait_types import InstanceDict

from aimon_nb.views.live.host import names_its_cells
from aimon_nb.views.live.widget import script
from aimon_nb.views.live.widget.beacon import Beacon
from aimon_nb.views.live.widget.messages import RunMessages, flush

# The runs whose messages it carries, by their ids.
_channels: dict[str, RunChannel] = {}
_lock = threading.Lock()
_widget: KernelWidget | None = None


class KernelWidget(anywidget.AnyWidget):
    """Shows nothing itself; a page that loads learns from it which runs it may ask for."""

    _esm = script.joined_script()
    _css = script.style()

    runs = traitlets.List(traitlets.Unicode()).tag(sync=True)
    # No model and no comm of its own: nobody places this widget.
    layout = InstanceDict(Layout, allow_none=True)

    @traitlets.default("layout")
    def _default_layout(self) -> None:
        return None

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 (ipywidgets' own signature)
        """Return the state with the runs of this moment."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "runs" in state:
            state["runs"] = list(_channels)
        return state

    def __repr__(self) -> str:
        return "<KernelWidget>"


def open_kernel_widget() -> KernelWidget:
    """Return the one widget of this kernel; made anew if the user has closed all widgets."""
    global _widget  # noqa: PLW0603 (one a kernel)
    with _lock:
        if _widget is None or _widget.comm is None:
            _widget = KernelWidget()
            _widget.on_msg(_receive)
        return _widget


def close_kernel_widget() -> None:
    """Take the model out of the pages."""
    global _widget
    with _lock:
        widget, _widget = _widget, None
    _channels.clear()
    beacon.look()
    if widget is not None:
        widget.close()


class RunChannel(RunMessages):
    """One run's part of the kernel's widget."""

    def __init__(self, run_id: str, make_snapshot: Callable[[], dict[str, Any]]) -> None:
        self.run_id = run_id
        self.make_snapshot = make_snapshot
        # Widgets of pages that have no other way to the script.
        self._apart: list[anywidget.AnyWidget] = []
        self.is_open = False
        _channels[run_id] = self
        self.post({"k": "snapshot", "snapshot": make_snapshot()})

    def receive(self, message: Mapping[str, Any]) -> None:
        """Answer a message of the page."""
        if message.get("k") == "ask":
            self.post({"k": "snapshot", "snapshot": self.make_snapshot()})
        else:
            super().receive(message)

    def receive_apart(self, widget: anywidget.AnyWidget, message: Mapping[str, Any]) -> None:
        """Answer a message of a page that hears nothing of the kernel's widget."""
        if message.get("k") == "script":
            self._apart.append(widget)
            code = {"esm": KernelWidget._esm, "css": KernelWidget._css}
            widget.send({"k": "script", "snapshot": self.make_snapshot(), **code})
        else:
            self.receive(message)

    def announce(self) -> None:
        """Let pages that are loaded while the run goes on learn of it."""
        self.is_open = names_its_cells()
        if self.is_open:
            beacon.begin()

    def remember(self) -> None:
        """Let a page that has missed rows ask for them: the run is over."""
        if self.is_open:
            self.is_open = False
            beacon.look()
        self.post({"k": "end", "total": self.row_messages})

    def raise_fault(self) -> None:
        """Raise what went wrong while pages were told of open runs."""
        beacon.raise_fault()

    def flush(self) -> None:
        """Wait until what was sent has left."""
        flush(open_kernel_widget().comm)

    def post(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send a message about this run, with bytes beside it."""
        told = {"run_id": self.run_id, **message}
        open_kernel_widget().send(told, list(buffers))
        for widget in self._apart:
            widget.send(told, list(buffers))

    def close(self) -> None:
        """Let go of the run: a page asks for it no longer."""
        self.is_open = False
        _channels.pop(self.run_id, None)


def _open_snapshots() -> dict[str, dict[str, Any]]:
    """Return the runs that are open, by their ids."""
    known = list(_channels.values())
    return {one.run_id: one.make_snapshot() for one in known if one.is_open}


def _receive(_: Any, message: Any, __: Any) -> None:
    channel = _channels.get(str(message.get("run_id")))
    if channel is not None:
        channel.receive(message)


beacon = Beacon(_open_snapshots, lambda: open_kernel_widget().model_id or "")
"""The kernel's own."""
