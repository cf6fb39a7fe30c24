"""The live view's Python side: a transport, without any knowledge of spans.

Rows go as batched messages and as a snapshot trait, for a page that reloads.
Details, which hold prompts and answers, go by message alone: a trait would be
saved with the notebook.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from ipywidgets import Layout, widget_serialization
from ipywidgets.widgets.trait_types import InstanceDict

from aimon_nb.views.live.widget_view import WIDGET_VIEW, widget_view

# Seconds that the end of a cell waits at most for its last messages to leave.
FLUSH = 1.0
_HERE = Path(__file__).parent
# Each part imports from the ones before it; joined they are one module for the page.
_PARTS = ("layout.js", "panes.js", "scroll.js", "store.js", "kernel.js", "tree.js")
_IMPORT = re.compile(r"^import .* from '\./\w+\.js';\n", re.MULTILINE)


def _module() -> str:
    return "".join(_IMPORT.sub("", (_HERE / p).read_text(encoding="utf-8")) for p in _PARTS)


class RunWidget(anywidget.AnyWidget):
    """One run in the page; safe to send to from any thread."""

    _esm = _module()
    _css = (_HERE / "tree.css").read_text(encoding="utf-8")

    run_id = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)
    # None until somebody places the widget: a layout is a model and a comm of its own, and one
    # for each tracked cell would be fetched by every page that loads.
    layout = InstanceDict(Layout, allow_none=True).tag(sync=True, **widget_serialization)
    _own_layout: Layout | None = None

    def __init__(
        self, run_id: str, make_snapshot: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        self._make_snapshot = make_snapshot
        super().__init__(run_id=run_id)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 (ipywidgets' own signature)
        """Return the state; its snapshot is made when a page requests it, never stored."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "snapshot" in state and self._make_snapshot is not None:
            state["snapshot"] = self._make_snapshot()
        return state

    @traitlets.default("layout")
    def _default_layout(self) -> None:
        return None

    def with_layout(self) -> RunWidget:
        """Return the widget with a layout, for code that places it among other widgets.

        It must be there before the widget is shown: anywidget's views take no later one.
        """
        if self.layout is None:
            self.layout = self._own_layout = Layout()
        return self

    def close(self) -> None:
        """Close the page's model, and that of the layout if it was made here."""
        super().close()
        if self._own_layout is not None:
            self._own_layout.close()

    def flush(self) -> None:
        """Wait until what was sent has left: the kernel's thread that sends it needs the GIL.

        It gets it late, and for each message anew, from code that computes.
        """
        sender = getattr(getattr(self.comm, "kernel", None), "iopub_thread", None)
        if sender is not None:
            flushed = threading.Event()
            sender.schedule(flushed.set)
            flushed.wait(FLUSH)

    def remember(self) -> None:
        """Send the snapshot as it is now, for pages that were loaded while the cell ran."""
        self.send_state("snapshot")

    def on_ask(self, hello: Callable[[], None], want: Callable[[list[str]], None]) -> None:
        """Call back on the page's messages: `hello` where it lacks rows, `want` for details."""

        def receive(_: Any, message: Any, __: Any) -> None:
            if message.get("k") == "hello":
                hello()
            elif message.get("k") == "want":
                want([str(span_id) for span_id in message.get("ids", [])])

        self.on_msg(receive)

    def send_rows(self, header: Mapping[str, Any], rows: Sequence[list[Any]], **more: Any) -> None:
        """Send the header and the rows that are new or changed, encoded."""
        self._post({"k": "rows", "header": header, "rows": rows, **more})

    def send_details(self, items: Mapping[str, Mapping[str, Any]]) -> None:
        """Send details by span id."""
        self._post({"k": "details", "items": items})

    def send_growth(self, growth: Mapping[str, str]) -> None:
        """Send what answers grew by, by span id."""
        self._post({"k": "grown", "grown": growth})

    def _post(self, message: Mapping[str, Any]) -> None:
        self.send({"run_id": self.run_id, **message})

    def __repr__(self) -> str:
        return f"<RunWidget {self.run_id}>"

    def _repr_mimebundle_(  # type: ignore[override]
        self,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        data = {WIDGET_VIEW: widget_view(self.model_id), "text/plain": repr(self)}
        return filter_mimebundle(data, include, exclude)


def filter_mimebundle(
    data: dict[str, Any], include: Iterable[str] | None, exclude: Iterable[str] | None
) -> dict[str, Any]:
    """Return the part of a mimebundle that IPython asks for."""
    wanted = set(data if include is None else include) - set(exclude or ())
    return {mime: value for mime, value in data.items() if mime in wanted}
