"""What is done with one call of a run: it is written as code, or held against another."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aimon_nb.app.shown_run import ShownRun
from aimon_nb.capture import recorder
from aimon_nb.model.redaction import redaction

if TYPE_CHECKING:
    from aimon_nb.model import Run, Span
    from aimon_nb.views.as_code.request import Request
    from aimon_nb.views.diff.others import Other


class LongText(str):
    """A text that a cell shows as it is, a line a line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class RunCalls(ShownRun):
    """The calls of a run, one by one.

    Example:
        run = last_run()
        print(run.code(run.spans().iloc[0]))

    Source: docs/view.md (the same in the page).
    """

    def code(self, span: str | Any) -> str:
        """A model call as Python that sends it again.

        In the form of OpenAI's, Anthropic's or Google's client where that can send it, else by
        httpx. Keys are taken from the environment, large images and sound from files.

        Args:
            span: its `span_id`, or its row of `spans()`.

        Returns:
            Python's source. It holds the prompt: where it is shown, it is saved with the notebook.

        Raises:
            LookupError: there is no such call, or its request is no longer in memory.

        Example:
            print(run.code(run.spans().iloc[0]))
        """
        from aimon_nb.views.as_code.code import as_code
        from aimon_nb.views.as_code.sent import request_of

        request = request_of(_call_of(self._latest, span))
        return LongText(as_code(replace(request, body=_to_be_shown(request))))

    def diff(self, span: str | Any, other: str | Any = None) -> str:
        """What differs between a model call and another one.

        Args:
            span: its `span_id`, or its row of `spans()`.
            other: the other's, in any run that is in memory; None is the one before of the same
                caller, or the one in its place in the last run of its cell.

        Returns:
            Lines with tokens, US dollars, seconds and parameters of both, and prompt and answer
            by words: `[-gone-]`, `{+new+}`.

        Raises:
            LookupError: there is no such call, or none to hold it against.

        Example:
            print(run.diff(run.spans().iloc[-1]))
        """
        from aimon_nb.views.diff.call_diff import call_diff
        from aimon_nb.views.diff.others import Other, others
        from aimon_nb.views.diff.text import as_text

        run, runs = self._latest, recorder.runs()
        now = _call_of(run, span)
        if other is None:
            found = others(now, run, runs)
        else:
            found = [
                Other(one, call, "this run" if one is run else "")
                for one in runs
                for call in _calls_of(one, other)
            ]
        if not found:
            raise LookupError("the call to hold it against is not in memory")
        before, this = _as_wanted(found[0]), _as_wanted(Other(run, now))
        return LongText(as_text(call_diff(before.span, this.span), before.label, this.label))


def _as_wanted(one: Other) -> Other:
    """Return a call as the user wants it in what is shown."""
    run = redaction.run("table", one.run)
    return one._replace(run=run, span=run.spans[one.span.span_id])


def _to_be_shown(request: Request) -> bytes:
    """Return the body of a request as the user wants it in what is shown."""
    if redaction.hook is None:
        return request.body
    if request.content is None:
        text = request.body.decode("utf-8", "replace")
        return redaction.text("table", "prompt", text).encode("utf-8", "replace")
    return json.dumps(redaction.plain("table", "prompt", request.content)).encode()


def _call_of(run: Run, span: str | Any) -> Span:
    found = _calls_of(run, span)
    if not found:
        raise LookupError(f"no call of this run is {_id_of(span)!r}")
    return found[0]


def _calls_of(run: Run, span: str | Any) -> list[Span]:
    """Return the call of this id, if the run has it."""
    found = run.spans.get(_id_of(span))
    return [found] if found is not None and found.is_call else []


def _id_of(span: str | Any) -> str:
    return span if isinstance(span, str) else str(span["span_id"])
