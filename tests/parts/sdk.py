"""The installed sentry-sdk: which lifecycles it has, and a span as its default one makes it.

Series 3 has no transactions: a test, or a parameter of one, that is about them has the mark
`transactions`, and one about what only that series has the mark `series_3`; neither is
collected with the other series (`tests/tiers.py`).
"""

from importlib.util import find_spec

import pytest

from tests.parts import sdk
import sentry_sdk

HAS_TRANSACTIONS = find_spec("sentry_sdk.tracing") is not None
transactions, series_3 = pytest.mark.transactions, pytest.mark.series_3
# As values of a parameter, and as plain names.
LIFECYCLES = [pytest.param("static", marks=transactions), "stream"]
NAMES = ("static", "stream") if HAS_TRANSACTIONS else ("stream",)
# What `sentry_sdk.init` is given for each.
OPTIONS = {"static": {}, "stream": {"trace_lifecycle": "stream"}}
# A test of what both do takes `options`, what `receiver.init` is given.
EACH_LIFECYCLE = pytest.mark.parametrize("options", [pytest.param({}, id="static", marks=transactions), pytest.param(OPTIONS["stream"], id="stream")])
# Of a client that is given nothing, and where there is none.
DEFAULT = NAMES[0]


def start_span(op=None, name=None, origin=None):
    """A span made by hand, as a client with the default lifecycle has it."""
    if HAS_TRANSACTIONS:
        return sentry_sdk.start_span(op=op, name=name, **({} if origin is None else {"origin": origin}))
    told = {"sentry.op": op, "sentry.origin": origin}
    return sentry_sdk.traces.start_span(name, {key: value for key, value in told.items() if value is not None})


_CODE = "sentry_sdk.start_span(op={op}, name={name})" if HAS_TRANSACTIONS else "sentry_sdk.start_span(name={name}, attributes=dict([('sentry.op', {op})]))"
# The code of a function that makes one.
SPAN_FUNCTION = f"def span(name, op='x'): return {_CODE.format(op='op', name='name')}"


def code_of_span(op, name):
    """The code that makes a span by hand, for a cell or a program of its own; without braces, for it may stand in a template."""
    return _CODE.format(op=repr(op), name=repr(name))


def code_of_root(op, name):
    """The code that makes a transaction or segment by hand, where no span is open."""
    code = code_of_span(op, name)
    return code.replace("start_span", "start_transaction") if HAS_TRANSACTIONS else code


def streams(options):
    """Whether a client with these options sends spans by themselves, in no transaction."""
    return not HAS_TRANSACTIONS or options.get("trace_lifecycle") == "stream"


def start_in(options, name, op=None):
    """A span made by hand, as a client with these options has it."""
    if not streams(options):
        return start_span(op, name)
    return sentry_sdk.traces.start_span(name, {} if op is None else {"sentry.op": op})


def start_root(op, name, options=OPTIONS[DEFAULT]):
    """A root made by hand: a transaction, or a segment."""
    if not streams(options):
        return sentry_sdk.start_transaction(op=op, name=name)
    return sentry_sdk.traces.start_span(name, {"sentry.op": op}, None)


def continue_trace(headers, options):
    """Continue a trace of another process, as a program with a client of these options does."""
    (sentry_sdk.traces if streams(options) else sentry_sdk).continue_trace(headers)


def set_data(span, key, value):
    """Put an attribute on a span of either lifecycle."""
    (getattr(span, "set_data", None) or span.set_attribute)(key, value)


def end(span):
    """End a span of either lifecycle by hand."""
    span.finish() if HAS_TRANSACTIONS else span.end()
