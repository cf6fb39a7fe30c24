"""The user's price rules as a DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimon_nb.pricing.price_rule import RATES, PriceRule

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    "name": "string",
    "is": "string",
    "provider": "string",
    "priced_as": "string",
    **dict.fromkeys(RATES, "Float64"),
    "glob": "boolean",
    "start": "datetime64[ns, UTC]",
    "saved": "boolean",
}


def rule_table(rules: list[PriceRule]) -> pd.DataFrame:
    """Return a row a rule, with prices in USD per million tokens; NA for what it does not have."""
    import pandas as pd

    rows = [
        {
            "name": rule.name,
            "is": rule.kind,
            "provider": rule.provider,
            "priced_as": rule.target,
            **{name: float(rate) for name, rate in rule.rates},
            "glob": rule.glob,
            "start": rule.start,
            "saved": rule.saved,
        }
        for rule in rules
    ]
    return pd.DataFrame(
        {n: pd.Series([row.get(n) for row in rows], dtype=dtype) for n, dtype in _COLUMNS.items()}
    )
