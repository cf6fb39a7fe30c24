"""Messages without the secrets that clients and providers quote in them."""

from __future__ import annotations

import re
from collections.abc import Callable

_READ = 100_000  # characters of a message that are looked through for keys; the rest is left out
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
