"""What went wrong, in words."""

from __future__ import annotations

from aimon_nb.model import Run, Span
from aimon_nb.views.present import formatting


def of_span(span: Span) -> str | None:
    """Say in a line what went wrong with it; None where nothing is known."""
    return worded(span.error_type, said(span))


def of_run(run: Run) -> str | None:
    """Say in a line what the run failed with; None where it did not."""
    return worded(run.error_type, run.error)


def untold(run: Run) -> str | None:
    """Say what the run itself failed with, where no row says it."""
    mine = of_run(run) if run.status == "error" else None
    spans = list(run.spans.values()) if mine else []
    failed = (span for span in spans if span.status == "error" and run.shows(span))
    return None if any(_tells(span, run) for span in failed) else mine


def _tells(span: Span, run: Run) -> bool:
    """Tell whether a row's error is the run's: a client's exception words what the server said."""
    mine, whole = said(span), run.error
    return mine in whole or whole in mine if mine and whole else span.error_type == run.error_type


def said(span: Span) -> str | None:
    """What its code or its server said of it."""
    return span.error or (span.call.error if span.call else None)


def worded(kind: str | None, text: str | None, limit: int = 500) -> str | None:
    """Put kind and text together, on a line unless `limit` asks for more."""
    both = f"{kind}: {text}" if kind and text else kind or text
    if not both:
        return None
    return formatting.line(both, limit) if limit <= 500 else formatting.visible(both[:limit])
