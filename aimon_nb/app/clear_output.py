"""The view survives `clear_output` of the user's code.

Every output of a cell, from any thread, passes the kernel session's `send`. While
a run is open that one method is wrapped, on the instance: a clear takes our
view away with the rest, and that of a run inside, so they are shown again, at once
after a plain clear, and just before the next output after `clear_output(wait=True)`,
never earlier: an output of ours would make the waiting clear happen while the user
still computes. A plain clear is sent as one that waits for our view, which follows it:
there is no moment without.
"""

from __future__ import annotations

import functools
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.live.run_display import RunDisplay

_OUTPUTS = frozenset({"stream", "display_data", "execute_result", "error"})


@dataclass(slots=True)
class _Cell:
    """A cell that runs, and the views of the runs that are open in it, outermost first."""

    parent: dict[str, Any]
    views: list[RunDisplay] = field(default_factory=list)
    pending: bool = False


@functools.lru_cache(maxsize=1)
def output_keeper(shell: Any) -> OutputKeeper:
    """Return the one keeper of a shell's outputs: the wraps of two would take each other off."""
    return OutputKeeper(shell)


class OutputKeeper:
    """The wrap of one kernel's session; in place only while a run is open in a cell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._kernel: Any = getattr(shell, "kernel", None)
        self._cells: dict[str, _Cell] = {}
        # Comm id of an ipywidgets.Output → id of the cell whose outputs it takes.
        self._captured: dict[str, str] = {}
        self._lock = threading.RLock()
        self._original: Any = None

    def watch(self, view: RunDisplay) -> str | None:
        """Keep a view on screen until `release`; returns its cell's id, None if not on screen."""
        if self._kernel is None or not view.on_screen:
            return None
        parent = self._kernel.get_parent("shell")
        key = (parent.get("header") or {}).get("msg_id")
        if key is None:
            return None
        with self._lock:
            cell = self._cells.setdefault(key, _Cell(parent))
            cell.views.append(view)
            if view.deferred:
                view.display = functools.partial(self._open, cell)
            if self._original is None:
                session = self._kernel.session
                self._original = session.send
                session.send = self._send
        return str(key)

    def release(self, key: str | None, view: RunDisplay) -> None:
        """Stop keeping a view, whose run is over; what the cell printed last is sent first."""
        if key is None:
            return
        _flush()
        with self._lock:
            cell = self._cells.get(key)
            if cell is not None and view in cell.views:
                cell.views.remove(view)
            if cell is None or not cell.views:
                self._cells.pop(key, None)
            if not self._cells and self._original is not None:
                self._kernel.session.__dict__.pop("send", None)
                self._original = None
                self._captured.clear()

    def _send(
        self, stream: Any, msg: Any, content: Any = None, parent: Any = None, *a: Any, **k: Any
    ) -> Any:
        original = self._original or type(self._kernel.session).send.__get__(self._kernel.session)
        try:
            kind, body, cell = self._classify(msg, content, parent)
        except Exception:
            internal_errors.record("watching outputs")
            kind, body, cell = "", {}, None
        if cell is None:
            return original(stream, msg, content, parent, *a, **k)
        with self._lock:
            if cell.pending and kind in _OUTPUTS:
                cell.pending = False
                self._show(cell, wait=True)
            if kind != "clear_output":
                return original(stream, msg, content, parent, *a, **k)
            cell.pending = bool(body.get("wait"))
            follows = not cell.pending and any(not view.deferred for view in cell.views)
            # `body` is the content that is sent.
            body["wait"] = cell.pending or follows
            sent = original(stream, msg, content, parent, *a, **k)
            if follows:
                self._show(cell, wait=False)
            return sent

    def _open(self, cell: _Cell, data: dict[str, Any], display_id: str) -> None:
        """Show a view for the first time in the middle of its cell, from any thread."""
        # Without the lock: what is flushed passes `_send` in a thread of the kernel's.
        _flush()
        with self._lock:
            # Else it is shown just before the user's next output.
            if not cell.pending:
                self._publish(cell, data, display_id)

    def _classify(self, msg: Any, content: Any, parent: Any) -> tuple[str, Any, _Cell | None]:
        """Return (message type, content, the tracked cell that it is an output of)."""
        if isinstance(msg, dict):
            kind, parent, content = (
                msg["header"]["msg_type"],
                msg.get("parent_header"),
                msg["content"],
            )
        else:
            kind = msg
        if kind == "comm_msg":
            self._note_output_widget(content or {})
            return kind, content, None
        if kind not in _OUTPUTS and kind != "clear_output":
            return kind, content, None
        parent = parent or {}
        key = (parent.get("header") or parent).get("msg_id")
        if key in self._captured.values():
            return kind, content, None
        return kind, content or {}, self._cells.get(key)

    def _note_output_widget(self, content: dict[str, Any]) -> None:
        """An `ipywidgets.Output` takes the cell's outputs away while its `msg_id` is set."""
        state = (content.get("data") or {}).get("state") or {}
        if "msg_id" in state:
            if state["msg_id"]:
                self._captured[content["comm_id"]] = state["msg_id"]
            else:
                self._captured.pop(content["comm_id"], None)

    def _show(self, cell: _Cell, *, wait: bool) -> None:
        for view in [view for view in cell.views if not view.deferred]:
            with internal_errors.suppress("showing the view again"):
                self._publish(cell, view.redraw(wait=wait), view.display_id)
            # The first one has cleared.
            wait = False

    def _publish(self, cell: _Cell, data: dict[str, Any], display_id: str) -> None:
        session, pub = self._kernel.session, self._shell.display_pub
        content = {"data": data, "metadata": {}, "transient": {"display_id": display_id}}
        message = session.msg("display_data", content, parent=cell.parent)
        send = self._original or session.send
        send(pub.pub_socket, message, ident=pub.topic)


def _flush() -> None:
    """Send what the cell has printed so far: what comes next stands below it."""
    for stream in (sys.stdout, sys.stderr):
        with internal_errors.suppress("flushing the cell's output"):
            stream.flush()
