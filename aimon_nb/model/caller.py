"""The user's code that asked a model."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A line of the user's code, and the function it is in; None at the top of a cell or file."""

    function: str | None
    line: int | None
    file: str


# The nearest place first; at most two.
Caller = tuple[Place, ...]
