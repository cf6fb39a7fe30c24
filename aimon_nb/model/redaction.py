"""The user's own say in what leaves the live view: `install(redact=f)`.

`f(destination, kind, value)` is asked for each text that is to be saved, shown as a table,
exported or sent, and returns what stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from aimon_nb.model.call import Message, ModelCall, ToolDefinition
from aimon_nb.model.item import Item
from aimon_nb.model.run import Run
from aimon_nb.model.span import Span, StepContent

Destination = Literal["notebook", "table", "export", "sentry"]
Kind = Literal["name", "error", "attribute", "prompt", "answer", "argument", "result", "source"]
Redact = Callable[[Destination, Kind, str], "str | None"]
HIDDEN = "…"
FAILED = "what install(redact=…) should have looked at is left out here: it raised "
_DEPTH = 20  # of lists and dicts in each other
_NAMES = ("name", "caller", "called_from", "pipeline", "agent", "tool")


class Redaction:
    """What the user wants done with texts that leave; nothing, unless he says so."""

    def __init__(self) -> None:
        self.hook: Redact | None = None
        self.fault: str | None = None

    def text(self, destination: Destination, kind: Kind, value: str) -> str:
        """Return what is to stand in the place of a text; of one that he fails on, nothing."""
        if self.hook is None:
            return value
        try:
            said = self.hook(destination, kind, value)
        except (Exception, SystemExit) as error:
            self.fault = type(error).__name__
            return HIDDEN
        return said if type(said) is str else HIDDEN

    def plain(self, destination: Destination, kind: Kind, value: Any, depth: int = _DEPTH) -> Any:
        """Return plain data with each text in it, keys aside, as he wants it."""
        if self.hook is None:
            return value
        if isinstance(value, str):
            return self.text(destination, kind, value)
        if not depth:
            return HIDDEN
        if isinstance(value, Mapping):
            return {
                key: self.plain(destination, kind, item, depth - 1) for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.plain(destination, kind, item, depth - 1) for item in value]
        return value

    def run(self, destination: Destination, run: Run) -> Run:
        """Return a run as it is to be at a destination: itself, where nobody wants otherwise."""
        if self.hook is None:
            return run
        self.fault = None
        options = {
            key: self.plain(destination, "attribute", value) if key in ("tags", "data") else value
            for key, value in run.options.items()
        }
        items = {one: self._item(destination, one) for one in list(run.items)}
        spans = {
            span_id: self._span(destination, span, items)
            for span_id, span in list(run.spans.items())
        }
        changed = replace(
            run,
            name=self.text(destination, "name", run.name),
            notebook=self._maybe(destination, "name", run.notebook),
            error=self._maybe(destination, "error", run.error),
            options=options,
            spans=spans,
            items=list(items.values()),
            batches=[
                replace(one, desc=self._maybe(destination, "name", one.desc))
                for one in list(run.batches)
            ],
            notes=list(run.notes),
        )
        if self.fault is not None:
            changed.notes.append(FAILED + self.fault)
        return changed

    def _item(self, to: Destination, item: Item) -> Item:
        key = item.key
        return replace(
            item,
            key=self.text(to, "name", key) if isinstance(key, str) else key,
            error=self._maybe(to, "error", item.error),
        )

    def _span(self, to: Destination, span: Span, items: Mapping[Item, Item]) -> Span:
        names: dict[str, Any] = {
            name: self._maybe(to, "name", getattr(span, name)) for name in _NAMES
        }
        return replace(
            span,
            **names,
            item=None if span.item is None else items.get(span.item, span.item),
            error=self._maybe(to, "error", span.error),
            error_in_full=self._maybe(to, "error", span.error_in_full),
            attributes=self.plain(to, "attribute", span.attributes),
            call=None if span.call is None else self._call(to, span.call),
            step=None if span.step is None else self._step(to, span.step),
        )

    def _call(self, to: Destination, call: ModelCall) -> ModelCall:
        return replace(
            call,
            error=self._maybe(to, "error", call.error),
            input=[self._message(to, "prompt", one) for one in call.input],
            output=[self._message(to, "answer", one) for one in call.output],
            parameters=self.plain(to, "attribute", call.parameters),
            tools=[self.text(to, "name", name) for name in call.tools],
            exchange=None,
            settings=self.plain(to, "prompt", call.settings),
            definitions=[
                ToolDefinition(
                    self.text(to, "name", name), *(self.text(to, "prompt", t) for t in rest)
                )
                for name, *rest in call.definitions
            ],
        )

    def _message(self, to: Destination, kind: Kind, message: Message) -> Message:
        calls = [
            (self.text(to, "name", name), self.text(to, "argument", arguments))
            for name, arguments in message.tool_calls
        ]
        text, tools = self.text(to, kind, message.text), self.text(to, "name", message.tools)
        return replace(message, text=text, tool_calls=calls, tools=tools)

    def _step(self, to: Destination, step: StepContent) -> StepContent:
        return replace(
            step,
            input=self.plain(to, "argument", step.input),
            output=self.plain(to, "result", step.output),
        )

    def _maybe(self, to: Destination, kind: Kind, value: str | None) -> str | None:
        return None if value is None else self.text(to, kind, value)


redaction = Redaction()
"""The process's own."""
