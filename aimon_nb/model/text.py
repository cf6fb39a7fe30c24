"""Text that every form of a run can hold."""

from __future__ import annotations


def encodable(text: str) -> str:
    """Return the text with `?` for each lone surrogate, which UTF-8 has no bytes for.

    Sentry would refuse the whole envelope for one, and no JSON message or file could be written.
    """
    return text.encode("utf-8", "replace").decode()
