"""Sound that comes as pieces of base64, in the events of a stream."""

from __future__ import annotations

import base64
import binascii

from aimon_nb.model.call import Media
from aimon_nb.wire.dialects.media_parts import made_of

_GROUP = 4  # characters of base64 that are decoded together


class SoundPieces:
    """Joins the pieces of one answer, each base64 of its own or cut from one of the whole."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._rest = ""
        self._is_broken = False

    def add(self, piece: str) -> None:
        """Append a piece; of what is no base64 no sound is made."""
        text = self._rest + piece
        whole = len(text) - len(text) % _GROUP
        self._rest = text[whole:]
        try:
            self._data += base64.b64decode(text[:whole], validate=True)
        except (ValueError, binascii.Error):
            self._is_broken = True

    def take(self, form: str) -> Media | None:
        """Return the sound once it is whole, in the form that was asked for; None for none."""
        data, self._data = bytes(self._data), bytearray()
        if self._is_broken or not data:
            return None
        return made_of(data, f"audio/{form}" if form else "")
