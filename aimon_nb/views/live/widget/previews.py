"""The previews that a run's pages have, so that each is sent once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aimon_nb.model import Run, Span
from aimon_nb.views.present.preview import common_beginning, shortened, whole_sides

# Names of calls, at most, of whose prompts the common beginning is kept: where each call has a
# name of its own, none shares anything.
MOST_NAMES = 500
# Previews that are sent together of rows that were sent without.
AT_ONCE = 1_000


class Previews:
    """What the rows of one run are about, as far as its pages know it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        # By the span's id; of a preview its hash is enough.
        self._sent: dict[str, int] = {}
        self._late: list[Span] = []
        # By name and caller with what all prompts so far begin: that of the first one, whole;
        # "" once two had too little in common.
        self._like: dict[tuple[str, str | None], str] = {}

    def fresh(self, spans: Iterable[Span]) -> dict[str, tuple[str, str]]:
        """Return, by the span's id, what is new or another than before; none where they are off."""
        found: dict[str, tuple[str, str]] = {}
        if self._run.options.get("previews") is False:
            return found
        for span in spans:
            one = None if span.span_id == self._run.root_id else self._preview(span)
            if one is not None and self._sent.get(span.span_id) != hash(one):
                self._sent[span.span_id] = hash(one)
                found[span.span_id] = one
        return found

    def put_off(self, spans: Iterable[Span]) -> None:
        """Leave these for `late`: their rows come first."""
        self._late += spans

    def late(self) -> Iterator[dict[str, tuple[str, str]]]:
        """Yield what was put off, a part at a time."""
        while self._late:
            spans, self._late = self._late[:AT_ONCE], self._late[AT_ONCE:]
            found = self.fresh(spans)
            if found:
                yield found

    def _preview(self, span: Span) -> tuple[str, str] | None:
        sides = whole_sides(span)
        if sides is None:
            return None
        given, key = sides[0], (span.name, span.caller)
        like = self._like.get(key)
        is_known = like is not None or len(self._like) < MOST_NAMES
        if given and is_known and span.span_id not in self._sent:
            if like is None:
                like = given
            elif like != given:
                like = common_beginning(like, given)
            self._like[key] = like
        return shortened(sides, like or "")

    def forget(self) -> None:
        """Send all again: a page lacks some."""
        self._sent.clear()
        self._late.clear()
