"""The cells that run: a stack a thread, for subshells run cells in threads of their own."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from aimon_nb.app import RunSession


@dataclass(frozen=True, slots=True)
class OpenCell:
    """A cell that runs: IPython's info of it, its run if it is tracked, its request's id."""

    info: Any
    session: RunSession | None
    request_id: str | None


class OpenCells:
    """Cells by thread, the innermost last."""

    def __init__(self) -> None:
        self._stacks: dict[int, list[OpenCell]] = {}

    def push(self, cell: OpenCell) -> None:
        """Put a cell on top of those that run in this thread."""
        self._stacks.setdefault(threading.get_ident(), []).append(cell)

    @property
    def is_empty(self) -> bool:
        """Whether no cell runs in this thread."""
        return not self._stacks.get(threading.get_ident())

    def pop(self, result: Any) -> list[OpenCell]:
        """Take the cell that this is the result of off its stack; returns it, innermost first.

        With it go cells inside it that nobody ended: `await run_cell_async(…)` in a cell
        fires the first hook alone. None is of the cell that loaded the extension. Without
        a result it is the innermost one.
        """
        ident = threading.get_ident()
        stack = self._stacks.get(ident, [])
        at = len(stack) - 1
        if result is not None:
            same = [i for i, cell in enumerate(stack) if _is_same(cell.info, result.info)]
            at = same[-1] if same else len(stack)
        ended, stack[at:] = stack[at:], []
        if not stack:
            self._stacks.pop(ident, None)
        return ended[::-1]

    def pop_stale(self, request_id: str | None) -> list[OpenCell]:
        """Take off the cells that are over although IPython never said so, innermost first.

        A kernel takes one request to run a cell after the other, so those of an earlier
        one are: an interrupt fell into IPython's hooks.
        """
        stack = self._stacks.get(threading.get_ident(), [])
        if request_id is None or not stack or stack[0].request_id == request_id:
            return []
        stale, stack[:] = stack[::-1], []
        return stale

    def pop_all(self) -> list[OpenCell]:
        """Take off the cells of all threads, outermost first in each."""
        cells = [cell for stack in self._stacks.values() for cell in stack]
        self._stacks.clear()
        return cells


def _is_same(info: Any, other: Any) -> bool:
    """Whether both are of one cell: a runner that failed tells of it anew."""
    return info is other or (info.raw_cell, info.cell_id) == (other.raw_cell, other.cell_id)
