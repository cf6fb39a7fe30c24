"""What the headers and the query of a failed request held, known by hashes alone.

A provider that refuses a key quotes it, and no pattern knows the keys of every provider.
So where a request has failed, and only there, the words of its headers are hashed, with a
secret of this process: no value is kept, and no hash leaves the memory. A word of an error
with such a hash is left out of it.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

MOST = 1_000  # words that are known; the oldest are forgotten first
# A word of a header and of an error is the same, whatever stands around it.
_WORD = re.compile(r"[\w.~+/-]+")
_EDGES = "._~+/-"
_SHORTEST, _LONGEST = 8, 5_000
_READ = 20_000  # characters of a header
# Headers of which a provider may say what is wrong with them.
_PLAIN = re.compile(
    r"(?i)accept|content-|user-agent|host$|connection|transfer-|x-stainless-|sentry-trace|baggage"
    r"|traceparent|tracestate|anthropic-(?:version|beta)|x-goog-(?:api-client|request-)|x-amz-date"
    r"|x-amz-content|amz-sdk-|openai-(?:beta|organization|project)|date$|range$|referer|origin$"
)


class SentSecrets:
    """Words that were sent in headers, by their hash."""

    def __init__(self) -> None:
        self._salt = os.urandom(32)
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def learn(self, headers: Iterable[tuple[str, str]]) -> None:
        """Know the words of these headers, and of a query's values, from here on."""
        for name, value in headers:
            if _PLAIN.match(name):
                continue
            words = [word for word in _words(value[:_READ]) if len(word) >= _SHORTEST]
            for word in words:
                # Of several words those that say what kind of key it is are no key.
                if word is words[-1] or any(letter.isdigit() for letter in word):
                    self._known[self._hash(word)] = None
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def redact(self, text: str) -> str:
        """Return a text without the words that are known."""
        if not self._known:
            return text
        return _WORD.sub(self._stands_in, text)

    def _stands_in(self, match: re.Match[str]) -> str:
        found = match[0]
        word = found.strip(_EDGES)
        if not _SHORTEST <= len(word) <= _LONGEST or self._hash(word) not in self._known:
            return found
        return found.replace(word, "…")

    def _hash(self, word: str) -> bytes:
        return blake2b(word.encode("utf-8", "replace"), digest_size=16, key=self._salt).digest()


def _words(text: str) -> list[str]:
    return [word.strip(_EDGES) for word in _WORD.findall(text)]


sent_secrets = SentSecrets()
"""The process's own."""
