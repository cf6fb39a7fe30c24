"""The item that code is in: beginning and leaving one, and `item`, the block that is one."""

from __future__ import annotations

from typing import Any

from aimon_nb.capture import context, recorder
from aimon_nb.capture.budget import Budget
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.items import OpenItem, leave
from aimon_nb.capture.state import RunState
from aimon_nb.model.item import Batch


def current_run_state() -> RunState | None:
    """Return the open run that code is in; None outside of tracked code."""
    run_state = context.current_run.get() or recorder.sole
    if run_state is None or run_state.closed or context.is_of_another_cell(run_state):
        return None
    return None if recorder.forked else run_state


def begin_item(
    run_state: RunState,
    key: Any,
    batch: Batch | None = None,
    *,
    keeps_key: bool,
    budget: Budget | None = None,
) -> OpenItem | None:
    """Begin an item of a run here; None where our code fails, for the loop goes on."""
    with internal_errors.suppress("beginning an item"):
        return run_state.items.begin(
            key, run_state, recorder.log, batch, keeps_key=keeps_key, budget=budget
        )
    return None


def leave_item(open_item: OpenItem | None, error: BaseException | None = None) -> None:
    """Leave an item."""
    if open_item is not None:
        with internal_errors.suppress("leaving an item"):
            leave(open_item, error)


class ItemBlock:
    """What `item` gives: a block of code, and what it begins, is of one row.

    Example:
        row = item("first")
        with row:
            answer(question)

    Source: `progress`, of which it is the form without a loop.
    """

    def __init__(self, key: Any, *, keep_items: bool) -> None:
        self._key, self._keeps = key, keep_items
        self._open: list[OpenItem | None] = []

    def __enter__(self) -> None:
        run_state = current_run_state()
        begun = None
        if run_state is not None:
            begun = begin_item(run_state, self._key, keeps_key=self._keeps)
        self._open.append(begun)

    def __exit__(self, ty: object, error: BaseException | None, tb: object) -> None:
        """Leave the row; what went wrong is its error."""
        leave_item(self._open.pop(), error)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, ty: object, error: BaseException | None, tb: object) -> None:
        self.__exit__(ty, error, tb)


def item(key: Any, *, keep_items: bool = False) -> ItemBlock:
    """Count what a block of code asks under one row: `progress` for code without a loop.

    Of blocks inside one another the innermost holds.

    Args:
        key: the row's name: a number, a text, a date, a tuple of these; else its text.
        keep_items: whether a saved notebook keeps a key that is no whole number.

    Returns:
        A context manager, sync and async.

    Example:
        with item(row.id):
            answer(row.question)

    Source: `%ai_usage --by item`, which has a row for each key.
    """
    return ItemBlock(key, keep_items=bool(keep_items))
