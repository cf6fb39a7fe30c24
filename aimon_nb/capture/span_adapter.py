"""What the recorder and the wire ask of a span, whichever library made it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aimon_nb.capture.state import OpenSpan
    from aimon_nb.model import Span

Ending = Literal["ok", "error", "cancelled"]


class SpanAdapter(ABC):
    """Reads, writes and ends the spans of one kind.

    It has no state: one instance serves all spans of its kind, for to start a span must
    cost the user's thread no second object.
    """

    # Why Sentry never gets a span of this kind, a value of `Span.sent`; and the note on its
    # run that tells the user what to do.
    unsent_reason: str | None = None
    unsent_note = ""
    # Sentry has none of these from us: what is below one hangs on what is above it there.
    is_structure_only = False

    @property
    def carrier(self) -> SpanAdapter:
        """The adapter of Sentry's own object: itself, unless another library tells of the span."""
        return self

    @abstractmethod
    def attribute(self, open_span: OpenSpan, key: str) -> Any:
        """Return one attribute, the op as `sentry.op` and the origin as `sentry.origin`.

        None where there is none. It is called on the user's thread.
        """

    @abstractmethod
    def read(self, open_span: OpenSpan, span: Span) -> dict[str, Any] | None:
        """Copy name, op, origin, thread, trace and status to `span`; return the attributes.

        None if there is nothing to read any more. It is called on our thread.
        """

    @abstractmethod
    def write(self, open_span: OpenSpan, attributes: dict[str, Any], name: str | None) -> None:
        """Set attributes, and a name where one is given, on the span that Sentry gets."""

    @abstractmethod
    def finish(self, open_span: OpenSpan, end: float, how: Ending) -> None:
        """End the library's span at `end` (seconds since the epoch)."""

    @abstractmethod
    def start_child(
        self, parent: OpenSpan, op: str, name: str, origin: str, start: datetime | None = None
    ) -> Any:
        """Start a span of this kind below `parent`; return the library's object, not current.

        It starts now, or started at `start`, UTC.
        None where the library would make none, or one that nobody gets.
        """

    @abstractmethod
    def is_sampled(self, sdk: Any) -> bool:
        """Whether Sentry gets the spans below this one, which is the root of a run."""
