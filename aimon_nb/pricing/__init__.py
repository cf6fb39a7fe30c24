"""Usage + provider + model + time → cost; what counts; the user's own word on it."""

from __future__ import annotations

from aimon_nb.pricing.api import alias, context, free, host, on_change, table, unset, update
from aimon_nb.pricing.api import set_price as set  # noqa: A004
from aimon_nb.pricing.counted import price_run
from aimon_nb.pricing.explain import explain
from aimon_nb.pricing.price_list import prepare
from aimon_nb.pricing.resolve import price

__all__ = [
    "alias",
    "context",
    "explain",
    "free",
    "host",
    "on_change",
    "prepare",
    "price",
    "price_run",
    "set",
    "table",
    "unset",
    "update",
]
