"""Usage + provider + model + time → cost; what counts; the user's own word on it."""

from __future__ import annotations

from aimon_nb.pricing.lookup import price
from aimon_nb.pricing.overrides import host, on_change
from aimon_nb.pricing.totals import price_run

__all__ = ["host", "on_change", "price", "price_run"]
