"""Token estimates for calls whose provider reports none: off unless the user asks for it.

With tiktoken where its encoding for the model is on the disk already, else a token
for every four characters. Only text is counted: no images, no schemas of tools, none
of the marks that a provider puts around a turn.

The network is never asked, so tiktoken's own loader, which fetches what is not there,
is not used. To replace its `read_file` for a moment would be shorter and wrong: the
loader deletes a file with another hash before it calls that, and what the user's
own threads load meanwhile would meet the replacement.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model import Message, ModelCall, Usage

CHARACTERS = "characters / 4"
# Characters; a longer text is counted by its length, for tiktoken would take its time.
_LONGEST = 200_000
# What these are billed by is no count of their text.
_NOT_TEXT = frozenset({"image_generation", "transcription", "speech", "rerank"})
Count = Callable[[str], int]
"""Returns how many tokens a text has."""


class Estimates:
    """Whether calls without reported usage get an estimate."""

    def __init__(self) -> None:
        self.on = False

    def make(self, call: ModelCall, *, whole: bool = True) -> None:
        """Set the call's `estimate`, as far as its text is known.

        Without the `whole` answer its output stays unknown, and so does what has no
        text at all: an estimate is never 0. Images, sound and searches are not text.
        """
        if not self.on or call.usage.known or call.estimate.known or call.operation in _NOT_TEXT:
            return
        with internal_errors.suppress("estimating tokens"):
            input_text = _text(call.input, call.tools)
            output_text = _text(call.output) if whole and call.operation != "embeddings" else ""
            longest = max(input_text, output_text, key=len)
            count, method = _counter(call.response_model or call.request_model, longest)
            call.estimate = Usage(
                input=count(input_text) if input_text else None,
                output=count(output_text) if output_text else None,
            )
            call.estimated_by = method if call.estimate.known else None


estimates = Estimates()


def _text(messages: Iterable[Message], names: Iterable[str] = ()) -> str:
    parts = list(names)
    for message in messages:
        parts.append(message.text)
        parts += [text for tool_call in message.tool_calls for text in tool_call]
    return "\n".join(part for part in parts if part)


def _counter(model: str | None, longest: str) -> tuple[Count, str]:
    """Return how to count a model's tokens, and what that way is called."""
    name = _encoding_name(model) if len(longest) <= _LONGEST else None
    encoding = _encoding(name) if name is not None else None
    if encoding is None:
        return lambda text: -(-len(text) // 4), CHARACTERS
    return lambda text: len(encoding.encode_ordinary(text)), f"tiktoken {name}"


@functools.lru_cache(maxsize=256)
def _encoding_name(model: str | None) -> str | None:
    """Return the name of tiktoken's encoding for a model; None if it knows none or is not there."""
    if model is None or find_spec("tiktoken") is None:
        return None
    try:
        return str(import_module("tiktoken.model").encoding_name_for_model(model))
    except (KeyError, AttributeError):
        return None


def _encoding(name: str) -> Any:
    """Return the encoding if it is in memory or on the disk, else None."""
    loaded = import_module("tiktoken.registry").ENCODINGS.get(name)
    return loaded if loaded is not None else _encoding_on_disk(name, _cache_folder())


@functools.lru_cache(maxsize=8)
def _encoding_on_disk(name: str, folder: str) -> Any:
    """Return the encoding by tiktoken's own description of it; None if its file is not here.

    Its functions that describe an encoding run in a copy of their module's globals, where
    the two loaders are ours. All are copied, for some call each other (`o200k_harmony`
    extends `o200k_base`).
    """
    module_globals = vars(import_module("tiktoken_ext.openai_public"))
    scope = module_globals | {
        "load_tiktoken_bpe": functools.partial(_read_ranks, folder),
        "data_gym_to_mergeable_bpe_ranks": _refuse,
    }
    for key, value in module_globals.items():
        if isinstance(value, FunctionType) and value.__module__ == module_globals["__name__"]:
            scope[key] = FunctionType(value.__code__, scope, key)
    try:
        return import_module("tiktoken").Encoding(**scope[name]())
    except (OSError, LookupError, ValueError):
        return None


def _cache_folder() -> str:
    """Return where tiktoken puts what it has fetched; "" if it is set to put it nowhere."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return os.environ[variable]
    return str(Path(tempfile.gettempdir()) / "data-gym-cache")


def _read_ranks(folder: str, url: str, expected_hash: str | None = None) -> dict[bytes, int]:
    """Return each token's rank, as `load_tiktoken_bpe` does, from a file that is here."""
    if not folder:
        raise FileNotFoundError(url)
    # tiktoken names the file so; there is no secret in it.
    file = Path(folder) / hashlib.sha1(url.encode()).hexdigest()  # noqa: S324
    data = file.read_bytes()
    if expected_hash is not None and hashlib.sha256(data).hexdigest() != expected_hash:
        raise ValueError(f"{file} is not what tiktoken expects there")
    pairs = (line.split() for line in data.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def _refuse(*_: Any, **__: Any) -> Any:
    """GPT-2's encoding is made of two files by much code: it is not worth the copy."""
    raise LookupError("an encoding of two files is not looked for")
