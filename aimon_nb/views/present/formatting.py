"""The words and number formats that every form of a run shows.

One place, so that the live tree, the saved notebook and the terminal never say
the same thing in two ways. `tree.js` repeats `seconds`, `tokens` and `money` for
numbers that tick in the page; `tests/views/formats.json` holds both to one table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sized
from decimal import Decimal

from aimon_nb.model import Cost, Run, Totals, Usage
from aimon_nb.model.cost import EXACT

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

# Sentry prices a call anew from its request model, without dates and tiers.
LOCALLY = "estimated locally; Sentry's own figure may differ"
_FIGURE = tuple("$<→0123456789")  # how an amount begins
_SMALLEST = Decimal("0.0001")
_CENT = Decimal("0.01")
# C0, C1, bidi controls, invisible marks, line separators, lone surrogates. The
# zero-width joiners stay: emoji and several scripts are written with them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff]"
)


def seconds(x: float | None) -> str:
    """Write a length of time: `0.41 s`, `12.3 s`, `62 s`, `1 m 40 s`, `2 h 05 m`."""
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


def spread(took: list[float]) -> str:
    """Say how long each of many took, in seconds and sorted: `each p50 0.31 s · …`."""
    p50, p95 = (took[max(0, math.ceil(share * len(took)) - 1)] for share in (0.5, 0.95))
    return f"each p50 {seconds(p50)} · p95 {seconds(p95)} · max {seconds(took[-1])}"


def tokens(usage: Usage) -> str:
    """Write tokens in and out: `12,035 → 804`; only the known side; "" if nothing is known."""
    if usage.input is not None and usage.output is not None:
        return f"{usage.input:,} → {usage.output:,}"
    if usage.input is not None:
        return f"{usage.input:,}"
    if usage.output is not None:
        return f"→ {usage.output:,}"
    return f"{usage.total:,} in all" if usage.total is not None else ""


def money(amount: Decimal | None) -> str:
    """Write US dollars: `$0.0242`, `< $0.0001`, `$1.24`; "" for an unknown amount."""
    if amount is None:
        return ""
    if amount == 0:
        return "$0"
    if amount < _SMALLEST:
        return "< $0.0001"
    exact = EXACT.quantize(amount, _SMALLEST)
    return f"${exact}" if exact < 1 else f"${EXACT.quantize(amount, _CENT):,}"


def at_least(amount: Decimal) -> str:
    """Write a lower bound: `≥ $0.0242`; below what can be written, `> $0`."""
    return f"≥ {money(amount)}" if amount >= _SMALLEST else "> $0"


def about(text: str, *, estimated: bool) -> str:
    """Mark an estimate: `~$0.0242`, `~60 → 20`; a word stays as it is."""
    return f"~{text}" if estimated and text.startswith(_FIGURE) else text


def exact(amount: Decimal) -> str:
    """Write US dollars as the arithmetic of one call needs them: five decimals."""
    if 0 < amount < Decimal("0.00001"):
        return "< $0.00001"
    return f"${EXACT.quantize(amount, Decimal('0.00001')):,}"


def rate(per_million: Decimal | None) -> str:
    """Write a price per million tokens: `$2.50`; "" where there is none."""
    if per_million is None:
        return ""
    shown = EXACT.quantize(per_million, _CENT)
    return f"${shown:,}" if shown == per_million else f"${EXACT.normalize(per_million):,f}"


def cost(c: Cost | None) -> str:
    """Say what one call cost: an amount, a lower bound, or the word for why there is none."""
    if c is None:
        return ""
    if c.state == "partial" and c.total:
        return about(money(c.total), estimated=True) if c.estimated else at_least(c.total)
    if c.saved is not None:
        return "cached"
    if c.state == "priced":
        return about(money(c.total), estimated=c.estimated) or "unpriced"
    return {"free": "free", "no_usage": "no usage"}.get(c.state, "unpriced")


def count(n: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 call`, `5 calls`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def cached(usage: Usage) -> str:
    """Say what share of the input came from the provider's cache: `74 % cached`."""
    if not usage.cached or not usage.input:
        return ""
    return f"{min(100, round(100 * usage.cached / usage.input))} % cached"


def total_cost(totals: Totals) -> tuple[str, str]:
    """Say the cost of a run and what must be said about it: (`≥ $0.0242`, `1 unpriced`)."""
    notes = list(_doubts(totals))
    if totals.cost is None and totals.estimate_cost:
        return about(money(totals.estimate_cost), estimated=True), " · ".join(notes)
    if totals.cost is None or (totals.cost == 0 and totals.lower_bound):
        return (notes[0], " · ".join(notes[1:])) if notes else ("", "")
    if totals.cost == 0:
        return ("free" if totals.calls > totals.errors else ""), " · ".join(notes)
    shown = at_least(totals.cost) if totals.lower_bound else money(totals.cost)
    return shown, " · ".join(notes)


def _doubts(totals: Totals) -> Iterator[str]:
    if totals.unpriced:
        yield f"{totals.unpriced:,} unpriced"
    if totals.no_usage:
        yield f"{totals.no_usage:,} without usage"
    if totals.unseen:
        yield f"{totals.unseen:,} tokens unseen"
    if totals.cached_locally:
        saved = f", ~{money(totals.saved)} saved" if totals.saved else ""
        yield f"{totals.cached_locally:,} cached locally{saved}"
    if totals.estimates:
        yield _estimate(totals)


def _estimate(totals: Totals) -> str:
    """Say what stands beside the sums: `~60 → 20 tokens estimated, ~$0.0003`."""
    text = about(tokens(totals.estimate), estimated=True)
    money_ = money(totals.estimate_cost) if totals.cost is not None else ""
    said = f"{text} tokens estimated" if text else count(totals.estimates, "estimate")
    return ", ".join(part for part in (said, about(money_, estimated=True)) if part)


def totals(t: Totals) -> list[str]:
    """List the pieces of a totals line: calls, errors, tokens, cached share, cost."""
    shown, note = total_cost(t)
    text = tokens(t.usage)
    pieces = [
        count(t.calls, "call") if t.calls else "",
        count(t.errors, "error") if t.errors else "",
        f"{text} tokens" if text else "",
        cached(t.usage),
        " · ".join(p for p in (shown, note) if p),
    ]
    return [p for p in pieces if p]


def beyond(spans: int, failures: Sized) -> str:
    """Say how many spans a saved form leaves out: `19,250 more: %ai_spans`."""
    return f"{spans:,} more: %ai_spans" + ("; what failed among them:" if len(failures) else "")


def status(value: str) -> str:
    """Write a status as a reader sees it: `ok`, `over budget`."""
    return value.replace("_", " ")


def marked(value: str) -> str:
    """Write a status with its mark: `✓ ok`, `✕ error`."""
    return f"{MARKS.get(value, '?')} {status(value)}"


def destination(run: Run) -> str:
    """Say where the spans of a run go: `local`, or `Sentry` with the start of its trace id."""
    if run.destination == "local":
        return "local"
    return f"{run.destination} {run.trace_id[:8]}" if run.trace_id else run.destination


def empty(run: Run) -> str:
    """Say why a run has no rows; "" while it has some."""
    if any(run.shows(span) for span in list(run.spans.values())):
        return ""
    if run.running:
        return "waiting for the first call"
    return run.notes[0] if run.notes else "no model call was heard in this cell"


def visible(text: str) -> str:
    """Spell out control and direction characters; the result can be encoded."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_spell, text)


def line(text: str, limit: int = 300) -> str:
    """Put the text on one line, cut to `limit` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return " ".join(text.split()) if "  " in text else text.strip()
    flat = " ".join(text[: limit * 4].split())
    flat = visible(flat)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"
