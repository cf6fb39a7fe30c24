"""A budget: what is spent, what is reserved for calls in flight, and whether one more fits in.

Whoever uses one holds the recorder's lock: to look and to reserve is one step for all threads.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from aimon_nb.capture.budget_prices import cost_of
from aimon_nb.capture.state import OpenRequest, RunState
from aimon_nb.model.budget import BudgetLimits
from aimon_nb.model.cost import EXACT, added

_ZERO = Decimal(0)


class Amount(NamedTuple):
    """Money in US dollars and tokens."""

    usd: Decimal = _ZERO
    tokens: int = 0


_NOTHING = Amount()


class Refusal(NamedTuple):
    """Which limit one call more would break: its name, the figures around it, in their unit."""

    unit: str  # usd, calls, tokens, or price: the model has none
    limit: Decimal | int
    spent: Decimal | int
    reserved: Decimal | int
    expected: Decimal | int
    in_flight: int
    unknown: int
    reason: str = ""


@dataclass(slots=True, eq=False)
class Budget:
    """Limits, and what has been used of them.

    `in_flight` has what each call that is under way is expected to take, `unknown` the same of
    answers that told no usage: it stays reserved. `ended` are calls whose answer has ended and is
    to be counted: whoever has 5,000 in flight does not look at each before the next one. `costs`
    and `tokens` are those of answered calls by model, sorted; `beside` what did not cross the
    wire, by run: it counts, and cannot be stopped. Once it has refused a call, in the words of
    `refusal`, it refuses all.
    """

    limits: BudgetLimits
    name: str  # whose it is: in messages
    owner: RunState | None = None  # whose it is, or whose loop; None: the kernel's
    calls: int = 0
    usd: Decimal = _ZERO
    spent_tokens: int = 0
    in_flight: dict[OpenRequest, Amount] = field(default_factory=dict)
    in_flight_amount: Amount = _NOTHING  # the sum of these
    ended: deque[OpenRequest] = field(default_factory=deque)
    unknown: dict[OpenRequest, Amount] = field(default_factory=dict)
    unknown_amount: Amount = _NOTHING  # the sum of these
    costs: dict[str, list[Decimal]] = field(default_factory=dict)
    tokens: dict[str, list[int]] = field(default_factory=dict)
    beside: dict[str, tuple[int, Amount]] = field(default_factory=dict)
    blind: int = 0  # calls that were sent when nothing was known of what they take
    refusal: str | None = None
    has_warned: bool = False

    @property
    def spent(self) -> Amount:
        """What is known to have been spent."""
        others = [amount for _, amount in self.beside.values()]
        usd = added((self.usd, *(one.usd for one in others)))
        return Amount(usd, self.spent_tokens + sum(one.tokens for one in others))

    @property
    def sent(self) -> int:
        """How many calls there were, with those that did not cross the wire."""
        return self.calls + sum(calls for calls, _ in self.beside.values())

    @property
    def reserved(self) -> Amount:
        """What calls in flight, and answers that told no usage, are expected to have taken."""
        return _plus(self.unknown_amount, self.in_flight_amount)

    def expected(self, model: str, first: Amount) -> Amount:
        """Return what a call of a model is expected to take: the p95 of those answered.

        `first` is what is taken for it before there is one.
        """
        costs, tokens = self.costs.get(model), self.tokens.get(model)
        return Amount(_p95(costs) if costs else first.usd, _p95(tokens) if tokens else first.tokens)

    def knows(self, model: str) -> bool:
        """Return whether a call of this model was answered, and told what it took."""
        return model in self.costs or model in self.tokens

    def why_not(self, expected: Amount) -> Refusal | None:
        """Return the limit that one more call would break; None where it fits into all."""
        limits, spent, reserved = self.limits, self.spent, self.reserved
        counts = len(self.in_flight), len(self.unknown)
        if limits.calls is not None and self.sent + 1 > limits.calls:
            return Refusal("calls", limits.calls, self.sent, 0, 1, *counts)
        total = added((spent.usd, reserved.usd, expected.usd))
        # Nothing is left, and of this one nothing is known: it would not be free.
        is_used_up = limits.usd is not None and EXACT.add(spent.usd, reserved.usd) >= limits.usd
        if limits.usd is not None and (total > limits.usd or is_used_up):
            return Refusal("usd", limits.usd, spent.usd, reserved.usd, expected.usd, *counts)
        used = spent.tokens + reserved.tokens
        if limits.tokens is not None and (
            used + expected.tokens > limits.tokens or used >= limits.tokens
        ):
            return Refusal(
                "tokens", limits.tokens, spent.tokens, reserved.tokens, expected.tokens, *counts
            )
        return None

    def reserve(
        self,
        request: OpenRequest,
        expected: Amount,
        model: str = "",
        least: Amount = _NOTHING,
    ) -> None:
        """Count a call of a model that is sent now; it takes so much at `least`."""
        self.calls += 1
        limits = self.limits
        no_price = limits.usd is not None and not expected.usd and model not in self.costs
        no_size = limits.tokens is not None and not expected.tokens and model not in self.tokens
        self.blind += no_price or no_size
        self.in_flight[request] = held = _larger(expected, least)
        self.in_flight_amount = _plus(self.in_flight_amount, held)

    def settle(
        self,
        request: OpenRequest,
        model: str,
        usd: Decimal | None,
        tokens: int | None,
        least: Amount = _NOTHING,
    ) -> None:
        """Count what an answered call took; what it did not tell (None) stays reserved.

        That is what it was expected to take, and so much at `least`.
        """
        expected = _larger(self._landed(request) or self._known_now(request), least)
        needs = self.limits
        if (usd is None and needs.usd is not None) or (tokens is None and needs.tokens is not None):
            self.unknown[request] = expected
            self.unknown_amount = _plus(self.unknown_amount, expected)
            return
        if usd is not None:
            self.usd = EXACT.add(self.usd, usd)
            insort(self.costs.setdefault(model, []), usd)
        if tokens is not None:
            self.spent_tokens += tokens
            insort(self.tokens.setdefault(model, []), tokens)

    def forget(self, request: OpenRequest) -> None:
        """A call was refused by its provider, or never left: nothing is billed."""
        self._landed(request)
        self._known_now(request)

    def _landed(self, request: OpenRequest) -> Amount | None:
        amount = self.in_flight.pop(request, None)
        if amount is not None:
            self.in_flight_amount = _less(self.in_flight_amount, amount)
        return amount

    def _known_now(self, request: OpenRequest) -> Amount:
        amount = self.unknown.pop(request, _NOTHING)
        self.unknown_amount = _less(self.unknown_amount, amount)
        return amount


def _plus(a: Amount, b: Amount) -> Amount:
    return Amount(EXACT.add(a.usd, b.usd), a.tokens + b.tokens)


def _larger(a: Amount, b: Amount) -> Amount:
    return Amount(max(a.usd, b.usd), max(a.tokens, b.tokens))


def _less(a: Amount, b: Amount) -> Amount:
    return Amount(EXACT.subtract(a.usd, b.usd), a.tokens - b.tokens)


def note_beside(run_state: RunState) -> None:
    """Tell a run's budgets what did not cross the wire: it counts, and no gate can stop it."""
    from aimon_nb.pricing.counted import counted_spans

    run = run_state.run
    if all(one.call is not None for one in list(run.spans.values()) if one.may_cost):
        return
    spans = [one for one in counted_spans(run).counted if one.call is None]
    costs = [(one.cost or cost_of(one)).total for one in spans]
    totals = [one.usage.total or (one.usage.input or 0) + (one.usage.output or 0) for one in spans]
    used = Amount(added(cost for cost in costs if cost is not None), sum(totals))
    for budget in run_state.budgets:
        budget.beside[run.run_id] = len(spans), used


def _p95(values: list[Any]) -> Any:
    return values[math.ceil(0.95 * len(values)) - 1]


def overshoot(budgets: Iterable[Budget]) -> Iterable[Budget]:
    """Return the budgets of which more was spent than they allow."""
    for budget in budgets:
        limits, spent = budget.limits, budget.spent
        if (limits.usd is not None and spent.usd > limits.usd) or (
            limits.tokens is not None and spent.tokens > limits.tokens
        ):
            yield budget
