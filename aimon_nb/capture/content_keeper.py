"""The kernel's one budget for content: what is kept of it, and what is let go of first.

On our thread, when the views have been told: what has ended is packed, and where all of it is
more than the budget the oldest runs lose theirs. A span says why its content is gone.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from aimon_nb.capture.content_store import ContentStore
from aimon_nb.capture.dropped_content import drop_content, has_content, over_budget
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.limits import RUNS, WHOLE_RUNS, Limits, size_of
from aimon_nb.capture.run_registry import RunRegistry
from aimon_nb.capture.state import RunState
from aimon_nb.model import Message, Span
from aimon_nb.model.content import is_content
from aimon_nb.model.kept import pack

_LEAST = 256  # bytes of a value that is packed
_EACH = 200  # bytes that a span with content takes beside it


class ContentKeeper:
    """Packs the content of all runs, and keeps it within the budget."""

    def __init__(self) -> None:
        self._store = ContentStore()
        self._plain = 0  # bytes that are kept as they are
        self.is_behind = False  # more has ended than there was time for
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """The bytes of content that are kept."""
        return self._store.size + self._plain

    def work(self, registry: RunRegistry, limits: Limits, seconds: float = float("inf")) -> None:
        """Pack what has ended since, and let go of what is too much.

        Args:
            registry: The runs in memory, and those that are to be let go of.
            limits: How much is kept.
            seconds: When it stops, for somebody may wait for news; the rest is for the next time.

        """
        with self._lock, internal_errors.suppress("packing what was said"):
            until = time.monotonic() + seconds
            states = list(registry.states.values())
            while registry.forgotten:
                self._forget(registry.forgotten.popleft(), limits)
            for run_state in states:
                self._take_fresh(run_state, until)
            self.is_behind = any(run_state.fresh_content for run_state in states)
            if self.size > limits.content_budget:
                self._shrink(states, limits.content_budget)

    def _forget(self, run_state: RunState, limits: Limits) -> None:
        """Let go of what a run holds that somebody may still hold."""
        reason = f"no longer kept: over {RUNS} = {limits.runs:,}"
        while run_state.kept_content:
            self._drop_first(run_state, reason)
        while run_state.fresh_content:
            drop_content(run_state.fresh_content.popleft(), reason)

    def _take_fresh(self, run_state: RunState, until: float) -> None:
        fresh, kept = run_state.fresh_content, run_state.kept_content
        while fresh and time.monotonic() < until:
            span = fresh.popleft()
            if span.content_gone is not None:
                drop_content(span, span.content_gone)  # more of it came
                continue
            if not has_content(span):
                continue
            with internal_errors.suppress("packing what was said"):
                plain = _pack(span, self._store)
                self._plain += plain - kept.get(span.span_id, (span, 0))[1]
                kept[span.span_id] = span, plain
        if len(kept) > len(run_state.run.spans):
            # The cell ran again, and of its old runs the calls alone are in memory.
            for span_id in kept.keys() - run_state.run.spans.keys():
                self._plain -= kept.pop(span_id)[1]

    def _shrink(self, states: list[RunState], budget: int) -> None:
        reason = over_budget(budget)
        for run_state in _most_dispensable_first(states):
            while run_state.kept_content:
                if self.size <= budget:
                    return
                self._drop_first(run_state, reason)

    def _drop_first(self, run_state: RunState, reason: str) -> None:
        span, plain = run_state.kept_content.pop(next(iter(run_state.kept_content)))
        self._plain -= plain
        drop_content(span, reason)


def _most_dispensable_first(states: list[RunState]) -> Iterator[RunState]:
    """Yield runs from the oldest on, the last of each cell after all others."""
    counts = Counter[Any]()
    whole: list[RunState] = []
    others: list[RunState] = []
    for run_state in reversed(states):
        cell = run_state.run.cell_id
        counts[cell] += 1
        is_whole = cell is None or counts[cell] <= WHOLE_RUNS
        (whole if is_whole else others).append(run_state)
    yield from reversed(others)
    yield from reversed(whole)


def _pack(span: Span, store: ContentStore) -> int:
    """Pack the content of a span; return the bytes that stay as they are."""
    plain = _EACH + size_of({k: v for k, v in span.attributes.items() if is_content(k)})
    if span.step is not None:
        plain += pack(span.step, store.keep, _LEAST)
    call = span.call
    if call is None:
        return plain
    plain += pack(call, store.keep, _LEAST)
    messages = [*call.input, *call.output]
    media = [data for message in messages for data in _pack_message(message, store)]
    plain += sum(pack(message, store.keep, _LEAST) + _EACH for message in messages)
    if call.exchange is not None:
        plain += call.exchange.body.pack(store.keep, media, _LEAST)
        plain += call.exchange.answer.pack(store.keep, media, _LEAST)
    return plain


def _pack_message(message: Message, store: ContentStore) -> Iterator[bytes]:
    """Pack the images, sounds and files of a message; yield their bytes as they were."""
    for one in message.media:
        if isinstance(one.data, bytes):
            yield one.data
            one.data = store.keep(one.data)
