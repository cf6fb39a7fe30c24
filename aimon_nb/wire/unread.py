"""Requests that no dialect reads and that may be model work all the same.

They are followed like any other, for what its answer tells of its usage is a bill
(`dialects.usage_only`); one that tells nothing is counted and named in the run.
"""

from __future__ import annotations

import re

from aimon_nb.wire.dialects import Dialect
from aimon_nb.wire.dialects.usage_only import UsageOnly
from aimon_nb.wire.known_paths import asks_no_model, rules_of

# Of a body so much is looked at, half of it at its end: clients put the model there.
_LOOK = 4096
_MOST_BASES = 1000
_NAMED_IN_PATH = b"/invocations"
_INPUTS = (b'"messages"', b'"prompt"', b'"input"', b'"contents"', b'"documents"')
# A string, or what opens and closes; with a colon behind it a string is a key. The last
# string may be cut: what is in it is neither.
_MARKS = re.compile(rb'"((?:[^"\\]|\\.)*)(?:"(\s*:)?|\\?\Z)|[{}\[\]]', re.DOTALL)
_MODEL_AT_END = re.compile(rb',\s*"model"\s*:\s*"[^"\\]{1,200}"\s*[,}]')


class UnreadRequests:
    """Tells which requests ask a model although no dialect reads them."""

    def __init__(self) -> None:
        # By host, below which paths a model was asked before.
        self._bases: dict[str, set[str]] = {}

    def remember(self, address: str, dialect: Dialect) -> None:
        """A model was asked at this host: what else is asked below the same path may ask one."""
        bases = self._bases.get(address)
        if bases is None:
            if len(self._bases) >= _MOST_BASES:
                return
            bases = self._bases[address] = set()
        match = dialect.path_pattern.search(dialect.path)
        base = dialect.path[: match.start()] if match is not None else ""
        if isinstance(dialect, UsageOnly):
            base = dialect.path
        elif not base:  # its pattern is the whole path: what begins as that one does
            base = "/" + dialect.path.strip("/").partition("/")[0]
        if len(bases) < _MOST_BASES:
            bases.add(base)

    def dialect_for(self, address: str, raw_path: bytes, body: bytes | None) -> Dialect | None:
        """Return what reads the answer's usage, if the request may be model work.

        Args:
            address: The host, with its port where the URL has one.
            raw_path: The path as it is sent, with its query.
            body: The request's bytes, None where they are not all in memory.

        """
        bases = self._bases.get(address)
        # Such a path names the model (Databricks, SageMaker), and the body does not.
        is_named = _NAMED_IN_PATH in raw_path
        asks = body is not None and (is_named or _may_ask_a_model(body))
        # Most requests end here.
        if bases is None and not asks and rules_of(address) is None:
            return None
        path = raw_path.partition(b"?")[0].decode("ascii", "replace")
        quiet = asks_no_model(address, path)
        if quiet is None:
            # A copy: other threads may add to it.
            is_near = bases is not None and any(_is_below(path, base) for base in bases.copy())
            quiet = not is_near and not (
                asks and body is not None and _asks_a_model(body, is_named=is_named)
            )
        return None if quiet else UsageOnly(address.partition(":")[0], path)


def _is_below(path: str, base: str) -> bool:
    return path.startswith(base) and path[len(base) :][:1] in ("/", ":", "")


def _ends_of(body: bytes) -> tuple[bytes, bytes]:
    if len(body) <= _LOOK:
        return body, b""
    return body[: _LOOK // 2], body[-_LOOK // 2 :]


def _may_ask_a_model(body: bytes) -> bool:
    """Return whether a body is JSON and has a model in it: one look tells of most that not."""
    if len(body) <= _LOOK:
        return b'"model"' in body and body.lstrip()[:1] == b"{"
    head, tail = _ends_of(body)
    return (b'"model"' in head or b'"model"' in tail) and head.lstrip()[:1] == b"{"


def _asks_a_model(body: bytes, *, is_named: bool) -> bool:
    """Return whether a JSON body names a model, if its path does not, and what to ask it.

    Both stand at its top: deeper they are in somebody's records of such requests.
    """
    head, tail = _ends_of(body)
    if not any(name in head for name in _INPUTS):
        return False
    keys = _keys_at_the_top(head)
    has_model = is_named or b"model" in keys or _MODEL_AT_END.search(tail) is not None
    return has_model and any(name.strip(b'"') in keys for name in _INPUTS)


def _keys_at_the_top(head: bytes) -> set[bytes]:
    """Return the keys of the first document; of several (one a line) none asks a model."""
    keys: set[bytes] = set()
    depth = 0
    for match in _MARKS.finditer(head):
        mark = match[0]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth == 0 and head[match.end() :].strip():
                return set()
        elif depth == 1 and match[2]:
            keys.add(match[1])
    return keys


unread_requests = UnreadRequests()
"""The process's own."""
