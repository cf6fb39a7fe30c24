"""Taking keys and prompts out of the error events that we send; events of the user's are his own.

Without us a failed cell sends nothing, so what we send holds no more than our records do.
"""

from __future__ import annotations

from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.prompt_quotes import recent_prompts, without_quotes
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model.redaction import redaction
from aimon_nb.sentry.sent_spans import redact_root

MESSAGE = 300  # characters of an error's message that are sent
_READ = 2_000  # and those that are compared with prompts
# What is kept of a breadcrumb, and of its data, where those are of a request.
_KEPT = ("type", "category", "level", "timestamp")
_OF_A_REQUEST = ("method", "url", "status_code", "reason")


def redact_event(event: Any) -> None:
    """Redact all of an error event that is ours: messages, tags, and the names of its contexts."""
    redact_messages(event)
    event["tags"] = redaction.plain("sentry", "attribute", event["tags"])
    event["contexts"]["ai"] = redaction.plain("sentry", "name", event["contexts"]["ai"])


def redact_messages(event: Any) -> None:
    """Redact the messages of the exceptions of an event, causes and parts of groups too.

    The event holds texts of its own, so the exceptions stay as they are.
    """
    prompt = recent_prompts.text()
    for exception in event["exception"]["values"]:
        told = redact_secrets(str(exception["value"]))[:_READ]
        told = redaction.text("sentry", "error", without_quotes(told, prompt))
        exception["value"] = _short(told)


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE else f"{text[: MESSAGE - 1]}…"


def redact_joined(event: Any, _hint: Any) -> Any:
    """Return the event with what the SDK has added to it redacted; a processor of the SDK.

    Of breadcrumbs the places stay and no text: a line of a log holds whatever somebody wrote,
    httpx's a whole URL, ipykernel's the traceback of an earlier cell. What remains are copies,
    because the user's scope holds the breadcrumbs and his events get them as they were.
    """
    try:
        crumbs = event["breadcrumbs"]["values"]
        bare = [_without_texts(crumb) for crumb in crumbs if crumb.get("type") != "log"]
        event["breadcrumbs"] = {"values": bare}
    except Exception:
        internal_errors.record("redacting breadcrumbs")
        event.pop("breadcrumbs", None)  # the SDK would send them as they were
    try:
        redact_root(event)
    except Exception:
        internal_errors.record("redacting the trace of an event")
    return event


def _without_texts(crumb: dict[str, Any]) -> dict[str, Any]:
    bare = {key: crumb[key] for key in _KEPT if key in crumb}
    data = crumb.get("data")
    told = {key: data[key] for key in _OF_A_REQUEST if key in data} if type(data) is dict else {}
    # Of a user's object nothing is asked.
    told = {key: value for key, value in told.items() if type(value) in (str, int)}
    if told:
        bare["data"] = {
            key: redact_secrets(value) if isinstance(value, str) else value
            for key, value in told.items()
        }
    return bare
