"""Lists of values as nullable arrays of pandas, made without looking at the type of each value."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any


def array(values: list[Any], dtype: str) -> Any:
    """An array of a nullable dtype; most columns of a large table hold one value only."""
    import numpy as np

    if len(values) > 1 and values.count(values[0]) == len(values):
        return array(values[:1], dtype).take(np.zeros(len(values), dtype="int64"))
    if dtype == "string":
        return _texts(values)
    return _moments(values) if dtype.startswith("datetime") else _numbers(values, dtype)


def _numbers(values: list[Any], dtype: str) -> Any:
    """Written by hand: pandas would look at the type of each value."""
    import numpy as np
    import pandas as pd

    kind, filler, make = {
        "Int64": ("int64", 0, pd.arrays.IntegerArray),
        "Float64": ("float64", 0.0, pd.arrays.FloatingArray),
        "boolean": ("bool", False, pd.arrays.BooleanArray),
    }[dtype]
    unknown = np.zeros(len(values), dtype="bool")
    if None in values:
        unknown = np.array([value is None for value in values], dtype="bool")
        values = [filler if value is None else value for value in values]
    try:
        return make(np.array(values, dtype=kind), unknown)
    except OverflowError:  # a sum may be more than a table holds
        gone = unknown | np.array([abs(value) >= 2**63 for value in values], dtype="bool")
        return make(
            np.array([0 if g else v for v, g in zip(values, gone, strict=True)], kind), gone
        )


def _moments(values: list[datetime]) -> Any:
    import numpy as np
    import pandas as pd

    utc = np.array([_naive(value) for value in values], dtype="datetime64[ns]")
    return pd.DatetimeIndex(utc).tz_localize("UTC")


def _texts(values: list[str | None]) -> Any:
    """Texts as an array; a text that no file can hold loses only its broken characters."""
    import pandas as pd

    try:
        # pandas would take a lone surrogate, before 3 and without pyarrow: only writing it fails.
        "".join(value for value in values if value).encode()
    except UnicodeEncodeError:
        values = [v if v is None else v.encode("utf-8", "replace").decode() for v in values]
    return pd.array(values, dtype="string")


def _naive(value: datetime) -> datetime:
    if value.tzinfo is timezone.utc:
        return value.replace(tzinfo=None)
    return value.astimezone(timezone.utc).replace(tzinfo=None)
