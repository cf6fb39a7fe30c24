"""Usage + provider + model + time → cost; what counts; the user's own word on it."""

from __future__ import annotations

from aimon_nb.pricing.explanation import explain
from aimon_nb.pricing.listed import prepare
from aimon_nb.pricing.lookup import price
from aimon_nb.pricing.overrides import alias, context, free, host, on_change, table, unset, update
from aimon_nb.pricing.overrides import set_price as set  # noqa: A004
from aimon_nb.pricing.totals import price_run

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
