"""How a row is called: its name, the dim words beside it and the dim line below it."""

from __future__ import annotations

import functools
import re

from aimon_nb.model import Run, Span
from aimon_nb.model.call import ASKED_BEFORE, ASKED_IN_FORGOTTEN, USAGE_ALONE
from aimon_nb.model.span import CALL_OPERATIONS, SpanKind
from aimon_nb.providers import OF_OUR_HOOKS, is_frameworks
from aimon_nb.views.present import error_text, formatting

_ASKED_ELSEWHERE = (ASKED_BEFORE, ASKED_IN_FORGOTTEN)
_STATUS_CODE = re.compile(r"\b([45]\d\d)\b")


def name(span: Span, kind: SpanKind | None = None, run: Run | None = None) -> str:
    """Return the name of the row: without the model, which stands beside it.

    In the tree of its `run` a call is named by who asked, unless the user named it or the row
    above tells that already.
    """
    kind = kind or span.kind
    own = span.tool if kind == "tool" else span.agent if kind == "agent" else None
    if own:
        return formatting.line(own, 120)
    text = span.name or span.op or "span"
    for model in (span.request_model, span.model):
        text = text.removesuffix(f" {model}") if model else text
    if span.call is not None:
        for words in _ASKED_ELSEWHERE:
            text = text.removesuffix(f" {words}")
    for prefix in ("execute_tool ", "invoke_agent ", "invoke_workflow "):
        text = text.removeprefix(prefix)
    if run is not None and span.caller is not None and text in CALL_OPERATIONS:
        text = " › ".join(_caller_below(span, run)) or text
    return formatting.line(text, 120)


def _caller_below(span: Span, run: Run) -> list[str]:
    """Return the functions that asked, without those that the row above it stands for."""
    names = (span.caller or "").split(" > ")
    above = _row_above(span, run)
    if above is None:
        return names
    own = name(above)
    if _asks_by_itself(above, names):
        return []
    return names[len(names) - names[::-1].index(own) :] if own in names else names


def _row_above(span: Span, run: Run) -> Span | None:
    above = run.shown_parent(span)
    return None if above is None else run.spans.get(above)


def _asks_by_itself(span: Span, names: list[str]) -> bool:
    """Return whether a framework asks in it, wherever it was run from, and none of `names` does.

    So do its agents, and its own steps: a component, a retriever. A step of the user's, a tool
    say, is one of the functions that asked, or holds them.
    """
    if span.kind == "agent":
        return is_frameworks(span.origin)
    is_step = span.kind != "tool" and (span.origin or "").startswith(OF_OUR_HOOKS)
    return is_step and name(span) not in names


def _lines(span: Span, run: Run) -> str | None:
    if span.caller_lines is None:
        return None
    above = _row_above(span, run)
    names = (span.caller or "").split(" > ")
    return None if above is not None and _asks_by_itself(above, names) else span.caller_lines


def label(span: Span, kind: SpanKind | None = None, run: Run | None = None) -> str:
    """Return the dim words beside the name: model, `line 3`, `agent`, `tool` ….

    They are the same for equal calls, however each of them went: that says `outcome`.
    """
    kind = kind or span.kind
    parts = [model_name(span), _lines(span, run) if run is not None else None]
    if kind in ("agent", "tool", "retrieval"):
        parts.append(kind)
    if span.cached_locally:
        parts.append("cached locally")
    if span.repeats and span.is_call:
        parts.append("not counted")
    return " · ".join(p for p in parts if p)


def outcome(span: Span) -> str:
    """Return how it went, in the words behind its label: `429`, `2nd try`, `streaming`; mostly "".

    `refused` is a call that a budget or an interrupt has: groups do not count it.

    That another attempt followed is known when the tree is laid out.
    """
    if span.status == "ok" and (span.attempt is None or span.attempt == 1):
        return ""
    parts = [_ending(span)]
    if (span.attempt or 1) > 1 and span.retried is None:
        parts.append(f"{ordinal(span.attempt or 1)} try")
    if span.streaming and span.status == "running":
        parts.append("streaming")
    return " · ".join(p for p in parts if p)


def ordinal(n: int) -> str:
    """Return a place in an order: `1st`, `2nd`, `3rd`, `11th`."""
    tens, last = divmod(n, 10)
    spoken = {1: "1st", 2: "2nd", 3: "3rd"}.get(last) if tens % 10 != 1 else None
    return f"{tens or ''}{spoken}" if spoken else f"{n}th"


def _ending(span: Span) -> str:
    if span.not_sent:
        return "refused"
    if span.status == "error" and span.is_call:
        return _status_code(span) or "error"
    return "" if span.status in ("ok", "running") else formatting.status(span.status)


def remark(span: Span) -> str:
    """Return the dim line below the row: who asked, where its usage is or will come from.

    Mostly there is nothing to say: "".
    """
    call = span.call
    if call is None:
        return ""
    said = [words for words in _ASKED_ELSEWHERE if words in (span.name or "")]
    if call.untold is not None and not span.usage.known:
        said.append(formatting.line(call.untold, 120))
    elif call.from_usage_alone:
        said.append(USAGE_ALONE)
    return " · ".join(said)


def model_name(span: Span) -> str:
    """Return the model of the answer, else of the request, on one line; "" without any."""
    model = span.model or span.request_model
    return _short_model(model) if model else ""


_short_model = functools.lru_cache(maxsize=1024)(functools.partial(formatting.line, limit=80))


def _status_code(span: Span) -> str | None:
    """Return the HTTP status that a call failed with, from its attributes or its message."""
    code = span.attributes.get("http.response.status_code")
    if code:
        return str(code)
    match = _STATUS_CODE.search(f"{span.error_type} {error_text.message(span)}"[:200])
    return match[1] if match else None
