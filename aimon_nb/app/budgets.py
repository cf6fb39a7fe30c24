"""The budgets of a run: its own, those of what it is opened in, and the kernel's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from aimon_nb.app.settings import Settings
from aimon_nb.capture import recorder
from aimon_nb.capture.budget import Budget, note_beside, overshoot
from aimon_nb.capture.items import current_item
from aimon_nb.capture.state import RunState
from aimon_nb.model.budget import BudgetLimits, dollars, whole
from aimon_nb.wire import budget_gate, budget_words


class KernelBudget:
    """What all runs of this kernel may spend together: `%config AimonMagics.budget`."""

    def __init__(self) -> None:
        self._budget: Budget | None = None
        self._usd: float | None = None

    def of(self, settings: Settings) -> Budget | None:
        """Return it as the settings have it now; another limit lets calls pass again."""
        if settings.budget != self._usd:
            self._usd = settings.budget
            if settings.budget is None:
                self._budget = None
                return None
            limits = BudgetLimits(usd=dollars(settings.budget))
            if self._budget is None:
                self._budget = Budget(limits, "the kernel's budget")
            self._budget.limits, self._budget.refusal = limits, None
            self._budget.has_warned = False
        return self._budget


def set_budgets(
    run_state: RunState, limits: BudgetLimits, kernel: Budget | None, name: str = "the run's budget"
) -> None:
    """Give a run that was just opened its budgets; the price list is read now, if it is needed."""
    around = () if run_state.outer is None else run_state.outer.budgets
    item = current_item.get()
    if item is not None and item.run_state is run_state.outer:
        around = (*item.budgets, *around)
    own = (Budget(limits, name, owner=run_state),) if limits.is_set else ()
    inherited = dict.fromkeys([*around, *((kernel,) if kernel is not None else ())])
    run_state.budgets = (*own, *inherited)
    if limits.usd is not None:
        # As a number: views show it, and Sentry gets it.
        run_state.run.options["budget"] = float(limits.usd)
    if any(one.limits.usd is not None for one in run_state.budgets):
        load_prices()


def load_prices() -> None:
    """Read the price list now: a call is not to wait for it."""
    from aimon_nb.pricing import prepare

    prepare()


def limits_of(settings: Settings, usd: Decimal | None) -> BudgetLimits:
    """Return the limits of a run."""
    return BudgetLimits(usd, settings.max_calls, settings.max_tokens, settings.on_budget)


def checked(
    budget: Any, max_calls: Any = None, max_tokens: Any = None
) -> tuple[Decimal | None, int | None, int | None]:
    """Return limits that Python code gives, each None where it has none; errors as `dollars`."""
    return (
        None if budget is None else dollars(budget),
        None if max_calls is None else whole(max_calls, "max_calls"),
        None if max_tokens is None else whole(max_tokens, "max_tokens"),
    )


def last_notes(run_state: RunState) -> Iterator[str]:
    """Yield what is to be said of a run's budgets when it is over."""
    if not run_state.budgets:
        return
    with recorder.processor.lock:
        note_beside(run_state)
        budget_gate.settle(run_state.budgets, recorder, is_last=True)
        yield from map(budget_words.exceeded, overshoot(run_state.budgets))
        for say in (budget_words.untold, budget_words.beside):
            yield from filter(None, map(say, run_state.budgets[:1]))
