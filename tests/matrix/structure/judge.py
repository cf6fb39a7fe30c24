"""What must be true of a way besides its tree; every breach in words."""

from aimon_nb.model.span import CALL_OPS
from tests.matrix import judge as of_clients


def judge(way, run, served, spans):
    """Words of what is wrong; empty is right. `spans` is what Sentry got, None where there is no client."""
    wrong = [f"{run.faults} faults of ours"] if run.faults else []
    wrong += [f"note: {note}" for note in run.notes]
    wrong += [f"uncounted: {run.unread}"] if run.unread else []
    rows = [s for s in run.spans.values() if s.call is not None and not s.is_duplicate and not s.cached_locally]
    if len(rows) != len(served):
        wrong.append(f"{len(rows)} of {len(served)} calls")
    else:
        wrong += of_clients._left(way, run, rows, served) if way.left else of_clients._counts(rows, served) + of_clients._totals(run, served)
        wrong += of_clients._attempts(rows, served)
    more = [s for s in run.spans.values() if s.op in CALL_OPS and s.call is None and not s.is_duplicate and not s.cached_locally]
    wrong += [f"{len(more)} calls without a request"] if more else []
    wrong += [f"{s.status}: {s.name}" for s in run.spans.values() if s.status == "running"]
    wrong += [f"{s.name} carries a model's name" for s in run.spans.values() if s.kind == "tool" and s.model]
    return wrong + (_at_sentry(run, spans) if spans is not None else [])


def _at_sentry(run, spans):
    """Every row once, below the same parent as here."""
    wrong = []
    sent = [s for s in spans if s["span_id"] in run.spans]
    theirs = {s["span_id"]: s["parent_span_id"] for s in sent}
    if len(theirs) != len(sent):
        wrong.append(f"{len(sent) - len(theirs)} spans doubled at Sentry")
    for span in run.spans.values():
        if span.span_id == run.root_id:
            continue
        if span.span_id not in theirs:
            wrong.append(f"{span.name} not at Sentry ({span.sent})")
        elif theirs[span.span_id] != span.parent_id:
            wrong.append(f"{span.name} below another at Sentry")
    more = [s["name"] for s in spans if s["span_id"] not in run.spans]
    return wrong + ([f"more at Sentry: {more[:4]}"] if more else [])
