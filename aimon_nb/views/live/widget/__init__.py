"""The widgets of one run: how a page, or code that places a widget, gets at its live view."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets
from ipywidgets import Layout, widget_serialization
from ipywidgets.widgets.trait_types import InstanceDict

from aimon_nb.views.live.widget import script
from aimon_nb.views.live.widget.kernel_widget import RunChannel, open_kernel_widget
from aimon_nb.views.live.widget.messages import RunMessages, flush
from aimon_nb.views.live.widget_view import WIDGET_VIEW, widget_view


class RunWidget(anywidget.AnyWidget):
    """One run in the page: its small script shows what the kernel's one widget tells."""

    _esm = script.loader()

    run_id = traitlets.Unicode().tag(sync=True)
    # Where the script is: the id of the kernel's widget.
    kernel = traitlets.Unicode().tag(sync=True)
    # None until somebody places the widget: a layout is a model and a comm of its own, and one
    # for each tracked cell would be fetched by every page that loads.
    layout = InstanceDict(Layout, allow_none=True).tag(sync=True, **widget_serialization)
    _own_layout: Layout | None = None

    @classmethod
    def of(cls, channel: RunChannel) -> RunWidget:
        """Return a widget that shows the run of this channel."""
        made = cls(run_id=channel.run_id, kernel=open_kernel_widget().model_id)
        made.on_msg(lambda widget, message, _: channel.receive_apart(widget, message))
        return made

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


class WholeRunWidget(RunMessages, RunWidget):
    """A run's widget with the script and a snapshot of the rows, where outputs share no page."""

    _esm = script.joined_script()
    _css = script.style()

    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(
        self, run_id: str, make_snapshot: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        self._make_snapshot = make_snapshot
        super().__init__(run_id=run_id)
        self.on_msg(lambda _, message, __: self.receive(message))

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 (ipywidgets' own signature)
        """Return the state; its snapshot is made when a page requests it, never stored."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "snapshot" in state and self._make_snapshot is not None:
            state["snapshot"] = self._make_snapshot()
        return state

    def flush(self) -> None:
        """Wait until what was sent has left."""
        flush(self.comm)

    def remember(self) -> None:
        """Send the snapshot as it is now, for pages that were loaded while the cell ran."""
        self.send_state("snapshot")

    def post(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send a message about this run, with bytes beside it."""
        # Not every host of this one hands on bytes beside a message.
        more = {"data": base64.b64encode(buffers[0]).decode()} if buffers else {}
        self.send({"run_id": self.run_id, **message, **more})


def filter_mimebundle(
    data: dict[str, Any], include: Iterable[str] | None, exclude: Iterable[str] | None
) -> dict[str, Any]:
    """Return the part of a mimebundle that IPython asks for."""
    wanted = set(data if include is None else include) - set(exclude or ())
    return {mime: value for mime, value in data.items() if mime in wanted}
