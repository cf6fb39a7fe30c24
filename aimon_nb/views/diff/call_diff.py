"""A model call against another one: numbers, parameters, prompt and answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypedDict
from zlib import crc32

from aimon_nb.model import Cost, Span
from aimon_nb.views.diff.edits import Steps
from aimon_nb.views.diff.messages import MessageDiff, Said, message_diffs
from aimon_nb.views.present import formatting
from aimon_nb.views.present.conversation import Side
from aimon_nb.views.present.detail import Detail, detail
from aimon_nb.views.present.media_view import MediaItem, media_bytes

_CENT = Decimal("0.01")
_LONG = 80  # characters of a parameter that is compared word by word


class CallDiff(TypedDict):
    """What differs; `facts` are [name, before, now, change], `parameters` [name, before, now].

    `facts` has those that are the same, too. What is unknown, or was not set, is "".
    """

    facts: list[list[str]]
    parameters: list[list[str]]
    prompt: list[MessageDiff]
    answer: list[MessageDiff]
    notes: list[str]


def call_diff(before: Span, now: Span) -> CallDiff:
    """Return what differs between an earlier call and this one, content included."""
    steps = Steps()
    old, new = detail(before), detail(now)
    both = ((before, old), (now, new))
    given, set_now = dict(old["parameters"] or ()), dict(new["parameters"] or ())
    changed = [
        (name, given.get(name, ""), set_now.get(name, ""))
        for name in given | set_now
        if given.get(name) != set_now.get(name)
    ]
    # A schema is read as a text is.
    long = [name for name, *texts in changed if max(map(len, texts)) > _LONG]
    sides = [(_sent(one, item, long), _said(one, item, "out")) for one, item in both]
    (asked, answered), (asks, answers) = sides
    return {
        "facts": list(_facts(before, now, old, new)),
        "parameters": [list(one) for one in changed if one[0] not in long],
        "prompt": message_diffs(asked, asks, steps),
        "answer": message_diffs(answered, answers, steps),
        "notes": [
            f"{which}: {item['nothing']}"
            for which, item in (("the other call", old), ("this call", new))
            if not item["messages"]
        ],
    }


def _said(span: Span, item: Detail, side: Side) -> list[Said]:
    """Return the messages of a side, each with the calls of tools and the media that it holds."""
    return [
        Said(
            turn["role"],
            "\n".join(
                [
                    *([turn["text"]] if turn["text"] else []),
                    *(f"→ {name}({arguments})" for name, arguments in turn["calls"]),
                    *(_media(span, one) for one in turn["media"]),
                ]
            ),
        )
        for turn in item["messages"] or ()
        if turn["side"] == side
    ]


def _media(span: Span, one: MediaItem) -> str:
    """Return a line for an image, a sound or a file: another one of its size is another line."""
    got = media_bytes(span, one["id"])
    data = got.data if got.data is not None else (got.text or "").encode()
    mark = f", crc32 {crc32(data):08x}" if data else ""
    return f"[{one['type'] or one['kind']}, {one['size']:,} bytes{mark}]"


def _sent(span: Span, item: Detail, names: list[str]) -> list[Said]:
    """Return what was sent: messages, tools, and the parameters of these names."""
    tools = [
        Said(f"tool {one['name']}", "\n".join(filter(None, (one["description"], one["schema"]))))
        for one in item["tools"] or ()
    ]
    given = dict(item["parameters"] or ())
    long = [Said(name, given[name]) for name in names if name in given]
    return [*_said(span, item, "in"), *tools, *long]


def _facts(before: Span, now: Span, old: Detail, new: Detail) -> Iterator[list[str]]:
    models = (one.model or one.request_model or "" for one in (before, now))
    yield from _fact("model", *models)
    yield from _fact("status", formatting.status(before.status), formatting.status(now.status))
    yield from _fact("error", old["error"] or "", new["error"] or "")
    for kind in ("input", "cached", "output", "reasoning"):
        a, b = getattr(before.usage, kind), getattr(now.usage, kind)
        counts = ("" if one is None else f"{one:,}" for one in (a, b))
        yield from _fact(f"{kind} tokens", *counts, change=_change(a, b, "{:,}".format))
    a, b = (None if one.cost is None else one.cost.total for one in (before, now))
    costs = (_cost(one.cost) for one in (before, now))
    yield from _fact("cost", *costs, change=_change(a, b, formatting.exact))
    times = (formatting.seconds(one.duration) for one in (before, now))
    change = _change(before.duration, now.duration, formatting.seconds)
    yield from _fact("duration", *times, change=change)
    yield from _fact("ending", old["ending"], new["ending"])


def _cost(cost: Cost | None) -> str:
    """Return a cost, of less than a cent with the decimals that tell two cheap calls apart."""
    shown = formatting.cost(cost)
    if cost is None or cost.total is None or cost.total >= _CENT:
        return shown
    return formatting.exact(cost.total) if shown.startswith(("$", "< $")) else shown


def _fact(name: str, before: str, now: str, *, change: str = "") -> Iterator[list[str]]:
    """Yield the line of a fact, unless neither call knows it."""
    if before or now:
        shown = (formatting.line(text, 300) for text in (before, now))
        yield [name, *shown, change if before != now else ""]


def _change(before: Any, now: Any, show: Callable[[Any], str]) -> str:
    """Return by how much a number has changed, with its sign; "" where one is unknown."""
    if before is None or now is None or before == now:
        return ""
    return f"{'+' if now > before else '-'}{show(abs(now - before))}"
