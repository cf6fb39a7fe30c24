"""Equal siblings as one line, whatever stands between them: `label  gpt-4o-mini × 300`.

Equal are calls, tools and steps of one name and model, asked by one caller. Below the line
stand those that failed, equal errors as one row, and of steps what is below them, grouped in
its turn. A step that did not end well, or has another shape below it, stands for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

from aimon_nb.views.present import formatting
from aimon_nb.views.present.outline_row import OutlineRow, add, sum_as_text
from aimon_nb.views.present.row_names import label, name
from aimon_nb.views.present.rows import RowDict

# So many equal siblings become one line, as in the live view.
ALIKE = 5
# Characters that a saved row has for its name and label.
_LABEL = 59
# Of the remarks of a group's members, so many are said.
_REMARKS = 2
_NOTHING: frozenset[int] = frozenset()


def set_shapes(flat: list[OutlineRow]) -> None:
    """Give rows their shapes, in reading order; costs one look at each row."""
    if len(flat) < ALIKE:
        return
    known: dict[Hashable, int] = {}
    for one in reversed(flat):
        below = frozenset(child.shape for child in one.below) if one.below else _NOTHING
        span, run, kind = one.span, one.run, one.span.kind
        key = (name(span, kind, run), label(span, kind, run), kind, below)
        one.alike = known.setdefault(key, len(known))
        # An attempt that was repaired has no usage to speak of, and is as the others are.
        said = "" if one.retried else one.remark
        one.shape = known.setdefault((one.alike, said), len(known)) if said else one.alike


def grouped(siblings: list[OutlineRow]) -> list[OutlineRow]:
    """Return siblings with equal ones as one row, where the first of them stands."""
    if len(siblings) < ALIKE:
        return siblings
    group_of: dict[int, list[OutlineRow]] = {}
    for members in _equal(siblings):
        # Another attempt at a request is no request more.
        if _requests(members) >= ALIKE:
            group_of |= dict.fromkeys(map(id, members), members)
    result: list[OutlineRow] = []
    begun: set[int] = set()
    for one in siblings:
        members = group_of.get(id(one), [])
        if not members:
            result.append(one)
        elif id(members) not in begun:
            begun.add(id(members))
            result.append(_group(members))
    return result


def _equal(siblings: list[OutlineRow]) -> Iterable[list[OutlineRow]]:
    """Return the siblings by shape; one without rows below it belongs there however it ended."""
    by_shape: dict[int, list[OutlineRow]] = {}
    home: dict[int, int] = {}
    for one in siblings:
        if one.quiet:
            by_shape.setdefault(one.shape, []).append(one)
            home.setdefault(one.alike, one.shape)
    for one in siblings:
        if not one.quiet and not one.below:
            by_shape.setdefault(home.get(one.alike, one.alike), []).append(one)
    return by_shape.values()


def _requests(members: Iterable[OutlineRow]) -> int:
    return sum(not one.retried for one in members)


def _calls(members: list[OutlineRow]) -> int:
    """Return how many of them were sent; where none was, how many there are."""
    return sum(not (one.retried or one.span.not_sent) for one in members) or _requests(members)


def _group(members: list[OutlineRow]) -> OutlineRow:
    first = next((one for one in members if one.span.status == "ok"), members[0])
    words, times = label(first.span, run=first.run), f"× {_calls(members):,}"
    # Where room is short the model gives way, and not the number.
    room = max(16, _LABEL - len(first.row["name"]) - len(times))
    words = f"{formatting.line(words, room)} {times}" if words else times
    row: RowDict = {**first.row, "label": words, "counts": False}
    row["time"] = _wall_time(members)
    one = OutlineRow(first.span, first.run, first.depth, remark=_said(members))
    one.advice = " · ".join(member.advice for member in members if member.advice)
    one.cached_row = row
    failed = [member for member in members if member.fails]
    one.below = merge_failures(failed)
    for member in members:
        add(one, member)
        one.below += member.below
    one.spans = sum(member.spans for member in members if not member.fails)
    one.fails, one.quiet = bool(failed), not failed
    row["tokens"] = formatting.tokens(one.usage)
    row["cost"] = sum_as_text(one) or _cost_in_words(members)
    for child in one.below:
        child.depth = one.depth + 1
    return one


def _wall_time(members: list[OutlineRow]) -> str:
    """Return the time from the first start to the last end; "" where it is not known."""
    if any(one.span.status == "running" for one in members):
        return "running"
    timed = [
        (s.offset, s.duration) for s in (one.span for one in members) if s.duration is not None
    ]
    if not timed:
        return ""
    start = min(one.span.offset for member in members for one in (member, *member.attempts))
    return formatting.seconds(max(offset + duration for offset, duration in timed) - start)


def _said(members: list[OutlineRow]) -> str:
    """Return the line below a group: what came of it, how long each took, of its usage."""
    spans = [one.span for one in members]
    failed = sum(span.status == "error" and span.retried is None for span in spans)
    attempts = [attempt.span for one in members for attempt in one.attempts]
    repaired = sum(span.retried == "repaired" for span in (*spans, *attempts))
    others = Counter(span.status for span in spans if span.status not in ("ok", "error"))
    took = sorted(s.duration for s in spans if s.status == "ok" and s.duration is not None)
    remarks = list(dict.fromkeys(one.remark for one in members if one.remark and not one.retried))
    parts = [
        formatting.failures(failed, repaired),
        *(f"{n:,} {formatting.status(status)}" for status, n in others.items()),
        formatting.spread(took) if took else "",
        *remarks[:_REMARKS],
    ]
    return " · ".join(part for part in parts if part)


def _cost_in_words(members: list[OutlineRow]) -> str:
    """Return the word that stands for the cost of them all; "" where they have several."""
    costs = [one.span.cost for one in members if one.span.status != "error"]
    words = {formatting.cost(cost) for cost in costs if cost is not None}
    return words.pop() if len(words) == 1 else ""


def merge_failures(failed: list[OutlineRow]) -> list[OutlineRow]:
    """Return equal failures as one row each, `× 40`, in the order of their first."""
    groups: dict[tuple[str, ...], list[OutlineRow]] = {}
    for one in failed:
        groups.setdefault((one.row["name"], one.row["label"], one.error), []).append(one)
    for first, *others in groups.values():
        if others:
            times = sum(one.spans - len(one.attempts) for one in (first, *others))
            first.row["label"] += f" × {times:,}"
            first.spans += sum(one.spans for one in others)
            first.attempts = ()
    return [same[0] for same in groups.values()]
