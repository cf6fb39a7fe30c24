"""Where spans go, and what became of them there."""

from __future__ import annotations

from dataclasses import dataclass, field

DROPPED = "no: dropped"  # `Span.sent` of what a client took, or had to take, and did not deliver
NOTE = "not at Sentry: "  # what the line of a run begins with that says so


@dataclass(slots=True)
class Counts:
    """How many transactions, spans and errors; a transaction's own span is not among the spans."""

    transactions: int = 0
    spans: int = 0
    errors: int = 0

    def add(self, other: Counts) -> None:
        """Add others to these."""
        self.transactions += other.transactions
        self.spans += other.spans
        self.errors += other.errors

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.transactions or self.spans or self.errors)


@dataclass(slots=True)
class Lost:
    """What did not get to Sentry: how much of it, why, and which spans where that is known."""

    why: str
    counts: Counts
    trace_id: str | None = None
    span_ids: frozenset[str] = frozenset()


@dataclass(slots=True)
class SendingStatus:
    """What `%ai_sentry` says; None is what nobody knows.

    `address` is host and project, without the key; where there is none, `nowhere` says why.
    `owner` is whose client it is. `waiting` are the envelopes in the client's queue, `held_back`
    the calls whose spans wait for the end of their answers. `lost` has the reasons, the greatest
    first.
    """

    address: str | None = None
    nowhere: str = ""
    owner: str = ""
    environment: str | None = None
    lifecycle: str | None = None
    sampled: str = ""
    sent: Counts | None = None
    lost: dict[str, Counts] = field(default_factory=dict)
    waiting: int | None = None
    held_back: int = 0
    last_error: str | None = None
    last_run: str | None = None
    trace_id: str | None = None
    trace_url: str | None = None
    advice: list[str] = field(default_factory=list)
