"""How providers put a request and its answer: one small file each."""

from __future__ import annotations

import re
from typing import Any, Protocol

from aimon_nb.model import Call
from aimon_nb.wire.dialects.openai_chat import OpenAIChat
from aimon_nb.wire.dialects.openai_embeddings import OpenAIEmbeddings


class Dialect(Protocol):
    """What a provider's paths, requests and answers look like.

    `answer` is called with the whole JSON body, or with each event of a stream
    in turn; later values win.
    """

    provider: str
    paths: re.Pattern[str]

    def operation(self, path: str) -> str:
        """`chat`, `embeddings` … for a path that matches."""

    def request(self, call: Call, body: dict[str, Any]) -> None:
        """Read the request: model, messages, tools, parameters."""

    def answer(self, call: Call, event: dict[str, Any]) -> None:
        """Read an answer or one event of it: text, tool calls, usage, reason."""


def find(path: str) -> Dialect | None:
    """The dialect of a request, by its path; None if it asks no model."""
    return next((dialect for dialect in _ALL if dialect.paths.search(path)), None)


_ALL: tuple[Dialect, ...] = (OpenAIChat(), OpenAIEmbeddings())
