"""What must be true of a mode, in our records and at Sentry; every breach in words."""

import re

KINDS = ("input", "cached", "cache_write", "output", "reasoning")
ORIGIN = "auto.http.aimon_nb"
LEFT = {"abandoned", "interrupted", "cancelled"}


def judge(mode, run, served, spans, same):
    """(words of what is wrong, in order of weight); empty is right."""
    rows = [s for s in run.spans.values() if s.call is not None and not s.covers]
    wrong = [] if same else ["result differs"]
    wrong += [f"{run.faults} faults of ours"] if run.faults else []
    if not served:
        return ["no call reached the server"]
    if len(rows) != len(served):
        return [*wrong, f"{len(rows)} of {len(served)} calls"]
    wrong += _counts(mode, rows, served) + _parents(run, rows) + _attempts(rows, served)
    return wrong + _at_sentry(run, rows, spans)


def _counts(mode, rows, served):
    told = sorted((_truth(call, mode) for call in served), key=str)
    ours = sorted((_ours(row) for row in rows), key=str)
    if mode.left:
        return _left(rows, served)
    return [] if told == ours else [f"counts {_short(ours, told)} for {_short(told, ours)}"]


def _truth(call, mode):
    if call.status != 200 or call.outcome == "cut":
        return ("error",)
    if not call.usage_told:
        return ("ok", *(0 for _ in KINDS))
    return ("ok", *(getattr(call, kind) for kind in KINDS))


def _ours(row):
    if row.status != "ok":
        return (row.status,)
    return ("ok", *(getattr(row.usage, kind) or 0 for kind in KINDS))


def _left(rows, served):
    wrong = []
    for row, call in zip(sorted(rows, key=lambda r: r.offset), served):
        if row.status not in LEFT and call.outcome != "finished":
            wrong.append(f"status {row.status}")
        for kind in KINDS:
            if getattr(row.usage, kind) not in (None, getattr(call, kind)):
                wrong.append(f"{kind} {getattr(row.usage, kind)} for {getattr(call, kind)}")
    return wrong


def _parents(run, rows):
    wrong = []
    for row in rows:
        above = [run.spans.get(row.parent_id)]
        while above[-1] is not None:
            above.append(run.spans.get(above[-1].parent_id))
        names = {span.name for span in above if span is not None}
        first = next((s for s in above if s is not None and not s.is_noise and not s.covers), None)
        if first is None:
            wrong.append("no parent")
        elif first.is_call:
            wrong.append("a call below a call")
        said = " ".join(m.text for m in row.call.input)
        for step in re.findall(r"step-\d+", said)[:1]:
            if step not in names:
                wrong.append(f"{step} not above its call")
    return wrong


def _attempts(rows, served):
    """Every failed request that was sent again is seen as an earlier attempt."""
    retried = sum(call.status == 429 for call in served)
    seen = sum((row.attempt or 1) > 1 for row in rows)
    return [] if seen == retried else [f"{seen} of {retried} retries seen"]


def _at_sentry(run, rows, spans):
    """Every row once, with its numbers; nothing of ours beyond the rows."""
    wrong = []
    for row in rows:
        found = [s for s in spans if s["span_id"] == row.span_id]
        if row.sent == "no: held back":
            wrong += ["held back, but sent"] if found else []
        elif len(found) != 1:
            wrong.append(f"a call {len(found)} times at Sentry ({row.sent})")
        else:
            wrong += _numbers(found[0]["data"], row)
    ids = {row.span_id for row in rows}
    more = [s for s in spans if s.get("origin") == ORIGIN and s["span_id"] not in ids]
    return wrong + ([f"{len(more)} spans too many at Sentry"] if more else [])


def _numbers(data, row):
    names = {"input": "input_tokens", "output": "output_tokens", "cached": "input_tokens.cached"}
    wrong = []
    for kind, name in names.items():
        ours, sent = getattr(row.usage, kind), data.get(f"gen_ai.usage.{name}")
        if ours is not None and sent != ours:
            wrong.append(f"{kind} {sent} for {ours} at Sentry")
    return wrong


def _short(some, others):
    only = [x for x in some if x not in others] or some
    return "; ".join(" ".join(map(str, x)) for x in only[:2])
