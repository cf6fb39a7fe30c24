"""Bytes of content, each once, however many messages and requests hold them."""

from __future__ import annotations

import hashlib
import weakref
from collections import deque

from aimon_nb.model.kept import Kept


class _Ref(weakref.ref[Kept]):
    """Knows what went with a `Kept` that nobody holds any more."""

    __slots__ = ("digest", "size")

    digest: bytes
    size: int


class ContentStore:
    """Hands out a `Kept` for bytes: for equal ones the same, as long as somebody holds it."""

    def __init__(self) -> None:
        self._refs: dict[bytes, _Ref] = {}
        self._size = 0
        # Appended wherever the last holder goes, on any thread and at any moment.
        self._gone: deque[_Ref] = deque()

    @property
    def size(self) -> int:
        """The bytes that are held, as they are in memory."""
        self._sweep()
        return self._size

    def keep(self, data: bytes) -> Kept:
        """Return what keeps these bytes; one thread at a time."""
        self._sweep()
        digest = hashlib.blake2b(data, digest_size=16).digest()
        ref = self._refs.get(digest)
        known = ref() if ref is not None else None
        if known is not None:
            return known
        kept = Kept(data)
        ref = _Ref(kept, self._gone.append)
        ref.digest, ref.size = digest, kept.size
        self._refs[digest] = ref
        self._size += ref.size
        return kept

    def _sweep(self) -> None:
        while self._gone:
            ref = self._gone.popleft()
            self._size -= ref.size
            if self._refs.get(ref.digest) is ref:
                del self._refs[ref.digest]
