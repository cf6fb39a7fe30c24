"""A request as it crossed the wire, taken apart for those that write it as code."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aimon_nb import providers

DEPTH = 60  # of lists and objects in each other; Python's own parser takes 200 brackets
_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 (compared with, not bound to)


@dataclass(frozen=True)
class Request:
    """A POST: its URL, its bytes, and of its headers those that matter and are no keys.

    `notes` say in words what is left out of it.
    """

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @functools.cached_property
    def content(self) -> Any:
        """The body as JSON; None if it is none that Python's source can hold as data."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return content if _depth_is_at_most(content, DEPTH) else None

    @property
    def is_object(self) -> bool:
        """Whether its content has names."""
        return isinstance(self.content, dict)

    @property
    def is_stream(self) -> bool:
        """Whether its answer comes as a stream."""
        in_path = "stream" in self.path.rpartition("/")[2].lower()
        return in_path or (self.is_object and self.content.get("stream") is True)

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether every client can send its content: no NaN in it, and no half of a character."""
        try:
            json.dumps(self.content, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            return False
        return True

    @functools.cached_property
    def address(self) -> str:
        """The URL without its query."""
        return self.url.partition("?")[0]

    @functools.cached_property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.url).path

    @functools.cached_property
    def query(self) -> dict[str, str]:
        """What the URL's query says, by name."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @functools.cached_property
    def host(self) -> str:
        """The host, with its port where the URL has one."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_local(self) -> bool:
        """Whether it went to this machine."""
        return (urlsplit(self.url).hostname or "") in _LOCAL

    @functools.cached_property
    def provider(self) -> str:
        """The name of who answers at its host; "" where that is not known."""
        known = providers.at_host(self.host)
        return known.name if known is not None else ""


def _depth_is_at_most(value: Any, depth: int) -> bool:
    if not isinstance(value, (dict, list)):
        return True
    items = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_depth_is_at_most(item, depth - 1) for item in items)
