"""What an SDK's span says of itself, and what a record takes from it."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Any

from aimon_nb.capture.to_plain import key_text
from aimon_nb.model import Frame, Span, Usage
from aimon_nb.model.span import SpanStatus, UsageSource
from aimon_nb.pricing.normalise import reported

ERROR_LENGTH = 500  # characters of an error message kept
_READ = 100_000  # characters of a message that are looked through for keys; the rest is left out
FRAMES = 30  # frames of a traceback kept, the innermost


# Field of `Span` ← attribute names, first match wins. The documented names and
# today's (sentry-conventions) stand side by side in the SDK's integrations.
_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("provider", "gen_ai.provider.name", "gen_ai.system"),
    ("request_model", "gen_ai.request.model", ""),
    ("model", "gen_ai.response.model", "ai.model_id"),
    ("operation", "gen_ai.operation.name", ""),
    ("agent", "gen_ai.agent.name", ""),
    ("tool", "gen_ai.tool.name", "mcp.tool.name"),
)
_PIPELINE = "gen_ai.pipeline.name"
# Most spans say nothing of a model: one look tells.
_TELLING = frozenset(key for _, *keys in _FIELDS for key in keys)
# A client that refuses a header quotes it, and what it refuses is a key with a newline as
# often as not. No pattern knows the keys of every provider: the whole quotation goes, to
# the end of a text that was cut. Other text may quote the error, so quotes may be escaped.
_QUOTED = r"b?(\\*['\"]).*?(?:(?<!\\)\2|\Z)"
# In this order: h11 for httpx, the standard library for urllib3 and botocore, requests and h2;
# requests of a value that is no text; aiohttp; grpc. Each begins with plain letters in their
# case, which makes a search 20 times faster.
_REFUSED_HEADERS = (
    r"(header (?:name|value)(?: surrounded by whitespace)?:? )" + _QUOTED,
    r"(Header part )\(.*?(?= must be of type|\Z)",
    r"(Cannot serialize non-str key ).*",
    r"(metadata was invalid: ).*",
)
_SECRETS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    *((re.compile(pattern, re.DOTALL), r"\1…") for pattern in _REFUSED_HEADERS),
    (re.compile(r"//[^\s/@'\"]+@"), "//…@"),
    (re.compile(r"\w://[^\s'\"()<>]+"), lambda url: re.sub(r"(?s)\?.+", "?…", url[0])),
    (re.compile(r"\?[^\s=?'\"()<>]+=[^\s'\"()<>]*"), "?…"),
    (re.compile(r"(?i)\bbearer +[\w.~+/=-]{8,}"), "Bearer …"),
    (re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi)[-_](?=[\w*-]*[\d*])[\w*-]{12,}"), "…"),
    (re.compile(r"\b(?:AIza[\w-]{20,}|A[KS]IA[A-Z0-9]{12,})"), "…"),
)
_ENDED: dict[str, SpanStatus] = {"ok": "ok", "cancelled": "cancelled"}


def update_span(data: dict[str, Any], span: Span) -> None:
    """Bring a record up to what the attributes of its span say, which are plain data."""
    span.attributes = data
    pipeline = data.get(_PIPELINE)
    if pipeline:
        span.pipeline = as_text(pipeline)
    if not _TELLING.isdisjoint(data):
        _take_fields(span, data)
    if span.provider is None and span.op.endswith(".cohere"):
        span.provider = "cohere"  # whose integration says it nowhere else
    if span.call is None or not span.call.usage.known:
        span.usage, span.usage_source = _counted(span, reported(data))


def as_text(value: Any) -> str:
    """A value as a name: of an object of the user's own its type, for it may answer anything."""
    if type(value) is str:
        return value
    if isinstance(value, str):  # an enum's, say
        return str.__str__(value)
    if value is None:
        return ""
    return key_text(value) if isinstance(value, (int, float)) else f"<{type(value).__name__}>"


def status_from(said: Any) -> SpanStatus:
    """How a span ended, from the SDK's word for it."""
    return _ENDED.get(as_text(said), "error")


def change_key(span: Span) -> tuple[Any, ...]:
    """What a reader sees of a span that is open: it differs where there is news."""
    return span.name, span.op, span.model, span.usage, len(span.attributes), span.is_duplicate


def _counted(span: Span, recorded: Usage) -> tuple[Usage, UsageSource | None]:
    # What was recorded by hand goes before an estimate; the zeros that an integration
    # writes for an answer it did not see the end of are no counts.
    if span.call is None or recorded.input or recorded.output:
        return recorded, "recorded" if recorded.known else None
    estimate = span.call.estimate
    return estimate, "estimate" if estimate.known else None


def _take_fields(span: Span, data: dict[str, Any]) -> None:
    get, call = data.get, span.call
    model = get("gen_ai.request.model")
    for name, first, second in _FIELDS:
        value = get(first) or get(second) or (model if name == "model" else None)
        if value and (call is None or getattr(span, name) is None):
            setattr(span, name, as_text(value))


def status_of(error: BaseException) -> SpanStatus:
    """How a span ended that this exception left."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return "interrupted"
    if type(error).__name__ in ("CancelledError", "Cancelled"):  # asyncio's and trio's
        return "cancelled"
    return "abandoned" if isinstance(error, GeneratorExit) else "error"


def describe(error: BaseException) -> tuple[str, str]:
    """(type, message) of an exception, whatever its `__str__` does."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a `__str__` of the user's may do anything
        text = "(its message cannot be read)"
    return type(error).__name__, redact_secrets(text)[:ERROR_LENGTH]


def frames_of(error: BaseException) -> tuple[Frame, ...]:
    """The frames that an exception came through, in words: the frames themselves hold locals."""
    found: deque[Frame] = deque(maxlen=FRAMES)
    at = error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        found.append(Frame(code.co_filename, at.tb_lineno, code.co_name))
        at = at.tb_next
    return tuple(found)


def current_stack() -> tuple[Frame, ...]:
    """The frames from the user's code to here, in words: where a call is made that fails."""
    found: list[Frame] = []
    at: FrameType | None = sys._getframe(1)
    while at is not None and len(found) < FRAMES and at.f_globals.get("__name__") not in _RUNNERS:
        found.append(Frame(at.f_code.co_filename, at.f_lineno, at.f_code.co_name))
        at = at.f_back
    return tuple(reversed(found))


# What runs the user's code: nothing above it says anything of an error.
_RUNNERS = frozenset(
    {"IPython.core.interactiveshell", "threading", "concurrent.futures.thread", "asyncio.events"}
)


def redact_secrets(text: str) -> str:
    """A message without a URL's user and query, a header, and words that look like keys.

    An HTTP client tells the whole URL that it could not reach and the header that it
    would not send, and a provider the key that it refused. Of a message of megabytes the
    beginning stays.
    """
    text = text[:_READ]
    for pattern, stands_in in _SECRETS:
        text = pattern.sub(stands_in, text)
    return text
