"""Lists of values as nullable arrays of pandas, made without looking at the type of each value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aimon_nb.model.text import encodable

# The first whole number that no column holds.
_INT64_END = 2**63


def array(values: list[Any], dtype: str) -> Any:
    """Return the values as an array of a nullable dtype; None becomes NA."""
    import numpy as np

    # Most columns of a large table hold one value only (the run, its pipeline, NA): that one
    # is converted and repeated, 1.5 ms for 100,000 where pandas takes 25.
    if len(values) > 1 and values.count(values[0]) == len(values):
        return array(values[:1], dtype).take(np.zeros(len(values), dtype="int64"))
    if dtype == "string":
        return _texts(values)
    return _moments(values) if dtype.startswith("datetime") else _numbers(values, dtype)


def _numbers(values: list[Any], dtype: str) -> Any:
    import numpy as np
    import pandas as pd

    # Values and mask are handed over as they are: `pd.array` looks at the type of each value,
    # and takes 19 ms for 100,000 whole numbers instead of 11 (of 1 s that a table of 100,000
    # spans may take: benchmarks/pricing.py; docs/performance.md says what else a span costs).
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
    except OverflowError:
        # A sum may be more than a column holds: then it is unknown.
        unknown |= np.array([abs(value) >= _INT64_END for value in values], dtype="bool")
        fitting = [filler if na else value for value, na in zip(values, unknown, strict=True)]
        return make(np.array(fitting, dtype=kind), unknown)


def _moments(values: list[datetime]) -> Any:
    import pandas as pd

    # 28 ms for 100,000; numpy, which takes no time zone, would need 370.
    return pd.to_datetime(values, utc=True).as_unit("ns")


def _texts(values: list[str | None]) -> Any:
    import pandas as pd

    try:
        # pandas would take a lone surrogate, before 3 and without pyarrow: only writing it fails.
        "".join(value for value in values if value).encode()
    except UnicodeEncodeError:
        values = [value if value is None else encodable(value) for value in values]
    return pd.array(values, dtype="string")
