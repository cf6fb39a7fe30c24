"""What must be true of a mode, in our records and at Sentry; every breach in words."""

import re

from aimon_nb.model.span import CALL_OPS
from aimon_nb.testing.server import Served

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
    with_call = [s for s in run.spans.values() if s.call is not None and not s.is_duplicate]
    rows = [s for s in with_call if not s.cached_locally]
    wrong = [f"{run.faults} faults of ours"] if run.faults else []
    served = _unsent(rows) + served
    if len(rows) != len(served):
        return [*wrong, f"{len(rows)} of {len(served)} calls"]
    wrong += _left(mode, run, rows, served) if mode.left else _counts(rows, served) + _totals(run, served)
    wrong += _parents(run, rows) + _attempts(rows, served) + _without_request(run, mode)
    return wrong + _at_sentry(run, with_call, spans)


def _unsent(rows):
    """On a starved machine a client gives up connecting (openai after 5 s) and asks again: that never reaches the server."""
    return [Served("", model=row.request_model, outcome="finished") for row in rows if row.error_type == "ConnectTimeout"]


def _counts(rows, served):
    told, ours = sorted(map(_truth, served), key=str), sorted(map(_ours, rows), key=str)
    return [] if told == ours else [f"counts {_short(ours, told)} for {_short(told, ours)}"]


def _truth(call):
    if call.status != 200 or call.outcome == "cut":
        return (call.model, "error")
    how = "streamed" if call.streamed else "whole"
    return (call.model, how, *(getattr(call, kind) if call.usage_told else "untold" for kind in KINDS))


def _ours(row):
    """Unknown is no zero: only a kind that nobody reports may be either."""
    if row.status != "ok":
        return (row.request_model, row.status)
    how = "streamed" if row.streaming else "whole"
    if not row.usage.known:
        return (row.request_model, how, *["untold"] * len(KINDS))
    usage = (row.usage.input, row.usage.cached or 0, row.usage.cache_write or 0, row.usage.output, row.usage.reasoning or 0)
    return (row.request_model, how, *(0 if n is None and row.operation in ("embeddings", "rerank") else n for n in usage))


def _left(mode, run, rows, served):
    """Left before its end, or given up: it says so, and no number is wrong."""
    wrong = [] if run.totals.calls == len(served) else [f"{run.totals.calls} calls in total for {len(served)}"]
    for row, call in zip(sorted(rows, key=lambda r: r.offset), served):
        if row.status not in ({"error"} if mode.raises else LEFT) and call.outcome != "finished":
            wrong.append(f"status {row.status}")
        for kind in KINDS:
            if getattr(row.usage, kind) not in (None, getattr(call, kind)):
                wrong.append(f"{kind} {getattr(row.usage, kind)} for {getattr(call, kind)}")
    return wrong


def _totals(run, served):
    """What the user reads as the sum: every call and every token once."""
    wrong = [] if run.totals.calls == len(served) else [f"{run.totals.calls} calls in total for {len(served)}"]
    billed = [call for call in served if call.status == 200 and call.outcome != "cut" and call.usage_told]
    cut = [call for call in served if call.outcome == "cut"]  # some tell the input first
    for kind in KINDS:
        true, more = (sum(getattr(call, kind) for call in some) for some in (billed, cut))
        if not true <= (getattr(run.totals.usage, kind) or 0) <= true + more:
            wrong.append(f"{kind} {getattr(run.totals.usage, kind)} in total for {true}")
    return wrong


def _parents(run, rows):
    wrong = []
    for row in rows:
        above = [run.spans.get(row.parent_id)]
        while above[-1] is not None:
            above.append(run.spans.get(above[-1].parent_id))
        first = next((s for s in above if s is not None and not s.is_noise and not s.is_duplicate), None)
        if first is None:
            wrong.append("no parent")
        elif first.is_call:
            wrong.append("a call below a call")
        wrong += _step_above(row, {span.name for span in above if span is not None}, "")
    return wrong


def _step_above(row, names, where):
    asked = " ".join(m.text for m in row.call.input)
    steps = re.findall(r"step-\d+", asked)[:1] + ["tool"] * ("inside the tool" in asked and "use the tool" not in asked)
    return [f"{step} not above its call{where}" for step in steps if step not in names]


def _attempts(rows, served):
    """Every failed request that was sent again is seen as an earlier attempt."""
    retried = sum(call.status == 429 or (call.status is None and call.outcome == "finished") for call in served)
    seen = sum((row.attempt or 1) > 1 for row in rows)
    return [] if seen == retried else [f"{seen} of {retried} retries seen"]


def _without_request(run, mode):
    """A call span that crossed no wire is an answer of the client's own cache, or is counted twice."""
    of_calls = [s for s in run.spans.values() if s.op in CALL_OPS and not s.is_duplicate]
    spans = [s for s in of_calls if s.call is None or s.cached_locally]
    more = [s for s in spans if not s.cached_locally]
    wrong = [f"{len(more)} calls without a request"] if more else []
    kept = len(spans) - len(more)
    return wrong if kept in (0, mode.cached) else [*wrong, f"{kept} answers of its cache for {mode.cached}"]


def _at_sentry(run, rows, spans):
    """Every row once, with its numbers and below its step; nothing of ours beyond the rows."""
    wrong = []
    for row in rows:
        found = [s for s in spans if s["span_id"] == row.span_id]
        if row.sent == "no: held back":
            wrong += ["held back, but sent"] if found else []
        elif len(found) != 1:
            wrong.append(f"a call {len(found)} times at Sentry ({row.sent})")
        else:
            wrong += _numbers(found[0], row) + _place(run, found[0], spans)
            wrong += _step_above(row, _names_above(found[0], spans), " at Sentry")
    ids = {row.span_id for row in rows}
    more = [s for s in spans if s["origin"] == ORIGIN and s["span_id"] not in ids]
    return wrong + ([f"{len(more)} spans too many at Sentry"] if more else [])


def _place(run, span, spans):
    """It is in the run's trace, below something that arrived too, and as good or bad as it was."""
    wrong = [] if span["parent_span_id"] in {s["span_id"] for s in spans} else ["no parent at Sentry"]
    row = run.spans[span["span_id"]]
    if span["origin"] == ORIGIN and row.status in ("ok", "error") and (span["status"] in (None, "ok")) != (row.status == "ok"):
        wrong.append(f"{row.status}, but {span['status']} at Sentry")
    traces = {s["trace_id"] for s in spans}
    return wrong + ([f"{len(traces)} traces at Sentry"] if len(traces) > 1 else [])


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
