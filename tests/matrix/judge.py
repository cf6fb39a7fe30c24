"""What must be true of a mode, in our records and at Sentry; every breach in words."""

import re

from aimon_nb.model.span import CALL_OPS

KINDS = ("input", "cached", "cache_write", "output", "reasoning")
NAMES = {
    "input": ("input_tokens",),
    "cached": ("input_tokens.cached", "cache_read.input_tokens"),
    "cache_write": ("input_tokens.cache_write", "cache_creation.input_tokens"),
    "output": ("output_tokens",),
    "reasoning": ("output_tokens.reasoning", "reasoning.output_tokens"),
}
ORIGIN = "auto.http.aimon_nb"
LEFT = {"abandoned", "interrupted", "cancelled"}


def judge(mode, run, served, spans):
    """Words of what is wrong with a run of ours, in order of weight; empty is right."""
    if not served:
        return ["no call reached the server"]
    rows = [s for s in run.spans.values() if s.call is not None and not s.covers]
    wrong = [f"{run.faults} faults of ours"] if run.faults else []
    if len(rows) != len(served):
        return [*wrong, f"{len(rows)} of {len(served)} calls"]
    wrong += _left(rows, served) if mode.left else _counts(rows, served) + _totals(run, served)
    wrong += _parents(run, rows) + _attempts(rows, served) + _without_request(run)
    return wrong + _at_sentry(rows, spans)


def _counts(rows, served):
    told, ours = sorted(map(_truth, served), key=str), sorted(map(_ours, rows), key=str)
    return [] if told == ours else [f"counts {_short(ours, told)} for {_short(told, ours)}"]


def _truth(call):
    if call.status != 200 or call.outcome == "cut":
        return ("error",)
    return ("ok", *(getattr(call, kind) if call.usage_told else 0 for kind in KINDS))


def _ours(row):
    if row.status != "ok":
        return (row.status,)
    return ("ok", *(getattr(row.usage, kind) or 0 for kind in KINDS))


def _left(rows, served):
    """Left before its end: it says so, and no number is wrong."""
    wrong = []
    for row, call in zip(sorted(rows, key=lambda r: r.offset), served):
        if row.status not in LEFT and call.outcome != "finished":
            wrong.append(f"status {row.status}")
        for kind in KINDS:
            if getattr(row.usage, kind) not in (None, getattr(call, kind)):
                wrong.append(f"{kind} {getattr(row.usage, kind)} for {getattr(call, kind)}")
    return wrong


def _totals(run, served):
    """What the user reads as the sum: every call and every token once."""
    wrong = [] if run.totals.calls == len(served) else [f"{run.totals.calls} calls in total for {len(served)}"]
    for kind in KINDS:
        true = sum(_truth(call)[1 + i] for i, k in enumerate(KINDS) if k == kind for call in served if _truth(call)[0] == "ok")
        if (getattr(run.totals.usage, kind) or 0) != true:
            wrong.append(f"{kind} {getattr(run.totals.usage, kind)} in total for {true}")
    return wrong


def _parents(run, rows):
    wrong = []
    for row in rows:
        above = [run.spans.get(row.parent_id)]
        while above[-1] is not None:
            above.append(run.spans.get(above[-1].parent_id))
        first = next((s for s in above if s is not None and not s.is_noise and not s.covers), None)
        if first is None:
            wrong.append("no parent")
        elif first.is_call:
            wrong.append("a call below a call")
        wrong += _step_above(row, {span.name for span in above if span is not None}, "")
    return wrong


def _step_above(row, names, where):
    steps = re.findall(r"step-\d+", " ".join(m.text for m in row.call.input))[:1]
    return [f"{step} not above its call{where}" for step in steps if step not in names]


def _attempts(rows, served):
    """Every failed request that was sent again is seen as an earlier attempt."""
    retried = sum(call.status == 429 for call in served)
    seen = sum((row.attempt or 1) > 1 for row in rows)
    return [] if seen == retried else [f"{seen} of {retried} retries seen"]


def _without_request(run):
    """A call span that crossed no wire is an answer of the client's own cache, or is counted twice."""
    more = [s for s in run.spans.values() if s.op in CALL_OPS and s.call is None and not s.covers and not s.cached_locally]
    return [f"{len(more)} calls without a request"] if more else []


def _at_sentry(rows, spans):
    """Every row once, with its numbers and below its step; nothing of ours beyond the rows."""
    wrong = []
    for row in rows:
        found = [s for s in spans if s["span_id"] == row.span_id]
        if row.sent == "no: held back":
            wrong += ["held back, but sent"] if found else []
        elif len(found) != 1:
            wrong.append(f"a call {len(found)} times at Sentry ({row.sent})")
        else:
            wrong += _numbers(found[0], row) + _step_above(row, _names_above(found[0], spans), " at Sentry")
    ids = {row.span_id for row in rows}
    more = [s for s in spans if s["origin"] == ORIGIN and s["span_id"] not in ids]
    return wrong + ([f"{len(more)} spans too many at Sentry"] if more else [])


def _numbers(span, row):
    told = ((kind, _sent(span, kind), getattr(row.usage, kind)) for kind in KINDS)
    return [f"{kind} {sent} for {ours} at Sentry" for kind, sent, ours in told if ours is not None and sent != ours]


def _sent(span, kind):
    names = (f"gen_ai.usage.{name}" for name in NAMES[kind])
    return next((span["data"][name] for name in names if span["data"].get(name) is not None), None)


def _above(span, spans):
    by_id, seen = {s["span_id"]: s for s in spans}, []
    while (span := by_id.get(span["parent_span_id"])) is not None and span not in seen:
        seen.append(span)
    return seen


def _names_above(span, spans):
    return {s["name"] for s in _above(span, spans)}


def judge_sentry(mode, served, spans):
    """The same of what sentry-sdk sent without us: each answered call once, as the provider billed it."""
    calls = [s for s in spans if s["op"] in CALL_OPS]
    answered = [call for call in served if call.status == 200 and call.outcome != "cut"]
    asked = answered or served[-1:]
    if len(calls) < len(asked):
        return [f"{len(asked) - len(calls)} of {len(asked)} calls not seen"]
    wrong = [f"{len(calls)} call spans for {len(asked)} calls"] if len(calls) > len(asked) else []
    if mode.left:
        return wrong + _wrong_numbers(calls, asked)
    return wrong + _lost(calls, answered) + _sum(spans, answered) + _nested(calls, spans, len(asked))


def _wrong_numbers(calls, asked):
    wrong = []
    for kind in KINDS:
        true = {getattr(call, kind) for call in asked}
        wrong += [f"{kind} wrong" for s in calls if _sent(s, kind) not in (None, 0, *true)]
    return wrong


def _lost(calls, answered):
    """Kinds of token that no call span has, or has wrong."""
    wrong = []
    for kind in KINDS:
        true = sorted(getattr(call, kind) if call.usage_told else 0 for call in answered)
        sent = sorted(_sent(s, kind) or 0 for s in calls)
        if [n for n in sent if n] != [n for n in true if n]:
            wrong.append(f"{kind} {'wrong' if any(sent) else 'lost'}")
    return wrong


def _sum(spans, answered):
    """What a sum over all spans says that have usage, agents' included."""
    told = sum(_sent(s, "input") or 0 for s in spans)
    true = sum(call.input for call in answered if call.usage_told)
    return [f"a sum over spans has {told} input tokens for {true}"] if told > true else []


def _nested(calls, spans, count):
    """Siblings in each other, or steps of the user's that are not above their calls."""
    above = [_above(s, spans) for s in calls]
    nested = sum(any(a["op"] in CALL_OPS for a in chain) for chain in above)
    wrong = [f"{nested} calls below a call"] if nested else []
    steps = {s["name"] for s in spans if re.fullmatch(r"step-\d+", s["name"] or "")}
    met = {a["name"] for chain in above for a in chain[:_first_step(chain)]}
    missing = len(steps - met)
    return wrong + ([f"{missing} of {len(steps)} steps without their call"] if missing else [])


def _first_step(chain):
    return next((n for n, s in enumerate(chain, 1) if re.fullmatch(r"step-\d+", s["name"] or "")), len(chain))


def _short(some, others):
    only = [x for x in some if x not in others] or some
    return "; ".join(" ".join(map(str, x)) for x in only[:2])
