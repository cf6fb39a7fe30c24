"""Who asked, on the records of a run; and the line, where one function asks at several."""

from __future__ import annotations

from aimon_nb.model import Span
from aimon_nb.model.caller import Caller, Place
from aimon_nb.model.code_files import cell_name

_JOINED = " > "


class CallerLines:
    """The calls of one caller in a run, and the lines they were made at."""

    def __init__(self) -> None:
        self._calls: list[tuple[Span, Caller]] = []
        self._nearest: set[int | None] = set()
        self._outer: set[int | None] = set()

    def add(self, span: Span, caller: Caller) -> list[Span]:
        """Set the line of a call; return all whose line is said otherwise now."""
        before = len(self._nearest) > 1, len(self._outer) > 1
        self._nearest.add(caller[0].line)
        self._outer.add(caller[1].line if len(caller) > 1 else None)
        self._calls.append((span, caller))
        changed = before != (len(self._nearest) > 1, len(self._outer) > 1)
        told = self._calls if changed else self._calls[-1:]
        for one, places in told:
            self._tell(one, places)
        return [one for one, _ in told]

    def _tell(self, span: Span, caller: Caller) -> None:
        """The nearest line; where that is always the same, the line that called its function."""
        nearest, outer = caller[0].line, caller[1].line if len(caller) > 1 else None
        span.caller_line, span.caller_lines = nearest, None
        if len(self._outer) > 1 and outer is not None:
            differ = len(self._nearest) > 1
            span.caller_line = nearest if differ else outer
            span.caller_lines = f"line {outer} › {nearest}" if differ else f"line {outer}"
        elif len(self._nearest) > 1:
            span.caller_lines = f"line {nearest}"


def note_caller(span: Span, caller: Caller, known: dict[str | None, CallerLines]) -> list[Span]:
    """Set who asked on the record of a call; return all records that this changes.

    `known` are the callers of the run so far.
    """
    names = [place.function for place in reversed(caller) if place.function]
    span.caller, span.called_from = _JOINED.join(names) or None, _described(caller)
    return known.setdefault(span.caller, CallerLines()).add(span, caller)


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
