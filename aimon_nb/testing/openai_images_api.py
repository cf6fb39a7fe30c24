"""OpenAI's images as the truth server speaks them: one white pixel, ten tokens each.

An image that is sent for an edit counts ten tokens of input.
"""

from __future__ import annotations

from typing import Any

from aimon_nb.testing import openai_api
from aimon_nb.testing.counting import Tokens, words
from aimon_nb.testing.dialect import CREATED, Answer, Body, Endpoint, model_of, sse

_IMAGE = 10
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAG7buVgAAAABJRU5ErkJggg=="
)


def _asked(body: Body) -> str:
    return str(body.get("prompt") or "")


def _answer(body: Body, kind: str) -> Answer:
    model_of(body)
    made = int(body.get("n") or 1)
    sent = _IMAGE * sum(name.startswith("image") for name in body)
    tokens = Tokens(input=words(_asked(body)) + sent, output=_IMAGE * made)
    usage: Body = {
        "input_tokens": tokens.input,
        "input_tokens_details": {"text_tokens": tokens.input - sent, "image_tokens": sent},
        "output_tokens": tokens.output,
        "total_tokens": tokens.total,
    }
    shape: Body = {"background": "opaque", "output_format": "png", "quality": "low"}
    shape["size"] = "1024x1024"
    if not body.get("stream"):
        images = [{"b64_json": _PIXEL} for _ in range(made)]
        return Answer(tokens, body={"created": CREATED, "data": images, "usage": usage, **shape})
    image: Body = {"b64_json": _PIXEL, "created_at": CREATED, **shape}
    told: list[tuple[str | None, Any]] = []
    for name, more in (("partial_image", {"partial_image_index": 0}), ("completed", {})):
        event = {"type": f"{kind}.{name}", **image, **more}
        told.append((event["type"], event))
    told[-1][1]["usage"] = usage
    return Answer(tokens, frames=sse(told))


CALLS = {
    "/v1/images/generations": Endpoint(
        _asked, lambda b, _: _answer(b, "image_generation"), openai_api.error
    ),
    "/v1/images/edits": Endpoint(_asked, lambda b, _: _answer(b, "image_edit"), openai_api.error),
}
