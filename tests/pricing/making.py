"""Spans and runs made by hand, in as few words as a test needs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version

import pytest

from aimon_nb.model import ModelCall, Run, Span, Usage

AT = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
# What a test says of single prices holds of the list of today.
todays_list = pytest.mark.skipif(version("genai-prices").startswith("0.1."), reason="Python 3.10 has an older price list")


def tokens(into=None, out=None, *, cached=None, write=None, reasoning=None, total=None):
    return Usage(into, cached, write, out, reasoning, total)


def call(model, usage, host="api.openai.com", *, asked=None, at=AT, tier=None, details=None, provider="openai", **more):
    """A call that crossed the wire to a host."""
    wire = ModelCall(
        provider=provider, host=host, request_model=asked or model, response_model=model, usage=usage,
        service_tier=tier, details=details or {}, parameters=more.pop("parameters", {}),
        streaming=bool(more.get("streaming")),
    )
    return Span(
        more.pop("span_id", "s"), more.pop("parent_id", "root"), "r", at, 0.0, op=more.pop("op", "gen_ai.chat"),
        name=f"chat {model}", status=more.pop("status", "ok"), duration=1.0, provider=provider, model=model,
        request_model=asked or model, usage=usage, call=wire, **more,
    )


def span(span_id, parent="root", op="gen_ai.chat", usage=None, *, model="gpt-4o", provider="openai", **more):
    """A span as an SDK or the user made it, with no call on the wire."""
    return Span(
        span_id, parent, "r", more.pop("at", AT), 0.0, op=op, name=more.pop("name", op), status=more.pop("status", "ok"),
        duration=more.pop("duration", 1.0), provider=provider, model=model, request_model=model,
        usage=usage or Usage(), **more,
    )


def run_of(*spans, ended=True):
    run = Run("r", "test", AT, root_id="root")
    run.spans["root"] = Span("root", None, "r", AT, 0.0, op="ai.pipeline", name="test", status="ok", duration=9.0)
    for one in spans:
        run.spans[one.span_id] = one
    if ended:
        run.status, run.ended, run.duration = "ok", AT + timedelta(seconds=9), 9.0
    return run


def usd(text):
    return Decimal(text)
