"""OpenAI's images: made and edited, plain and streamed.

https://platform.openai.com/docs/api-reference/images

An edit is sent as a form, of which the fields that are texts are read. The older models
(`dall-e-…`) tell no usage.
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.media_parts import media_of
from aimon_nb.wire.dialects.openai_form import OpenAIForm

_PARAMETERS = ("n", "size", "quality", "background", "output_format", "partial_images")


class OpenAIImages(OpenAIForm):
    """`POST …/images/generations`, `…/images/edits` and `…/images/variations`."""

    operation = "image_generation"
    path_suffixes = frozenset({"generations", "edits", "variations"})
    body_markers = (b'"prompt"', b'name="image')
    path_pattern = re.compile(r"/images/(?:generations|edits|variations)$")

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, prompt and parameters."""
        super().request(call, body)
        prompt = text_of(body.get("prompt"))
        call.input = [Message("user", prompt)] if prompt else []
        call.parameters = scalar_parameters(body, _PARAMETERS)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """The images, or one event of their stream."""
        super().answer(call, event)
        kind = text_of(event.get("type"))
        call.streaming = call.streaming or bool(kind)
        if not kind or kind.endswith(".completed"):
            call.finish_reason = "stop"
            for one in dicts_of(event.get("data")) or [event]:
                self.turns.add_media(call, media_of(text_of(one.get("b64_json"))))
        raw = dict_of(event.get("usage"))
        if raw:
            self.take_usage(call, raw, _usage(raw), known_usage.IMAGES)
            call.details = _details(raw)
        # Drawings (SVG) are written by another model, whose tokens are counted beside these.
        authoring = count_of(dict_of(event.get("svg_usage")).get("total_tokens"))
        if authoring:
            call.details["svg_authoring_tokens"] = authoring


def _usage(raw: dict[str, Any]) -> Usage:
    return Usage(
        input=count_of(raw.get("input_tokens")),
        cached=count_of(dict_of(raw.get("input_tokens_details")).get("cached_tokens")),
        output=count_of(raw.get("output_tokens")),
        total=count_of(raw.get("total_tokens")),
    )


def _details(raw: dict[str, Any]) -> dict[str, int]:
    """Return the tokens of images; without a word about it all of the output is one."""
    output = raw.get("output_tokens_details")
    made = dict_of(output).get("image_tokens") if output is not None else raw.get("output_tokens")
    counts = {
        "input_image_tokens": count_of(
            dict_of(raw.get("input_tokens_details")).get("image_tokens")
        ),
        "output_image_tokens": count_of(made),
    }
    return {name: count for name, count in counts.items() if count}
