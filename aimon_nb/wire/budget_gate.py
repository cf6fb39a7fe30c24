"""Budgets at the wire: a call is sent if it fits into each that holds for it.

Before one is sent the answers that have ended are read and priced, on this thread if ours has not
done so. All of it holds the recorder's lock, so that two threads do not take the same money.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from aimon_nb.capture.budget import Amount, Budget, Refusal
from aimon_nb.capture.budget_prices import cost_of, first_price, most_tokens, taken_by_text
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.state import OpenRequest, RunState
from aimon_nb.model import ModelCall
from aimon_nb.model.errors import BudgetExceeded
from aimon_nb.wire.budget_words import refused, warning
from aimon_nb.wire.model_request import ModelRequest

_LATEST = 100  # answers without a usage that are looked at again


@dataclass(slots=True)
class _Question:
    """What is known of a call before it is sent; `reason` says why its model has no price."""

    model: str
    first: Amount
    reason: str | None


def check(request: ModelRequest) -> None:
    """Reserve what a call is expected to take.

    Raises:
        BudgetExceeded: a budget does not allow it.

    """
    run_state = request.open_span.run_state
    budgets = budgets_of(request)
    if not budgets or request.is_held:
        return  # of one that nobody can read yet it is not known whether it is a call
    recorder = request.tracker.recorder
    with recorder.processor.lock:
        settle(budgets, recorder)
        question = _ask(request, needs_price=any(one.limits.usd is not None for one in budgets))
        for budget in budgets:
            if budget.refusal is not None:
                raise _refusal(budget, budget.refusal, run_state, request)
            why = _why_not(budget, question)
            if why is None:
                continue
            if budget.limits.on_budget == "warn":
                _warn(budget, why, question.model, run_state)
            else:
                words = refused(budget, why, question.model, run_state.run)
                raise _refusal(budget, words, run_state, request)
        least = Amount()
        if any(not one.knows(question.model) for one in budgets):
            least = _by_text(request.call, run_state, budgets)
        for budget in budgets:
            expected = budget.expected(question.model, question.first)
            budget.reserve(request, expected, question.model, least)
        request.budgets = budgets


def budgets_of(request: OpenRequest) -> tuple[Budget, ...]:
    """Return the budgets that hold for a call: of its runs, its kernel and its loops."""
    budgets = request.open_span.run_state.budgets
    return budgets if request.item is None else (*request.item.budgets, *budgets)


def settle(budgets: tuple[Budget, ...], recorder: Recorder, *, is_last: bool = False) -> None:
    """Count what the answers that have ended took; the last time also those that never will."""
    is_absorbed = False
    for budget in budgets:
        # A later GET may tell the usage of the latest of those that told none.
        late = [one for one in islice(reversed(budget.unknown), _LATEST) if _tells(one)]
        ended = [budget.ended.popleft() for _ in range(len(budget.ended))]
        try:
            for request in [*(budget.in_flight if is_last else ended), *late]:
                if request.is_done and not _is_read(request) and not is_absorbed:
                    recorder.processor.absorb()
                    is_absorbed = True
                if _is_read(request):
                    _count(budget, request)
        finally:
            # Those that could not be read yet come again.
            budget.ended.extend(one for one in ended if one in budget.in_flight)


def _tells(request: OpenRequest) -> bool:
    return isinstance(request, ModelRequest) and request.call.usage.known


def _is_read(request: OpenRequest) -> bool:
    update = request.open_span.call_update
    return update is not None and update.request is request and (update.is_read or update.abandoned)


def _count(budget: Budget, request: OpenRequest) -> None:
    span, update = request.open_span.span, request.open_span.call_update
    if span is None or update is None:
        return
    if update.call.refused:
        budget.forget(request)
        return
    cost = cost_of(span) if budget.limits.usd is not None else None
    usage = span.usage
    tokens = usage.total
    if tokens is None and usage.known:
        tokens = (usage.input or 0) + (usage.output or 0)
    model = update.call.request_model or ""
    usd = None if cost is None else cost.total
    least = Amount()
    if tokens is None or (usd is None and budget.limits.usd is not None):
        least = _by_text(update.call, request.open_span.run_state, (budget,))
    budget.settle(request, model, usd, tokens, least)


def _by_text(call: ModelCall, run_state: RunState, budgets: tuple[Budget, ...]) -> Amount:
    """Return what a call takes at least, that tells nothing else: what its text comes to."""
    needs_price = any(one.limits.usd is not None for one in budgets)
    return Amount(*taken_by_text(call, run_state.run, needs_price=needs_price))


def _ask(request: ModelRequest, *, needs_price: bool) -> _Question:
    """Read the request, on this thread: its model, and what it takes at most."""
    model = request.requested_model() or ""
    most = most_tokens(request.call)
    if not needs_price:
        return _Question(model, Amount(tokens=most or 0), None)
    usd, reason = first_price(request.call, request.open_span.run_state.run, most)
    return _Question(model, Amount(usd, most or 0), reason)


def _why_not(budget: Budget, question: _Question) -> Refusal | None:
    limit = budget.limits.usd
    if question.reason is not None and limit is not None:
        spent, reserved = budget.spent.usd, budget.reserved.usd
        return Refusal(
            "price", limit, spent, reserved, 0, len(budget.in_flight), 0, question.reason
        )
    return budget.why_not(budget.expected(question.model, question.first))


def _refusal(
    budget: Budget, words: str, run_state: RunState, request: ModelRequest
) -> BudgetExceeded:
    """Return the error for a call; the first of a budget is its last word."""
    error = BudgetExceeded(words)
    error.is_told_by_run = not run_state.closed
    if budget.refusal is None:
        budget.refusal = words
    around: RunState | None = run_state
    while around is not None:
        around.refusal = around.refusal or error
        around = None if around is budget.owner else around.outer
    if request.item is not None:
        request.item.refuse(error)
    return error


def _warn(budget: Budget, why: Refusal, model: str, run_state: RunState) -> None:
    if budget.has_warned:
        return
    budget.has_warned = True
    run_state.run.notes.append(warning(budget, why, model))
    if run_state.run.root_id is not None:
        run_state.changed.add(run_state.run.root_id)
