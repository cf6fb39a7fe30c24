"""The items that a run's pages have, so that each is sent once, and again when it has ended."""

from __future__ import annotations

from aimon_nb.model import Run
from aimon_nb.views.present.items import EncodedItem, encode_item


class ItemNews:
    """What the rows of the user's batches are called and how they go, as far as pages know it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        # By the item's number, less one.
        self._sent: list[EncodedItem] = []
        self._open: set[int] = set()

    def fresh(self) -> list[EncodedItem]:
        """Return the items that are new, or have gone on since."""
        items, known = self._run.items, len(self._sent)
        if not items:
            return []
        # Once the run is over each is looked at: one that was done may have gone on.
        at = range(known) if not self._run.running else sorted(self._open)
        found = []
        for number in [*at, *range(known, len(items))]:
            item = items[number]
            encoded = encode_item(item)
            if number < known and self._sent[number] == encoded:
                continue
            found.append(encoded)
            self._sent[number : number + 1] = [encoded]
            if item.status == "running":
                self._open.add(number)
            else:
                self._open.discard(number)
        return found

    def forget(self) -> None:
        """Send all again: a page lacks some."""
        self._sent.clear()
        self._open.clear()
