"""Taking keys and prompts out of the error events that we send; events of the user's are his own.

Without us a failed cell sends nothing, so what we send holds no more than our records do.
"""

from __future__ import annotations

from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.capture.to_plain import Plain

DATA_LENGTH = 10_000  # characters kept of a breadcrumb's data
# The last word of names like `http.query`, whose values are a query without its URL.
_QUERIES = frozenset({"query", "fragment", "query_string"})


def redact_messages(event: Any) -> None:
    """Redact the messages of the exceptions of an event, causes and parts of groups too.

    The event holds texts of its own, so the exceptions stay as they are.
    """
    for exception in event["exception"]["values"]:
        exception["value"] = redact_secrets(str(exception["value"]))


def redact_breadcrumbs(event: Any, _hint: Any) -> Any:
    """Return the event with redacted copies of its breadcrumbs; an event processor of the SDK.

    Copies, because the user's scope holds the breadcrumbs and his events get them too.
    """
    try:
        crumbs = event["breadcrumbs"]["values"]
        event["breadcrumbs"] = {"values": [_redacted_crumb(crumb) for crumb in crumbs]}
    except Exception:
        internal_errors.record("redacting breadcrumbs")
        event.pop("breadcrumbs", None)  # the SDK would send them as they were
    return event


def _redacted_crumb(crumb: dict[str, Any]) -> dict[str, Any]:
    redacted = dict(crumb)
    if "message" in crumb:
        # ipykernel logs the traceback of each failed cell, with the lines of its source, and
        # those hold prompts and keys: only the first line of a message is kept.
        redacted["message"] = redact_secrets(
            str(crumb["message"] or "").partition("\n")[0][:DATA_LENGTH]
        )
    if "data" in crumb:
        # Objects become words first: the SDK would ask for their `repr` after us.
        redacted["data"] = _redacted(Plain(DATA_LENGTH, unpack=False).of(crumb["data"]))
    return redacted


def _redacted(value: Any) -> Any:
    """Plain data with each text redacted."""
    if isinstance(value, str):
        return redact_secrets(value)
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    if isinstance(value, dict):
        return {
            key: "…" if item and key.rpartition(".")[2] in _QUERIES else _redacted(item)
            for key, item in value.items()
        }
    return value
