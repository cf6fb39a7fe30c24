"""JSON without the texts that stand under names of secrets, and otherwise as it was."""

from __future__ import annotations

import re

from aimon_nb.capture.redact import FILTERED
from aimon_nb.capture.step_content import is_secret

# A member of an object whose value is a text.
_MEMBER = re.compile(r'"([\w-]{1,60})"(\s*:\s*)"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def without_secrets(text: str) -> str:
    """Return JSON text with a mark in the place of each password, key or token in it."""
    return _MEMBER.sub(_filtered, text)


def _filtered(match: re.Match[str]) -> str:
    name, colon = match.groups()
    return f'"{name}"{colon}"{FILTERED}"' if is_secret(name) else match[0]
