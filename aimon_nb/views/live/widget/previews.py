"""The previews that a run's pages have, so that each is sent once."""

from __future__ import annotations

from collections.abc import Iterable

from aimon_nb.model import Run, Span
from aimon_nb.views.present.preview import common_beginning, shortened, whole_sides


class Previews:
    """What the rows of one run are about, as far as its pages know it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        # By the span's id; of a preview its hash is enough.
        self._sent: dict[str, int] = {}
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

    def _preview(self, span: Span) -> tuple[str, str] | None:
        sides = whole_sides(span)
        if sides is None:
            return None
        given, key = sides[0], (span.name, span.caller)
        like = self._like.get(key)
        if given and span.span_id not in self._sent:
            if like is None:
                like = given
            elif like != given:
                like = common_beginning(like, given)
            self._like[key] = like
        return shortened(sides, like or "")

    def forget(self) -> None:
        """Send all again: a page lacks some."""
        self._sent.clear()
