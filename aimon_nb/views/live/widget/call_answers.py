"""What a page asks of one call and gets once: it as code, its messages, it beside another.

`{k: 'code', id, form}` is answered by a text to copy, `{k: 'diff', id, other}` by what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aimon_nb.model import Run, Span
from aimon_nb.views.as_code.code import as_code, messages_as_json
from aimon_nb.views.as_code.sent import MissingRequestError, request_of
from aimon_nb.views.diff.call_diff import call_diff
from aimon_nb.views.diff.others import others
from aimon_nb.views.live.widget.answers import Answer

Runs = Callable[[], Iterable[Run]]
_FORMS = {"python": as_code, "messages": messages_as_json}


def answer(run: Run, runs: Runs, asked: Mapping[str, Any]) -> Answer | None:
    """Return what a page is told that asks for code or a diff; None for any other question.

    Args:
        run: The run that it asks about.
        runs: Returns the runs in memory, among whose calls one is compared.
        asked: The message of the page.

    """
    span = run.spans.get(str(asked.get("id")))
    if span is None:
        return None
    if asked.get("k") == "code":
        return Answer(_code(span, str(asked.get("form"))), [])
    if asked.get("k") == "diff":
        return Answer(_diff(span, run, runs, asked.get("other")), [])
    return None


def _code(span: Span, form: str) -> dict[str, Any]:
    told = {"k": "code", "id": span.span_id, "form": form, "text": None, "missing": ""}
    try:
        text = _FORMS[form](request_of(span))
    except MissingRequestError as error:
        return {**told, "missing": str(error)}
    return {**told, "text": text, "missing": "" if text else "it has no messages"}


def _diff(span: Span, run: Run, runs: Runs, wanted: Any) -> dict[str, Any]:
    found = others(span, run, runs())
    other = next((one for one in found if one.span.span_id == wanted), None)
    # The first is the one that is meant where none is named, or that is no longer in memory.
    other = other or next(iter(found), None)
    return {
        "k": "diff",
        "id": span.span_id,
        "other": wanted,
        "others": [[one.span.span_id, one.label] for one in found],
        "chosen": None if other is None else other.span.span_id,
        "diff": None if other is None else call_diff(other.span, span),
        "missing": "" if other is not None else "no other call of its caller is in memory",
    }
