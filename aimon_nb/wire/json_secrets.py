"""JSON, or a form, without the texts under names of secrets, and otherwise as it was."""

from __future__ import annotations

import re

from aimon_nb.capture.redact import FILTERED
from aimon_nb.capture.step_content import is_secret

# A member of an object whose value is a text.
_MEMBER = re.compile(r'"([\w-]{1,60})"(\s*:\s*)"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# A field of a form, with its headers.
_FIELD = re.compile(
    r'([;\s]name="([\w-]{1,60})"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n).*?(?=\r\n--)', re.DOTALL
)


def without_secrets(text: str) -> str:
    """Return JSON, or a form, with a mark in the place of each password, key or token in it."""
    if text.startswith("--"):
        text = _FIELD.sub(_filtered_field, text)
    return _MEMBER.sub(_filtered, text)


def _filtered_field(match: re.Match[str]) -> str:
    return match[1] + FILTERED if is_secret(match[2]) else match[0]


def _filtered(match: re.Match[str]) -> str:
    name, colon = match.groups()
    return f'"{name}"{colon}"{FILTERED}"' if is_secret(name) else match[0]
