"""What becomes of runs at Sentry: for `%ai_sentry`, and for the run's own tree."""

from __future__ import annotations

from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.capture import recorder
from aimon_nb.capture.state import RunState
from aimon_nb.model.sending import DROPPED, NOTE, Lost, SendingStatus
from aimon_nb.sentry import sending_status, trial
from aimon_nb.wire.pending_calls import pending_calls

PATIENCE = 10.0  # seconds that a test waits for an answer


def status(url: str | None) -> SendingStatus:
    """Return where spans go and what became of them; `url` is the team's Sentry, for a link."""
    found = sending_status.status(instrumentation.client, instrumentation.delivery)
    found.held_back = pending_calls.waiting
    if url and trace_url(url, "-") is None:
        found.advice.append(
            f"AimonMagics.sentry_url is no address: {url} does not begin with https://"
        )
    run = recorder.last_run()
    if run is not None:
        root = run.spans.get(run.root_id or "")
        sent = root.sent if root is not None else None
        delivery = instrumentation.delivery
        is_here = found.waiting and delivery.is_watching and run.trace_id not in delivery.arrived
        fate = "on its way" if sent == "yes" and is_here else _fate(sent)
        found.last_run = f"{run.name}: {fate}"
        if run.destination == "Sentry":
            found.trace_id = run.trace_id
            found.trace_url = trace_url(url, run.trace_id)
    return found


def send_one(seconds: float = PATIENCE) -> str:
    """Send one transaction or segment; return in a line what came back."""
    making = instrumentation.tracker.maker.making
    return trial.send(instrumentation.client, instrumentation.delivery, making, seconds)


def trace_url(url: str | None, trace_id: str | None) -> str | None:
    """Return the page of a trace at the Sentry at `url`; None for what is no address."""
    if not (url and trace_id and url.startswith(("https://", "http://"))):
        return None
    return f"{url.rstrip('/')}/explore/traces/trace/{trace_id}/"


def note_lost(lost: Lost | None, _: frozenset[str]) -> None:
    """Have the tree of a run say what of it did not get to Sentry, when that is known."""
    if lost is None or lost.trace_id is None:
        return
    for run_state in list(recorder.run_states.values()):
        if run_state.run.trace_id == lost.trace_id:
            _note(run_state, lost)


def _note(run_state: RunState, lost: Lost) -> None:
    run = run_state.run
    spans = dict(run.spans)
    # What was dropped before there was an item of it is the whole transaction.
    ids = lost.span_ids & spans.keys() or {i for i, span in spans.items() if span.sent == "yes"}
    for span_id in ids:
        spans[span_id].sent = DROPPED
    dropped = sum(span.sent == DROPPED for span in spans.values())
    if not dropped:
        return
    line = f"{NOTE}{dropped:,} of its spans, {lost.why}"
    run.notes[:] = [note for note in run.notes if not note.startswith(NOTE)] + [line]
    run_state.changed |= ids
    recorder.wake()


def _fate(sent: str | None) -> str:
    if sent is None:
        return "it goes on"
    if sent == "no: local":
        return "not sent"
    return "sent" if sent == "yes" else sent.replace("no: ", "not sent, ")
