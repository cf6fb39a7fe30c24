"""A cell whose code went on after a budget had refused a call ends failed all the same."""

from __future__ import annotations

from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.error_groups import GROUP, as_one
from aimon_nb.model.errors import BudgetExceeded


def end_over_budget(shell: Any, result: Any, refusal: BudgetExceeded | None) -> None:
    """Have a cell end with a refusal, if it ends with no error of its own.

    The kernel replies after the hook that calls this, by the same result: what runs a notebook
    stops.
    """
    if result is None or result.error_before_exec:
        return
    if isinstance(result.error_in_exec, GROUP):
        # As it was shown: one refusal, if there is nothing else in it.
        result.error_in_exec = as_one(result.error_in_exec) or result.error_in_exec
    if refusal is None or result.error_in_exec:
        return
    with internal_errors.suppress("ending a cell over its budget"):
        result.error_in_exec = refusal
        shell.last_execution_succeeded = False
        shell.showtraceback((type(refusal), refusal, refusal.__traceback__), tb_offset=0)


def raise_refusal(refusal: BudgetExceeded | None, error: BaseException | None) -> None:
    """Raise a refusal where a nested cell or a statement ends with no error of its own."""
    if refusal is not None and error is None:
        raise refusal
