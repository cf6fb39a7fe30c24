"""The words and number formats that every form of a run shows.

One place, so that the live tree, the saved notebook and the terminal show the same
thing in the same words. `format.js` repeats `seconds`, `tokens` and `money` for
numbers that tick in the page; `tests/views/formats.json` holds both to one table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sized
from decimal import Decimal

from aimon_nb.model import Cost, Run, Usage
from aimon_nb.model.cost import EXACT, SMALLEST, dollars

# A mark never stands alone: the word beside it carries the meaning.
MARKS = {
    "running": "…",
    "ok": "✓",
    "error": "✕",
    "interrupted": "◼",
    "cancelled": "◼",
    "abandoned": "◌",
    "lost": "?",
    "over_budget": "◼",
    "killed": "✕",
}
FAILED = frozenset({"error", "interrupted", "lost", "over_budget", "killed"})

_FOREIGN = "{:,} calls of threads that this cell did not start are not counted"
_ONE_FOREIGN = "1 call of a thread that this cell did not start is not counted"
_SAVED_WHOLE = (
    "saved whole (--save full): the notebook's file holds this run's prompts and answers, and "
    "what went into its steps and came out"
)
# How an amount begins.
_FIGURE = tuple("$<→0123456789")
_CENT = Decimal("0.01")
# C0, C1, bidi controls, invisible marks, line separators, lone surrogates. The
# zero-width joiners stay: emoji and several scripts are written with them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff]"
)


def seconds(x: float | None) -> str:
    """Format a length of time: `0.41 s`, `12.3 s`, `62 s`, `1 m 40 s`, `2 h 05 m`."""
    if x is None or x != x:  # noqa: PLR0124 (only NaN differs from itself)
        return ""
    if x < 0.005:
        return "< 0.01 s"
    for limit, digits in ((9.995, 2), (59.95, 1), (99.5, 0)):
        if x < limit:
            return f"{x:.{digits}f} s"
    minutes, rest = divmod(round(x), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} m"


def spread(durations: list[float]) -> str:
    """Format how long each of many took: `each p50 0.31 s · …`; in seconds, sorted."""
    p50, p95 = (durations[max(0, math.ceil(q * len(durations)) - 1)] for q in (0.5, 0.95))
    return f"each p50 {seconds(p50)} · p95 {seconds(p95)} · max {seconds(durations[-1])}"


def tokens(usage: Usage) -> str:
    """Format tokens in and out: `12,035 → 804`; only the known side; "" if nothing is known."""
    if usage.input is not None and usage.output is not None:
        return f"{usage.input:,} → {usage.output:,}"
    if usage.input is not None:
        return f"{usage.input:,}"
    if usage.output is not None:
        return f"→ {usage.output:,}"
    return f"{usage.total:,} in all" if usage.total is not None else ""


def money(amount: Decimal | None) -> str:
    """Format US dollars: `$0.0242`, `< $0.00001`, `$1.24`; "" for an unknown amount."""
    return "" if amount is None else dollars(amount)


def at_least(amount: Decimal) -> str:
    """Format a lower bound in US dollars: `≥ $0.0242`; where that would round to 0, `> $0`."""
    return f"≥ {money(amount)}" if amount >= SMALLEST else "> $0"


def mark_estimated(text: str, *, estimated: bool) -> str:
    """Return an amount, marked where it is an estimate (`~$0.0242`); a word stays as it is."""
    return f"~{text}" if estimated and text.startswith(_FIGURE) else text


def exact(amount: Decimal) -> str:
    """Format US dollars with five decimals or more, which the arithmetic of one call needs."""
    if 0 < amount < _CENT:
        return dollars(amount, 5)
    return f"${EXACT.quantize(amount, Decimal('0.00001')):,}"


def rate(per_million: Decimal | None) -> str:
    """Format a price per million tokens: `$2.50`; "" where there is none."""
    if per_million is None:
        return ""
    shown = EXACT.quantize(per_million, _CENT)
    return f"${shown:,}" if shown == per_million else f"${EXACT.normalize(per_million):,f}"


def cost(c: Cost | None) -> str:
    """Format what one call cost: an amount, a lower bound, or the word for why there is none."""
    if c is None:
        return ""
    if c.state == "partial" and c.total:
        return mark_estimated(money(c.total), estimated=True) if c.estimated else at_least(c.total)
    if c.cache_saving is not None:
        return "cached"
    if c.state == "priced":
        return mark_estimated(money(c.total), estimated=c.estimated) or "unpriced"
    return {"free": "free", "no_usage": "no usage"}.get(c.state, "unpriced")


def count(n: int, one: str, many: str = "") -> str:
    """Format a number with its noun: `1 call`, `5 calls`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def failures(errors: int, retries: int, steps: int = 0) -> str:
    """Format what went wrong: `3 failed · 11 retried · 1 step failed`; "" where nothing did.

    Failed are calls whose last attempt did, retried the attempts that a later one repaired.
    """
    parts = (
        f"{errors:,} failed" if errors else "",
        f"{retries:,} retried" if retries else "",
        f"{count(steps, 'step')} failed" if steps else "",
    )
    return " · ".join(part for part in parts if part)


def cached(usage: Usage) -> str:
    """Format the share of the input that the provider's cache held: `74 % cached`; "" if none."""
    if not usage.cached or not usage.input:
        return ""
    return f"{min(100, round(100 * usage.cached / usage.input))} % cached"


def omitted(spans: int, failures: Sized) -> str:
    """Format how many spans a saved form leaves out: `19,250 more: %ai_spans`."""
    return f"{spans:,} more: %ai_spans" + ("; what failed among them:" if len(failures) else "")


def status(value: str) -> str:
    """Return a status as a reader sees it: `ok`, `over budget`."""
    return value.replace("_", " ")


def marked(value: str) -> str:
    """Return a status with its mark: `✓ ok`, `✕ error`."""
    return f"{MARKS.get(value, '?')} {status(value)}"


def destination(run: Run) -> str:
    """Return where the spans of a run go: `Sentry 3f2a91c4`, or why not there.

    Where nobody has a client there is nothing to say: "".
    """
    if run.destination == "Sentry":
        return f"Sentry {run.trace_id[:8]}" if run.trace_id else "Sentry"
    why = run.unsent if run.destination == "local" else run.destination
    return f"not sent to Sentry: {why}" if why else ""


def trace(run: Run) -> str | None:
    """Return the id of the trace of a run that Sentry gets, else None."""
    return run.trace_id if run.destination == "Sentry" else None


def all_notes(run: Run) -> list[str]:
    """Return what a reader must see beside the tree: notes, what is in no sum, what caps cut."""
    uncounted = [
        f"not counted: {count(n, 'request')} to {place}"
        for place, n in run.totals.uncounted.items()
    ]
    n = run.foreign_calls
    foreign = [_FOREIGN.format(n) if n > 1 else _ONE_FOREIGN] if n else []
    return [*run.notes, *uncounted, *foreign, *run.caps.values()]


def saved_whole(run: Run) -> list[str]:
    """Return the line that marks an output with prompts in it; none where it has none."""
    return [_SAVED_WHOLE] if run.options.get("save") == "full" else []


def empty(run: Run) -> str:
    """Return why a run has no rows; "" while it has some."""
    if run.more is not None or any(run.shows(span) for span in list(run.spans.values())):
        return ""
    if run.running:
        return "waiting for the first call"
    notes = all_notes(run)
    return notes[0] if notes else "no model call was heard in this cell"


def notes_below(run: Run) -> list[str]:
    """Return the notes below the tree: all but the one that `empty` shows in its place."""
    notes = all_notes(run)
    shown_above = not run.running and bool(notes) and bool(empty(run))
    return notes[1:] if shown_above else notes


def visible(text: str) -> str:
    """Return the text with control and direction characters spelled out; it can be encoded."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_spell, text)


def line(text: str, limit: int = 300) -> str:
    """Return the text on one line, without hidden characters, cut to `limit` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return " ".join(text.split()) if "  " in text else text.strip()
    flat = visible(" ".join(text[: limit * 4].split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"
