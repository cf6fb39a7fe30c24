"""The live view's Python side: a transport, without any knowledge of spans.

Rows go as batched messages and as a snapshot trait, for a page that reloads.
Details, which hold prompts and answers, go by message alone: a trait would be
saved with the notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent
_VIEW = "application/vnd.jupyter.widget-view+json"


class RunWidget(anywidget.AnyWidget):
    """One run in the page; safe to send to from any thread."""

    _esm = (_HERE / "tree.js").read_text(encoding="utf-8")
    _css = (_HERE / "tree.css").read_text(encoding="utf-8")

    run_id = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)

    def send_rows(self, header: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> None:
        """Send the header and the rows that are new or changed, as one message."""
        self.send({"k": "rows", "run_id": self.run_id, "header": header, "rows": list(rows)})

    def send_details(self, items: Mapping[str, Mapping[str, Any]]) -> None:
        """Send details by span id, as one message."""
        self.send({"k": "details", "run_id": self.run_id, "items": items})

    def __repr__(self) -> str:
        return f"<RunWidget {self.run_id}>"

    def _repr_mimebundle_(  # type: ignore[override]
        self,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        data = {_VIEW: view, "text/plain": repr(self)}
        wanted = set(data if include is None else include) - set(exclude or ())
        return {mime: value for mime, value in data.items() if mime in wanted}
