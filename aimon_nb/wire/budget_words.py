"""What is said of a budget: why a call was refused, what was spent, how to go on."""

from __future__ import annotations

from decimal import Decimal

from aimon_nb.capture.budget import Budget, Refusal
from aimon_nb.model import Run
from aimon_nb.model.cost import EXACT, dollars


def refused(budget: Budget, why: Refusal, model: str, run: Run) -> str:
    """Return why a call was not sent: spent, reserved, limit, what is left undone, how to go on."""
    which = f"this call of {_shown(model)}"
    if why.unit == "price":
        return (
            f"{budget.name} is {_money(why.limit)}, and {why.reason}: {which} was not sent. "
            f"aimon_nb.pricing.set(…) or .free(…) gives it a price, --on-budget warn sends it"
        )
    parts = [f"{_limit(budget, why)} reached: {_spent(why)}"]
    parts += [_reserved(why)] if why.reserved else []
    parts.append(_expected(why, which))
    undone = _not_sent(run)
    sentence = f"{', '.join(parts)}{undone}."
    return f"{sentence} Raise the limit to go on; {_answers(run)}"


def warning(budget: Budget, why: Refusal, model: str) -> str:
    """Return what a run says once of a limit that it only warns of."""
    if why.unit == "price":
        limit = f"{budget.name} is {_money(why.limit)}"
        return f"{limit}, and {why.reason}: its calls are sent, and are not in it"
    taken = ", ".join([_spent(why), *([_reserved(why)] if why.reserved else [])])
    goes_on = f"calls of {_shown(model)} go on (--on-budget warn)"
    return f"{_limit(budget, why)} reached: {taken}; {goes_on}"


def exceeded(budget: Budget) -> str:
    """Return how much more was spent than a budget allows, and why if it stops calls."""
    limits, spent = budget.limits, budget.spent
    stops = limits.on_budget == "stop"
    if limits.usd is not None and spent.usd > limits.usd:
        over = _money(EXACT.subtract(spent.usd, limits.usd))
        why = _why_over(budget, "a call was dearer than expected") if stops else ""
        return f"{_money(spent.usd)} spent, {over} over {budget.name} of {_money(limits.usd)}{why}"
    most = limits.tokens or 0
    why = _why_over(budget, "a call took more than expected") if stops else ""
    over = f"{spent.tokens - most:,} over {budget.name} of {most:,}"
    return f"{spent.tokens:,} tokens used, {over}{why}"


def _why_over(budget: Budget, otherwise: str) -> str:
    if budget.blind <= 1:
        return f": {otherwise}"
    many = f"{budget.blind:,} calls were sent before an answer told what one takes"
    return f": {many} (max_tokens in the request, or pilot=, tells it before)"


def untold(budget: Budget) -> str:
    """Return what is said of calls that told no usage; "" without any, or where none is needed."""
    many, held = len(budget.unknown), budget.unknown_amount
    if not many or (budget.limits.usd is None and budget.limits.tokens is None):
        return ""
    calls = f"{many:,} calls" if many > 1 else "1 call"
    taken = f"{held.tokens:,} tokens" if budget.limits.usd is None else _money(held.usd)
    return (
        f"{calls} told no usage: {budget.name} counts {taken} for {'them' if many > 1 else 'it'}, "
        "by other calls or by the text"
    )


def beside(budget: Budget) -> str:
    """Return what is said of calls that no budget can stop; "" without any."""
    calls = sum(number for number, _ in budget.beside.values())
    if not calls:
        return ""
    many = f"{calls:,} calls do" if calls > 1 else "1 call does"
    return f"{many} not cross the wire: counted in {budget.name}, and not stoppable"


def _money(amount: Decimal | int) -> str:
    return dollars(Decimal(amount))


def _limit(budget: Budget, why: Refusal) -> str:
    if why.unit == "usd":
        return f"{budget.name} of {_money(why.limit)}"
    return f"{budget.name} of {why.limit:,} {why.unit}"


def _amount(why: Refusal, value: Decimal | int) -> str:
    return _money(value) if why.unit == "usd" else f"{value:,}"


def _spent(why: Refusal) -> str:
    word = {"usd": "spent", "calls": "sent", "tokens": "used"}[why.unit]
    return f"{_amount(why, why.spent)} {word}"


def _reserved(why: Refusal) -> str:
    holders = [f"{why.in_flight:,} in flight"] if why.in_flight else []
    holders += [f"{why.unknown:,} that told no usage"] if why.unknown else []
    return f"{_amount(why, why.reserved)} reserved for calls ({', '.join(holders)})"


def _expected(why: Refusal, which: str) -> str:
    if why.unit == "calls" or not why.expected:
        return f"{which} was not sent"
    unit = "" if why.unit == "usd" else " tokens"
    return f"{which}, expected to take {_amount(why, why.expected)}{unit}, was not sent"


def _not_sent(run: Run) -> str:
    batch = next((one for one in reversed(run.batches) if not one.is_over), None)
    if batch is None or batch.total is None:
        return ""
    at = run.batches.index(batch)
    sent = sum(one.batch == at and (one.is_sent or one.is_done) for one in list(run.items))
    left = batch.total - sent
    return f"; {left:,} of {batch.total:,} items were not sent" if left > 0 else ""


def _answers(run: Run) -> str:
    where = "by item " if run.items else ""
    return f"what was answered stands {where}in last_run().spans(content=True)"


def _shown(model: str) -> str:
    return model[:80] or "a model without a name"
