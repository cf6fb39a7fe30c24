"""What `%ai_sentry` says, as lines of text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from aimon_nb.model.sending import Counts, SendingStatus
from aimon_nb.views.present import formatting
from aimon_nb.views.static.html import NO_FORMULAS

_BOX = (
    "max-width:62em;font:13px/1.75 system-ui,sans-serif;overflow-wrap:break-word;"
    "border:1px solid rgba(128,128,128,.35);border-radius:6px;padding:4px 12px"
)
_LABEL = '<th style="text-align:left;font-weight:normal;opacity:.75;padding:0 1.5em 0 0">'
_VALUE = '<td style="text-align:left">'


class SendingView:
    """Where spans go and what became of them there: as the last line of a cell it shows itself."""

    def __init__(self, status: SendingStatus) -> None:
        self.status = status

    def __repr__(self) -> str:
        lines = list(_lines(self.status))
        width = max(len(label) for label, _ in lines)
        return "\n".join(f"{label:<{width}}  {text}".rstrip() for label, text in lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr style="background:none">{_LABEL}{escape(label)}</th>'
            f"{_VALUE}{self._cell(label, text)}</td></tr>"
            for label, text in _lines(self.status)
        )
        return f'<div class="{NO_FORMULAS}" style="{_BOX}"><table>{rows}</table></div>'

    def _cell(self, label: str, text: str) -> str:
        shown, url = escape(text), self.status.trace_url
        return f'<a href="{escape(url)}">{shown}</a>' if label == "trace" and url else shown


def _lines(status: SendingStatus) -> Iterator[tuple[str, str]]:
    """Give each line as its label and what it says."""
    line = formatting.line
    yield "spans go to", line(status.address or f"nowhere: {status.nowhere}")
    if status.owner:
        yield "client", f"{status.owner}, environment {line(str(status.environment), 80)}"
    yield "sampled", status.sampled
    if status.lifecycle:
        yield "lifecycle", status.lifecycle
        yield "sent", "unknown" if status.sent is None else _amount(status.sent)
        for why, counts in status.lost.items():
            yield "not sent", f"{_amount(counts)}: {line(why)}"
        yield "waiting", _waiting(status)
        yield "last error", line(status.last_error or "none")
    if status.last_run is not None:
        yield "last run", line(status.last_run, 120)
    if status.trace_id is not None:
        yield "trace", status.trace_id
    for advice in status.advice:
        yield "note", advice


def _amount(counts: Counts) -> str:
    pieces = [
        formatting.count(counts.transactions, "transaction") if counts.transactions else "",
        formatting.count(counts.spans, "span") if counts.spans else "",
        formatting.count(counts.errors, "error") if counts.errors else "",
    ]
    return ", ".join(piece for piece in pieces if piece) or "nothing yet"


def _waiting(status: SendingStatus) -> str:
    queue = "unknown" if status.waiting is None else f"{status.waiting:,} to be sent"
    if not status.held_back:
        return queue
    held = formatting.count(status.held_back, "call")
    return f"{queue}, {held} held back until the answer is read"
