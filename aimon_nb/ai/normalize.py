"""Any value as span data: strict JSON of bounded size, whatever the value does."""

from __future__ import annotations

import json
from typing import Any

from aimon_nb.ai.consts import with_today
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.to_plain import Plain, key_text
from aimon_nb.sentry import own_spans

# Characters of one value; Sentry's own limit for messages is 20 kB.
SIZE = 20_000
# Of these are left free for the marks of what is cut.
_FOR_MARKS = 500


def set_data_normalized(span: Any, key: str, value: Any, unpack: bool = True) -> None:  # noqa: FBT001, FBT002
    """Put a value on a span as plain data; it never raises.

    Text, whole and finite numbers and bools stay as they are. Everything else
    leaves as JSON text: models (pydantic, dataclasses, attrs) and mappings as
    objects; lists, tuples, sets, arrays and columns as lists; None as null; an
    enum as its value; dates, UUIDs, paths and decimals as text; bytes as their
    size; what is not finite as `NaN`, `Infinity`, `-Infinity`. What is cut (a
    cycle, too deep, too much) leaves a mark that starts with `[cut:`.

    Args:
        span: the span (of either lifecycle, sampled or not); None is the current one.
        key: name of the attribute.
        value: anything; at most 20,000 characters of it are kept.
        unpack: whether a list of one item becomes the item, at every depth.

    Example:
        set_data_normalized(span, "gen_ai.response.text", response.choices)

    Source: sentry-sdk's page on AI monitoring, "Data normalization utilities";
    unpacking at every depth from sentry-sdk 2.x.
    """
    with internal_errors.suppress("normalising a value"):
        plain = normalized(value, unpack=unpack)
        target = span if span is not None else own_spans.current()
        if target is not None:
            own_spans.set_data(target, with_today({key_text(key): plain}))


def normalized(value: Any, *, unpack: bool = True) -> str | float:
    """Return the value as one attribute: a scalar, or JSON text; never longer than `SIZE`."""
    budget = SIZE - _FOR_MARKS
    while True:
        plain = Plain(budget, unpack=unpack).of(value)
        if isinstance(plain, (int, float)):
            return plain
        text = plain if isinstance(plain, str) else _json(plain)
        if len(text) <= SIZE:
            return text
        # Much of it needed escapes.
        budget //= 2


def _json(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
