"""GETs whose answers may tell the usage of an earlier request.

One is followed like a request to a model, and has no row of its own: what its answer tells is
joined to the row that asked. The results of a batch that nobody here asked for get a row.
"""

from __future__ import annotations

from aimon_nb.capture import context
from aimon_nb.capture.state import CallUpdate, OpenSpan, RunState, UnreadRequest
from aimon_nb.model import ModelCall
from aimon_nb.model.call import ASKED_BEFORE, ASKED_IN_FORGOTTEN
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire import admission
from aimon_nb.wire.batch_results import BatchReader
from aimon_nb.wire.batch_rows import BatchRows
from aimon_nb.wire.deferred import Asker, Key, deferred, id_in, is_of_results
from aimon_nb.wire.dialects import Dialect
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.pending_calls import PendingCall, pending_calls, tell


class _Results(Dialect):
    """Stands for the results of a batch, whoever's they are."""

    operation = "batch"


class Poll(ModelRequest):
    """A GET that may tell a usage, and its answer as it is received."""

    asks_model = False
    is_held = True
    is_foreign = False  # of a thread that another cell began: no row of this run is made for it
    _request_read = True  # it has no body

    def _remember_failure(self) -> None:
        """Do nothing: a poll that failed is no attempt at a call."""


class PendingPoll(PendingCall):
    """A poll until its answer is read, and joined to the row of whoever asked."""

    def __init__(self, poll: Poll) -> None:
        super().__init__(poll)
        path = poll.path.encode()
        self._key: Key = poll.call.host or "", id_in(path)
        self._is_results = is_of_results(path)
        self._is_over = False  # nothing more comes of it
        self._source: Asker | None = None
        self._batch: BatchReader | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing will come of it any more."""
        return self._is_over or super().is_finished

    def advance(self) -> CallUpdate | UnreadRequest | None:
        """Read what has arrived; return what is new of the row that it tells of."""
        poll = self.model_request
        if poll.ok is False or (poll.ok is None and poll.is_done):
            self._drop()
        if self._is_over or poll.ok is None:
            return None
        if self._source is None and self._batch is None:
            self._find_source()
        elif self._batch is None and self._source is not None and not self._source.keys:
            self._drop()  # another poll was told all of it meanwhile
        if self._is_over:
            return None
        row = self._row()
        if row is None:
            return self._advance_own()
        if not self._reader.read():
            return None
        self._is_over = self._reader.is_read
        if self._batch is not None:
            return self._join_batch(row)
        deferred.note(row, is_read=False)
        return _answered(row, self.model_request.open_span.run_state)

    def _drop(self) -> None:
        """Read no more, and keep no more of what still comes."""
        self._is_over = self.model_request.truncated = True
        self.model_request.chunks.clear()

    def _row(self) -> PendingCall | None:
        """Return what posts the news of the row that asked; None where there is none."""
        return self._source.call if self._source is not None else None

    def _find_source(self) -> None:
        """Find who waits for this id: the POST that was answered with it has been read."""
        poll = self.model_request
        source = self._source = deferred.asker_of(self._key)
        if self._is_results:
            run_state = poll.open_span.run_state
            room = run_state.span_limit.limits.spans
            self._batch = BatchReader(poll, room, is_known=source is not None)
            self._reader = self._batch
            if deferred.is_read(self._key):
                self._drop()
            return
        if source is None:
            self._drop()
            return
        if source.call is not None:
            poll.dialect = source.dialect
            poll.call = source.call.model_request.call
            return
        # Its row is gone: the answer is read anew, into a row of this run.
        poll.dialect = type(source.dialect)(poll.call.host or "", source.dialect.path)
        call = ModelCall(poll.dialect.provider, poll.call.host, poll.dialect.operation)
        call.request_model = source.request_model
        poll.call = call

    # -- a batch --------------------------------------------------------------

    def _join_batch(self, row: PendingCall) -> CallUpdate | None:
        """Bring the sums of a file to the row that asked for the batch, once it is over."""
        source, batch = self._source, self._batch
        if not self._is_over or source is None or batch is None or deferred.is_read(self._key):
            return None
        before = source.files.get(self._key[1])
        if batch.sums.is_whole:
            deferred.mark_read(self._key)
        elif before is not None and before.count > batch.sums.count:
            return None
        source.files[self._key[1]] = batch.sums
        source.rows = source.rows or BatchRows(row.model_request)
        awaited = {key for key in source.keys if key[1] not in source.files}
        source.rows.write(source.files, is_all=not awaited)
        return _answered(row, self.model_request.open_span.run_state)

    # -- a row of its own -----------------------------------------------------

    def _advance_own(self) -> CallUpdate | UnreadRequest | None:
        poll = self.model_request
        is_read = self._batch is not None and deferred.is_read(self._key) and poll.is_held
        # Read by another thread meanwhile, or nothing of this run.
        if is_read or (isinstance(poll, Poll) and poll.is_foreign):
            self._drop()
            return None
        return super().advance()

    def _is_a_call(self) -> bool:
        """Have a row once the answer tells a usage, the results of a batch at their end."""
        poll, batch = self.model_request, self._batch
        if batch is None:
            return self._is_an_answer()
        if not self._reader.is_read or not batch.sums.count:
            return False
        tell(self.model_request)
        source = deferred.adopt(self, self._key)
        if batch.sums.is_whole:
            deferred.mark_read(self._key)
        source.files[self._key[1]] = batch.sums
        source.rows = BatchRows(poll)
        source.rows.write(source.files, is_all=True)
        return True

    def _is_an_answer(self) -> bool:
        """Have a row for an answer whose own row is no longer in memory; others join it then."""
        if not self.model_request.call.usage.known:
            return False
        tell(self.model_request)
        self.asker = self._source
        if self._source is not None:
            self._source.call = self
        deferred.note(self, is_read=self._reader.is_read)
        return True

    def _unread(self) -> UnreadRequest | None:
        """Say nothing: a GET asks no model."""
        self._is_over = self._reader.is_read
        return None

    def _span_name(self) -> str:
        call = self.model_request.call
        why = ASKED_BEFORE if self._source is None else ASKED_IN_FORGOTTEN
        model = call.response_model or call.request_model
        return f"{call.operation} {why}{f' {model}' if model else ''}"


Poll.pending_type = PendingPoll


def _answered(row: PendingCall, here: RunState) -> CallUpdate:
    """Return the news of a row whose answer has come by a GET in the run `here`."""
    update, there = row.update(), row.model_request.open_span.run_state
    # That its run ended before this came makes the usage late, not the call.
    update.abandoned = update.abandoned and not update.is_read
    if here is not there and update.call.usage.known:
        here.told_others = True
        note = f"usage that was told here is in run {there.run.name}, which asked for it"
        if note not in here.run.notes:
            here.run.notes.append(note)
    if row.model_request.left_early and update.call.finish_reason is not None:
        # It was left, and fetched whole all the same.
        update.status = update.status or "ok"
    return update


def hold_poll(
    address: str, raw_path: bytes, tracker: SpanTracker, run_state: RunState
) -> Poll | None:
    """Return the poll that a GET is, on the user's thread; None for any other GET."""
    if not deferred.wants(address, raw_path) or admission.already_captured(None):
        return None
    parent: OpenSpan | None = context.nearest_open(context.current_span.get()) or run_state.root
    if parent is None:
        return None
    path = raw_path.partition(b"?")[0].decode("ascii", "replace")
    poll = Poll(_Results(address.partition(":")[0], path), address, path, None)
    poll.tracker = tracker
    poll.is_foreign = context.is_of_another_cell(run_state)
    poll.open_span = tracker.maker.held(parent, "gen_ai.chat", "batch")
    poll.open_span.model_request = poll
    pending_calls.add(poll)
    return poll
