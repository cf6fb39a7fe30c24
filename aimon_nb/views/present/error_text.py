"""What went wrong, in words."""

from __future__ import annotations

from aimon_nb.model import Run, Span
from aimon_nb.views.present import formatting


def of_span(span: Span) -> str | None:
    """Return in a line what went wrong with a span; None where nothing is known."""
    return joined(span.error_type, message(span))


def of_run(run: Run) -> str | None:
    """Return in a line what the run failed with; None where it did not."""
    return joined(run.error_type, run.error)


def of_run_alone(run: Run) -> str | None:
    """Return in a line what the run failed with, unless the row of a span shows it.

    Why a budget stopped it is always said: it is the first thing to know of such a run.
    """
    if run.status == "over_budget":
        return formatting.line(run.error or "", 500) or None
    text = of_run(run) if run.status == "error" else None
    spans = list(run.spans.values()) if text else []
    failed = (span for span in spans if span.status == "error" and run.shows(span))
    return None if any(_is_same_error(span, run) for span in failed) else text


def _is_same_error(span: Span, run: Run) -> bool:
    # The message of a client's exception holds that of the server, or the other way round.
    inner, outer = message(span), run.error
    if not inner or not outer:
        return span.error_type == run.error_type
    return inner in outer or outer in inner


def message(span: Span) -> str | None:
    """Return the message of the span's exception, or else of the model's server."""
    return span.error or (span.call.error if span.call else None)


def joined(kind: str | None, text: str | None, limit: int = 500) -> str | None:
    """Return `kind: text`, on one line unless `limit` asks for more than a line's characters."""
    both = f"{kind}: {text}" if kind and text else kind or text
    if not both:
        return None
    return formatting.line(both, limit) if limit <= 500 else formatting.visible(both[:limit])
