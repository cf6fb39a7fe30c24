"""Gemini's and Vertex's videos: a long operation, of which no tokens are told.

https://ai.google.dev/gemini-api/docs/video
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from aimon_nb.model import Message, ModelCall
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.gemini import MODEL
from aimon_nb.wire.dialects.json_values import dict_of, dicts_of, scalar_parameters, text_of

_PARAMETERS = ("durationSeconds", "resolution", "aspectRatio", "sampleCount")


class GeminiVideos(Dialect):
    """`POST …/MODEL:predictLongRunning`, and the operation that it begins."""

    provider = "gcp.gemini"
    operation = "video"
    path_suffixes = frozenset({"predictLongRunning"})
    path_pattern = re.compile(r"/models/[^/:]+:predictLongRunning$")

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        # Vertex tells of its operations by POSTs, with nothing that has a price either.
        self._is_vertex = "/publishers/" in path
        if self._is_vertex:
            self.provider = "gcp.vertex_ai"

    def may_be_deferred(self, body: bytes | None) -> bool:  # noqa: ARG002  always
        """Return whether a GET tells of the operation."""
        return not self._is_vertex

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Prompts and parameters; the model stands in the path."""
        call.request_model = unquote(self.in_path(MODEL)) or None
        prompts = (text_of(one.get("prompt")) for one in dicts_of(body.get("instances")))
        call.input = [Message("user", prompt) for prompt in prompts if prompt]
        call.parameters = scalar_parameters(dict_of(body.get("parameters")), _PARAMETERS)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """The operation: whether it is done, and whether it failed."""
        self.awaited = None
        if event.get("error"):
            self.bills_nothing = True
        elif event.get("done") is True or self._is_vertex:
            call.finish_reason = "done"
            call.untold = _made(call)
        else:
            operation = text_of(event.get("name")).rpartition("/")[2]
            base = self.path.partition(":")[0]
            self.await_usage(call, [operation], f"{base}/operations/…")


def _made(call: ModelCall) -> str:
    seconds = str(call.parameters.get("durationSeconds") or "")[:20]
    facts = [f"{seconds} s" if seconds else ""]
    facts += [str(call.parameters.get(key) or "")[:20] for key in ("resolution", "aspectRatio")]
    return f"no tokens are told of a video: {', '.join(filter(None, facts))}".rstrip(": ")
