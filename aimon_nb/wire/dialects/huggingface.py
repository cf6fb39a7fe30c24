"""Hugging Face's text generation (TGI), at home or hosted; its chat is OpenAI's form.

https://huggingface.co/docs/text-generation-inference/reference/api_reference
https://huggingface.co/docs/inference-providers/tasks/text-generation

Output is reported only with `details`, input only in a stream's last event or if the
prompt's tokens were asked for.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    list_of,
    scalar_parameters,
    sum_of,
    text_of,
)

_HOSTED = re.compile(r"/models/([\w.-]+/[\w.-]+)(?:/pipeline/[\w-]+)?$")
_PARAMETERS = ("max_new_tokens", "temperature", "top_p", "top_k", "seed", "best_of", "details")


class HuggingFace(Dialect):
    """`POST /generate` and `/generate_stream`, wherever the server runs."""

    provider = "huggingface"
    operation = "text_completion"
    path_suffixes = frozenset({"generate", "generate_stream"})
    body_markers = (b'"inputs"',)
    path_pattern = re.compile(r"^/generate(?:_stream)?$")

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        if path.endswith("/feature-extraction"):
            self.operation = "embeddings"

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Prompt and parameters; the model stands in the path, if anywhere."""
        call.request_model = unquote(self.in_path(_HOSTED)) or None
        call.streaming = body.get("stream") is True or self.path.endswith("_stream")
        texts = body.get("inputs")
        texts = texts if isinstance(texts, list) else [texts]
        call.input = [Message("user", text) for text in texts if isinstance(text, str)]
        call.parameters = scalar_parameters(dict_of(body.get("parameters")), _PARAMETERS)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A generation, or one token of a stream."""
        token = event.get("token")
        if isinstance(token, dict):
            if token.get("special") is not True:
                self.turns.add_text(call, text_of(token.get("text")))
        else:
            self.turns.add_text(call, text_of(event.get("generated_text")))
        details = dict_of(event.get("details"))
        if details:
            call.finish_reason = text_of(details.get("finish_reason")) or call.finish_reason
            call.usage = _usage(details)


class HuggingFaceHosted(HuggingFace):
    """`POST /` of an inference endpoint, `/models/MODEL` of the serverless ones."""

    path_suffixes = frozenset()
    path_pattern = re.compile(
        r"^/$|^/(?:hf-inference/)?models/[\w.-]+/[\w.-]+(?:/pipeline/[\w-]+)?$"
    )
    hosts = re.compile(r"(?:^|\.)huggingface\.(?:co|cloud)$")


def _usage(details: dict[str, Any]) -> Usage:
    others = dicts_of(details.get("best_of_sequences"))
    counts = [other.get("generated_tokens", "none") for other in others]
    prompt = count_of(details.get("input_length"))
    if prompt is None:
        prompt = len(list_of(details.get("prefill"))) or None
    return Usage(input=prompt, output=sum_of(count_of(details.get("generated_tokens")), *counts))
