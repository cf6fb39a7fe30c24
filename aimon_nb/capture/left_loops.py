"""Which rows failed by what the body of their loop raised, or by what it began and left behind.

A `for` loop that is thrown away does not say why it is. Where the user's code is then is where it
raised, if it did, and stands in the traceback of what ends the run: at a `break` it is elsewhere.
"""

from __future__ import annotations

import sys
from asyncio import CancelledError
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from aimon_nb.capture.exceptions import describe, status_of_item
from aimon_nb.model.code_files import is_users

if TYPE_CHECKING:
    from aimon_nb.capture.items import OpenItem

_Place = tuple[CodeType, int]
_MOST_FRAMES = range(20)  # tqdm's are between the user's and ours


class LeftLoops:
    """The rows in which loops of a run were thrown away: of each place in the code the latest."""

    def __init__(self) -> None:
        self._items: dict[_Place, list[OpenItem]] = {}

    def note(self, open_item: OpenItem) -> None:
        """A loop is thrown away in this row; called by what does so."""
        place = _place_of(sys._getframe(1))
        if place is None:
            return
        # Of loops in one another, and of those that take turns, each loses its row.
        before = self._items.get(place, [])
        last = before[-1] if before else None
        is_same = last is not None and (open_item is last.around or open_item.around is last)
        self._items[place] = [*before, open_item] if is_same else [open_item]

    def end(self, error: BaseException | None) -> None:
        """The run ends, with this error: rows that it left have failed with it."""
        at = None if error is None else error.__traceback__
        while error is not None and at is not None:
            for one in self._items.get((at.tb_frame.f_code, at.tb_lasti), ()):
                if one.item.status in ("ok", "running"):
                    one.item.status = status_of_item(error)
                    one.item.error_type, one.item.error = describe(error)
            at = at.tb_next
        self._items.clear()


def end_with(open_item: OpenItem, job: Any) -> None:
    """End a row as a task or a job ended that it began: if it was left by then, and waits for it.

    Else its own code has heard of it. The exception is looked at, and not taken: asyncio tells of
    those that nobody has taken.
    """
    item = open_item.item
    error = CancelledError() if job.cancelled() else getattr(job, "_exception", None)
    if error is None or not item.is_left or item.status not in ("ok", "running"):
        return
    item.status = status_of_item(error)
    item.error_type, item.error = describe(error)


def _place_of(frame: FrameType | None) -> _Place | None:
    """Return where the nearest code of the user's is."""
    for _ in _MOST_FRAMES:
        if frame is None:
            break
        if is_users(frame.f_code.co_filename):
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return None
