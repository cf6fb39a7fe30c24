"""Messages without the secrets that clients and providers quote in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from aimon_nb.capture.sent_secrets import sent_secrets

_READ = 100_000  # characters of a message that are looked through for keys; the rest is left out
_NAME = 1_000  # characters of a name of which what is left is remembered
# Attributes that hold a query without its URL, and those that hold a URL.
_QUERIES = frozenset({"http.query", "http.fragment", "url.query", "url.fragment"})
_URLS = frozenset({"url", "http.url", "url.full", "http.target"})
_OF_URLS = _QUERIES | _URLS
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
# Names whose values are secrets. What follows them is one if it is quoted, or set by `=`, or
# has a digit: "password: is required" is no secret.
_NAMES = (
    r"(?:api[-_ ]?key|(?:access|account|secret|private)[-_ ]?key|secret|passw(?:or)?d|pwd"
    r"|credentials?|(?:auth|access|refresh|session|security|bearer|id)[-_ ]?token|authorization"
    r"|cookie)"
)
_VALUE = r"(?:(?:bearer|basic|token|digest|key) +)?(?![*…])"
_NAMED = (
    rf"(?i)({_NAMES}[\w-]{{0,20}}\\*['\"]?\s{{0,3}}[:=]\s{{0,3}}\[?b?\\*(['\"])){_VALUE}[^'\"\\]{{4,}}",
    # A pair: headers are listed as such by those who keep their order.
    rf"(?i)(\(b?(['\"])[\w-]{{0,40}}?{_NAMES}[\w-]{{0,20}}\2, ?b?['\"]){_VALUE}[^'\"\\]{{4,}}",
    rf"(?i)({_NAMES}[\w-]{{0,20}}\s?=\s?()){_VALUE}[^\s'\"&,;)\]}}]{{4,}}",
    rf"(?i)({_NAMES}[\w-]{{0,20}}\s?:\s{{0,3}}()){_VALUE}(?=[^\s'\"&,;]{{0,200}}\d)[^\s'\"&,;)\]}}]{{6,}}",
    r"(?i)(cookie: {0,3}())(?=[\w.-]{1,60}=)[^\r\n'\"]{4,}",
    r"(?i)(authorization: {0,3}basic +())[\w+/=]{6,}",
    r"(?i)((?<![\w-])(?:key|token|sig|signature)=)(?=[^\s'\"&,;]{0,200}\d)[^\s'\"&,;)\]}]{16,}",
)
_VALUES = tuple(re.compile(pattern) for pattern in _NAMED)
# Of a tag or a datum the name stands apart from its value, and must be one as a whole: a
# `secretary` is none.
_SECRET_NAME = re.compile(rf"(?i){_NAMES}|key|token|sig|signature")
# One of which is in each of those names.
_WORDS = ("key", "secret", "passw", "pwd", "credential", "token", "authorization", "cookie", "sig")
# What the keys of providers begin with.
_BRANDS = (
    r"(?:(?:sk|pk|rk|csk|gsk|xai|hf|r8|nvapi|pplx|tvly|jina|tgp|pypi|glpat|lsv2|xox[abeoprs]|xapp"
    r"|sntry[su]|gh[oprsu])[-_]"
    r"|github_pat_|npm_)"
)
_SECRETS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    *((re.compile(pattern, re.DOTALL), r"\1…") for pattern in _REFUSED_HEADERS),
    (re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END|\Z)"), "…"),
    # To the last at sign, for a password may hold one; with a slash, too, if it is no port.
    (re.compile(r"//[^\s/'\"]+@"), "//…@"),
    (re.compile(r"(?<=://)[^\s:/@'\"]{0,64}:(?!\d{1,5}/)[^\s@'\"]{1,100}@(?=\w)"), "…@"),
    (re.compile(r"\b[\w.+-]{1,64}:[^\s:/@'\"<>()]{3,100}@(?=\w)"), "…@"),
    (re.compile(r"\w://[^\s'\"()<>]+"), lambda url: re.sub(r"(?s)\?.+", "?…", url[0])),
    (re.compile(r"\?[^\s=?'\"()<>]+=[^\s'\"()<>]*"), "?…"),
    (re.compile(r"(?i)\bbearer +[\w.~+/=-]{8,}"), "Bearer …"),
    (re.compile(r"(?i)\bbasic +(?=[a-z+/]{0,200}[\d=])[\w+/]{8,}={0,2}"), "Basic …"),
    # A JSON web token: its head, `{"alg"…`, is always the same letters.
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?"), "…"),
    (re.compile(rf"\b{_BRANDS}(?=[\w*-]{{0,200}}[\d*])[\w*-]{{12,}}"), "…"),
    (re.compile(r"\b(?:AIza[\w-]{20,}|A[KSB]IA[A-Z0-9]{12,}|ya29\.[\w-]{10,})"), "…"),
    (re.compile(r"\b(?:dapi[0-9a-f]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})"), "…"),
)
# As short and of no other characters it can hold none of these: most names are.
_HARMLESS = re.compile(r"[\w .]{0,13}")
FILTERED = "[filtered]"  # in the place of a value whose name says what it is
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")


class EmailRule:
    """Whether e-mail addresses are taken out as keys are; off unless the user switches it on."""

    on = False


emails = EmailRule()
"""The process's own."""


def redact_secrets(text: str, limit: int | None = _READ) -> str:
    """A message without a URL's user and query, a header, and words that look like keys.

    An HTTP client tells the whole URL that it could not reach and the header that it
    would not send, and a provider the key that it refused: what a failed request's headers
    held is known by its hash (`capture/sent_secrets.py`). Of a message of megabytes the
    beginning stays, as far as `limit`.
    """
    text = sent_secrets.redact(text[:limit])
    if _HARMLESS.fullmatch(text):
        return text
    for pattern, stands_in in _SECRETS:
        text = pattern.sub(stands_in, text)
    # Most texts name none, and to look for all of them by pattern is slow.
    lowered = text.lower()
    if any(word in lowered for word in _WORDS):
        for pattern in _VALUES:
            text = pattern.sub(r"\1…", text)
    return _EMAIL.sub("…@…", text) if emails.on else text


def redact_name(name: str) -> str:
    """Return a name without what looks like a key: a run has few names and many spans."""
    return _redact_short(name) if len(name) <= _NAME else redact_secrets(name, None)


@lru_cache(maxsize=4096)
def _redact_short(name: str) -> str:
    return redact_secrets(name)


def redact_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return tags or data without what looks like a key, in their names too.

    Of a value whose name says that it is a password or a key nothing is left.
    """
    return {redact_name(key): _redact_value(key, value) for key, value in values.items()}


def _redact_value(name: str, value: Any) -> Any:
    if type(value) not in (str, int):
        return value
    if _SECRET_NAME.fullmatch(name):
        said = f'{name}="{value}" {name}={value}'
        if any(pattern.search(said) for pattern in _VALUES):
            return FILTERED
    return redact_secrets(value, None) if type(value) is str else value


def redact_urls(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes without what a URL asks for; they themselves where they have no URL.

    Integrations keep a query beside its URL.
    """
    if _OF_URLS.isdisjoint(attributes):
        return attributes
    return {
        key: redact_secrets(value, None) if key in _URLS and isinstance(value, str) else value
        for key, value in attributes.items()
        if key not in _QUERIES
    }
