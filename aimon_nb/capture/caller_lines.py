"""Who asked, on the records of a run; and the line, where one function asks at several."""

from __future__ import annotations

from aimon_nb.model import Span
from aimon_nb.model.caller import Caller, Place
from aimon_nb.model.code_files import cell_name

_JOINED = " > "


class CallerLines:
    """The calls of one caller in a run, and the lines they were made at."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._calls: list[tuple[Span, Caller]] = []
        self._described: dict[Caller, str] = {}
        self._nearest: set[int | None] = set()
        self._outer: set[int | None] = set()

    def add(self, span: Span, caller: Caller) -> list[Span]:
        """Set who asked, and the line; return all calls whose line is said otherwise now."""
        span.caller = self._name
        span.called_from = self._described.get(caller) or _described(caller)
        self._described[caller] = span.called_from
        before = self._differ
        self._nearest.add(caller[0].line)
        self._outer.add(_outer_line(caller))
        told = [(span, caller)]
        if before != self._differ:
            told += self._calls
        if not span.folded:  # nobody else keeps one that has no row
            self._calls.append((span, caller))
        for one, places in told:
            self._set_line(one, places)
        return [one for one, _ in told]

    @property
    def _differ(self) -> tuple[bool, bool]:
        """Whether the lines differ in the nearest function, and in the one that called it."""
        return len(self._nearest) > 1, len(self._outer) > 1

    def _set_line(self, span: Span, caller: Caller) -> None:
        nearest, outer = caller[0].line, _outer_line(caller)
        inside, above = self._differ
        span.caller_line, span.caller_lines = nearest, f"line {nearest}" if inside else None
        if above and outer is not None:
            span.caller_line = nearest if inside else outer
            span.caller_lines = f"line {outer} › {nearest}" if inside else f"line {outer}"


def note_caller(span: Span, caller: Caller, known: dict[str | None, CallerLines]) -> list[Span]:
    """Set who asked on the record of a call; return all records that this changes.

    `known` are the callers of the run so far.
    """
    name = _JOINED.join(place.function for place in reversed(caller) if place.function) or None
    lines = known.get(name)
    if lines is None:
        lines = known[name] = CallerLines(name)
    return lines.add(span, caller)


def _outer_line(caller: Caller) -> int | None:
    return caller[1].line if len(caller) > 1 else None


def _described(caller: Caller) -> str:
    """`answer(), [5] line 12`, and the function that called it; never a path."""
    first, *others = caller
    text = _place(first, first.file)
    above = others[0] if others and others[0].function else None
    file = above.file if above is not None and above.file != first.file else ""
    return text if above is None else f"{text}, called by {_place(above, file)}"


def _place(place: Place, file: str) -> str:
    function = f"{place.function}(), " if place.function else ""
    cell = cell_name(file)
    where = f"[{cell.partition('[')[2]} " if cell else _base_name(file)
    return f"{function}{where}line {place.line}"


def _base_name(file: str) -> str:
    name = file.replace("\\", "/").rpartition("/")[2]
    return f"{name} " if name and not name.startswith("<") else ""
