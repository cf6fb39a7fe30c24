"""Text that every form of a run can hold."""

from __future__ import annotations


def encodable(text: str) -> str:
    """Return the text with `?` for each lone surrogate, which UTF-8 has no bytes for.

    Sentry would refuse the whole envelope for one, and no JSON message or file could be written.
    """
    return text.encode("utf-8", "replace").decode()


def size_text(count: int) -> str:
    """Return a number of bytes in words: `512 bytes`, `34 kB`, `1.2 MB`."""
    for unit, power in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= power:
            return f"{count / power:.{0 if count >= 10 * power else 1}f} {unit}"
    return f"{count:,} byte{'' if count == 1 else 's'}"
