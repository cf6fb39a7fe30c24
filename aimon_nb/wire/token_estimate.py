"""Tokens counted here, where the provider told none: off unless the user asks for it.

With tiktoken where its encoding for the model lies on the disk already, else a
token for every four characters. Only text is counted: no images, no schemas of
tools, none of the marks that a provider puts around a turn. The network is
never asked: tiktoken's own loader, which would fetch what is not there, is not used.
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
_LONGEST = 200_000  # characters that tiktoken is given: it takes its time
Count = Callable[[str], int]


class Estimates:
    """Whether calls without reported usage get an estimate."""

    def __init__(self) -> None:
        self.on = False

    def make(self, call: ModelCall, *, whole: bool = True) -> None:
        """Estimate a call's tokens, as far as its text is known.

        Without the `whole` answer its output stays unknown, and so does what has no
        text at all: an estimate is never 0.
        """
        if not self.on or call.usage.known or call.estimate.known:
            return
        with internal_errors.suppress("estimating tokens"):
            asked, said = _text([*call.input], call.tools), _text(call.output)
            said = said if whole and call.operation != "embeddings" else ""
            count, by = _counter(
                call.response_model or call.request_model, max(asked, said, key=len)
            )
            call.estimate = Usage(
                input=count(asked) if asked else None, output=count(said) if said else None
            )
            call.estimated_by = by if call.estimate.known else None


estimates = Estimates()


def _text(turns: Iterable[Message], names: Iterable[str] = ()) -> str:
    parts = list(names)
    for turn in turns:
        parts.append(turn.text)
        parts += [text for call in turn.tool_calls for text in call]
    return "\n".join(part for part in parts if part)


def _counter(model: str | None, longest: str) -> tuple[Count, str]:
    """How to count the tokens of a model, and how it is called."""
    name = _encoding_name(model) if len(longest) <= _LONGEST else None
    encoding = _encoding(name) if name is not None else None
    if encoding is None:
        return lambda text: -(-len(text) // 4), CHARACTERS
    return lambda text: len(encoding.encode_ordinary(text)), f"tiktoken {name}"


@functools.lru_cache(maxsize=256)
def _encoding_name(model: str | None) -> str | None:
    """The name of tiktoken's encoding for a model; None if it knows none or is not there."""
    if model is None or find_spec("tiktoken") is None:
        return None
    try:
        return str(import_module("tiktoken.model").encoding_name_for_model(model))
    except (KeyError, AttributeError):
        return None


def _encoding(name: str) -> Any:
    """The encoding if it is in memory or on the disk, else None."""
    loaded = import_module("tiktoken.registry").ENCODINGS.get(name)
    return loaded if loaded is not None else _from_disk(name, _folder())


@functools.lru_cache(maxsize=8)
def _from_disk(name: str, folder: str) -> Any:
    """The encoding by tiktoken's own description of it, with a loader that only reads the disk."""
    described = vars(import_module("tiktoken_ext.openai_public"))
    scope = described | {"load_tiktoken_bpe": functools.partial(_ranks, folder)}
    scope["data_gym_to_mergeable_bpe_ranks"] = _not_kept
    for key, value in described.items():
        if isinstance(value, FunctionType) and value.__module__ == described["__name__"]:
            scope[key] = FunctionType(value.__code__, scope, key)
    try:
        return import_module("tiktoken").Encoding(**scope[name]())
    except (OSError, LookupError, ValueError):
        return None


def _folder() -> str:
    """Where tiktoken keeps what it has fetched; "" where it keeps nothing."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return os.environ[variable]
    return str(Path(tempfile.gettempdir()) / "data-gym-cache")


def _ranks(folder: str, url: str, expected_hash: str | None = None) -> dict[bytes, int]:
    if not folder:
        raise FileNotFoundError(url)
    # tiktoken's name for the file, no secret.
    file = Path(folder) / hashlib.sha1(url.encode()).hexdigest()  # noqa: S324
    data = file.read_bytes()
    if expected_hash is not None and hashlib.sha256(data).hexdigest() != expected_hash:
        raise ValueError(f"{file} is not what tiktoken expects there")
    pairs = (line.split() for line in data.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def _not_kept(*_: Any, **__: Any) -> Any:
    raise LookupError("an encoding of two files is not looked for")
