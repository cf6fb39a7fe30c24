"""The items that a run's pages have, so that each is sent once, and again when it has ended."""

from __future__ import annotations

from aimon_nb.model import Run, Span
from aimon_nb.model.run import MoreCalls
from aimon_nb.views.present.items import EncodedItem, encode_item, past_the_cap


class ItemNews:
    """What the rows of the user's batches are called and how they go, as far as pages know it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        # By the item's number, less one.
        self._sent: list[EncodedItem] = []
        self._open: set[int] = set()
        # By the item's number: its calls past the cap on spans, as they were at the last sums.
        self._more: dict[int, list[Span]] = {}
        self._sums: MoreCalls | None = None

    def fresh(self) -> list[EncodedItem]:
        """Return the items that are new, or have gone on since."""
        items, known = self._run.items, len(self._sent)
        if not items:
            return []
        self._look_past_the_cap()
        # Once the run is over each is looked at: one that was done may have gone on.
        at = range(known) if not self._run.running else sorted(self._open)
        found = []
        for number in [*at, *range(known, len(items))]:
            item = items[number]
            encoded = encode_item(item, self._more.get(number + 1, ()))
            if item.status == "running":
                self._open.add(number)
            else:
                self._open.discard(number)
            if number < known and self._sent[number] == encoded:
                continue
            found.append(encoded)
            self._sent[number : number + 1] = [encoded]
        return found

    def _look_past_the_cap(self) -> None:
        """Find the calls that have no rows, once the run's sums over them are new."""
        sums = self._run.more
        if sums is self._sums:
            return
        self._sums, self._more = sums, past_the_cap(self._run)
        # Those that a page has may have more of them.
        self._open.update(one - 1 for one in self._more if one <= len(self._sent))

    def forget(self) -> None:
        """Send all again: a page lacks some."""
        self._sent.clear()
        self._open.clear()
