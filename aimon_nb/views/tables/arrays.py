"""Lists of values as nullable arrays of pandas, made without looking at the type of each value."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from aimon_nb.model.item import ItemKey
from aimon_nb.model.text import encodable

# The first whole number that no column holds.
_INT64_END = 2**63
_KEY_DTYPES = {
    frozenset({str}): "string",
    frozenset({int}): "Int64",
    frozenset({float}): "Float64",
    frozenset({int, float}): "Float64",
    frozenset({bool}): "boolean",
}


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


def key_array(keys: list[ItemKey | None]) -> Any:
    """Return keys of items as an array of their own type, so that a join finds them.

    Of several types at once they are objects; without any they are texts, all NA.
    """
    import numpy as np
    import pandas as pd

    kinds = {type(key) for key in keys if key is not None}
    if kinds and all(issubclass(kind, datetime) for kind in kinds):
        with suppress(TypeError, ValueError):  # some with a time zone, some without
            return pd.array(pd.to_datetime(pd.Series(keys)))
    dtype = "string" if not kinds else _KEY_DTYPES.get(frozenset(kinds))
    if dtype == "Int64" and any(abs(key) >= _INT64_END for key in keys if key is not None):  # type: ignore[arg-type]
        dtype = None
    if dtype is not None:
        return array(keys, dtype)
    objects = np.empty(len(keys), dtype="object")
    for at, key in enumerate(keys):
        # A run that came back from JSON has lists for tuples.
        objects[at] = pd.NA if key is None else tuple(key) if isinstance(key, list) else key
    return objects


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
