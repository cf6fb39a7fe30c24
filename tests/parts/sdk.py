"""The installed sentry-sdk: which lifecycles it has, and a span as its default one makes it.

Series 3 has no transactions: a test, or a parameter of one, that is about them has the mark
`transactions`, and one about what only that series has the mark `series_3`; neither is
collected with the other series (`tests/tiers.py`).
"""

from importlib.util import find_spec

import pytest
import sentry_sdk

HAS_TRANSACTIONS = find_spec("sentry_sdk.tracing") is not None
transactions, series_3 = pytest.mark.transactions, pytest.mark.series_3
# As values of a parameter, and as plain names.
LIFECYCLES = [pytest.param("static", marks=transactions), "stream"]
NAMES = ("static", "stream") if HAS_TRANSACTIONS else ("stream",)
# What `sentry_sdk.init` is given for each.
OPTIONS = {"static": {}, "stream": {"trace_lifecycle": "stream"}}
# Of a client that is given nothing, and where there is none.
DEFAULT = NAMES[0]


def start_span(op=None, name=None, origin=None):
    """A span made by hand, as a client with the default lifecycle has it."""
    if HAS_TRANSACTIONS:
        return sentry_sdk.start_span(op=op, name=name, **({} if origin is None else {"origin": origin}))
    told = {"sentry.op": op, "sentry.origin": origin}
    return sentry_sdk.traces.start_span(name, {key: value for key, value in told.items() if value is not None})


def start_root(op, name):
    """A root made by hand: a transaction, or a segment."""
    if HAS_TRANSACTIONS:
        return sentry_sdk.start_transaction(op=op, name=name)
    return sentry_sdk.traces.start_span(name, {"sentry.op": op}, None)


def set_data(span, key, value):
    """Put an attribute on a span of either lifecycle."""
    (getattr(span, "set_data", None) or span.set_attribute)(key, value)


def end(span):
    """End a span of either lifecycle by hand."""
    span.finish() if HAS_TRANSACTIONS else span.end()
