"""A request and its answer as they crossed the wire, without keys."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from aimon_nb.model.kept import Kept

Header = tuple[str, str]
Keep = Callable[[bytes], Kept]


class _Encoded(NamedTuple):
    """Stands for the base64 of bytes that a message has as well."""

    kept: Kept


class Body:
    """The bytes of a request or an answer; once packed an image in them is in memory once."""

    __slots__ = ("_pieces",)

    def __init__(self, data: bytes = b"") -> None:
        self._pieces: list[bytes | Kept | _Encoded] = [data]

    def data(self) -> bytes:
        """Return the bytes as they were."""
        return b"".join(map(_data_of, self._pieces))

    def pack(self, keep: Keep, media: Iterable[bytes], least: int) -> int:
        """Have the bytes kept by `keep`; return how many are too few for that.

        `media` are bytes whose base64 may stand in the body, and that others keep as well.
        """
        if len(self._pieces) > 1 or not isinstance(self._pieces[0], bytes):
            return sum(len(one) for one in self._pieces if isinstance(one, bytes))
        pieces: list[bytes | Kept | _Encoded] = []
        rest = self._pieces[0]
        for one in media:
            before, found, after = rest.partition(base64.b64encode(one))
            if found:
                pieces += [before, _Encoded(keep(one))]
                rest = after
        pieces.append(rest)
        self._pieces = [
            keep(one) if type(one) is bytes and len(one) >= least else one for one in pieces
        ]
        return sum(len(one) for one in self._pieces if type(one) is bytes)


def _data_of(piece: bytes | Kept | _Encoded) -> bytes:
    if isinstance(piece, bytes):
        return piece
    return piece.data() if isinstance(piece, Kept) else base64.b64encode(piece.kept.data())


@dataclass(slots=True)
class Exchange:
    """A request and its answer; the live view shows them when it is asked, and nobody stores them.

    Without keys: of the URL's query and of the headers there is what is known to be none.
    `status` is None before the answer's head. `notes` say in words what is left out.
    """

    method: str = "POST"
    url: str = ""
    sent: list[Header] = field(default_factory=list)
    body: Body = field(default_factory=Body)
    status: int | None = None
    received: list[Header] = field(default_factory=list)
    answer: Body = field(default_factory=Body)
    notes: list[str] = field(default_factory=list)
