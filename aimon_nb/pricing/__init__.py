"""Usage + provider + model + time → cost; which spans count; the user's own prices."""

from __future__ import annotations

from aimon_nb.pricing.api import alias, context, free, host, on_change, table, unset, update
from aimon_nb.pricing.api import set_price as set  # noqa: A004
from aimon_nb.pricing.counted import price_run
from aimon_nb.pricing.explain import explain
from aimon_nb.pricing.price import price
from aimon_nb.pricing.price_list import is_ready, prepare

__all__ = [
    "alias",
    "context",
    "explain",
    "free",
    "host",
    "is_ready",
    "on_change",
    "prepare",
    "price",
    "price_run",
    "set",
    "table",
    "unset",
    "update",
]
