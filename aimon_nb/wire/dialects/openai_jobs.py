"""OpenAI's batches and videos: work that is begun by a POST and told of by GETs.

https://platform.openai.com/docs/api-reference/batch
https://platform.openai.com/docs/api-reference/videos
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import ModelCall
from aimon_nb.wire.dialects import known_usage, openai_responses
from aimon_nb.wire.dialects.json_values import dict_of, dicts_of, scalar_parameters, text_of
from aimon_nb.wire.dialects.openai_form import OpenAIForm

_OVER = {"completed", "failed", "expired", "cancelled"}
_VIDEO = ("seconds", "size")


class Job(OpenAIForm):
    """A POST that begins work; anybody's server may have such a path, so its body tells."""

    def matches_body(self, body: bytes | None) -> bool:
        """Return whether a request begins such work."""
        if self._is_known:
            return True
        return body is not None and all(marker in body for marker in self.body_markers)

    def may_be_deferred(self, body: bytes | None) -> bool:  # noqa: ARG002  always
        """Return True: the POST itself is answered at once."""
        return True


class OpenAIBatches(Job):
    """`POST …/batches`, whose results are a file, also at Azure and Groq."""

    operation = "batch"
    path_suffixes = frozenset({"batches"})
    body_markers = (b'"input_file_id"',)
    path_pattern = re.compile(r"(?:^|/v\d+|/openai)/batches$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """What is asked of each line; the model is named in the file."""
        super().request(call, body)
        call.parameters = scalar_parameters(body, ("endpoint", "completion_window"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A batch: where it stands, and which files hold its results."""
        if event.get("object") != "batch":
            return
        super().answer(call, event)
        call.service_tier = "batch"
        files = [text_of(event.get(key)) for key in ("output_file_id", "error_file_id")]
        status = text_of(event.get("status"))
        if status not in _OVER:
            self.await_usage(call, [text_of(event.get("id")), *files], f"{self.path}/…")
            return
        call.finish_reason = status
        path = self.path.removesuffix("/batches")
        self.await_usage(call, files, f"{path}/files/…/content")
        if not files[0]:  # no request was answered, so none is billed
            errors = dicts_of(dict_of(event.get("errors")).get("data"))
            why = next((text_of(one.get("message")) for one in errors), "")
            call.error = why or f"the batch has no results: {status}"
            self.bills_nothing, call.untold = True, None
        raw = dict_of(event.get("usage"))
        if raw.get("total_tokens") and not call.parts:
            counts = openai_responses.usage(raw)
            self.take_usage(call, raw, counts, known_usage.RESPONSES)
            call.untold = None


class OpenAIVideos(Job):
    """`POST …/videos`, also of a remix: no tokens are told, only what was made."""

    operation = "video"
    path_suffixes = frozenset({"videos", "remix", "edits", "extensions"})
    body_markers = (b'"model"', b'"prompt"')
    path_pattern = re.compile(r"/videos(?:/[^/]+/remix|/edits|/extensions)?$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, length and size."""
        super().request(call, body)
        call.parameters = scalar_parameters(body, _VIDEO)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A video: where it stands, how long and how large it is."""
        if event.get("object") != "video":
            return
        super().answer(call, event)
        call.parameters |= scalar_parameters(event, _VIDEO)
        status = text_of(event.get("status"))
        self.awaited = None
        if status == "failed":
            call.error = text_of(dict_of(event.get("error")).get("message")) or status
            self.bills_nothing = True
        elif status == "completed":
            call.finish_reason = status
            call.untold = _made(call)
            raw = dict_of(event.get("usage"))
            if raw:
                self.take_usage(call, raw, openai_responses.usage(raw), known_usage.RESPONSES)
        else:
            base = self.path[: self.path.rindex("/videos")]
            self.await_usage(call, [text_of(event.get("id"))], f"{base}/videos/…")


def _made(call: ModelCall) -> str:
    """Return in words what is known of a video: `no tokens are told of a video: 8 s, 720x1280`."""
    seconds, size = (str(call.parameters.get(key) or "")[:20] for key in _VIDEO)
    facts = [f"{seconds} s" if seconds else "", size]
    return f"no tokens are told of a video: {', '.join(filter(None, facts))}".rstrip(": ")
