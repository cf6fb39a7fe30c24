"""Requests whose usage comes by another request: who waits for what.

A response in the background, a batch, a video: the POST is answered at once, and a GET that
comes later, perhaps in a later cell, tells the usage. A user's thread asks here whether a GET
may do that; our thread notes what the answers name, and joins them (`wire.polls`).
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from aimon_nb.wire.dialects import Dialect

if TYPE_CHECKING:
    from aimon_nb.wire.batch_results import BatchSums
    from aimon_nb.wire.batch_rows import BatchRows
    from aimon_nb.wire.model_request import ModelRequest
    from aimon_nb.wire.pending_calls import PendingCall

Key = tuple[str, str]
"""Host with its port, and an id that the host gave to a response, a batch, a file …."""
IN_RESULTS = "es/"
"""In every path of a batch's results (`/files/…`, `/batches/…`): to look for it takes 30 ns."""
_MOST = 10_000  # requests that wait, and files that were read
_RESULTS = re.compile(rb"/files/[^/]+/content$|/batches/[^/]+/results$")
_ENDS = (b"/content", b"/results")
_ANSWERS = re.compile(rb"/(?:responses|batches|videos|operations)/[^/]+$")


class Asker:
    """A request whose usage a GET will tell.

    `call` is what posts its row's news, None once its run is no longer in memory. Of a batch
    `files` has what was read of each of its files, by the file's id, and `rows` writes it.
    """

    __slots__ = ("call", "dialect", "files", "keys", "request_model", "rows")

    def __init__(self, call: PendingCall) -> None:
        self.call: PendingCall | None = call
        self.dialect: Dialect = call.model_request.dialect
        self.request_model = call.model_request.call.request_model
        self.keys: set[Key] = set()
        self.files: dict[str, BatchSums] = {}
        self.rows: BatchRows | None = None

    def forget_old(self) -> None:
        """Let go of a run that is no longer in memory."""
        if self.call is not None and self.call.model_request.open_span.run_state.forgotten:
            self.call = self.rows = None
            self.files.clear()


class Deferred:
    """The requests of this kernel whose usage is still to be told."""

    def __init__(self) -> None:
        # Host → ids; empty in most kernels, where it is all that a GET is asked.
        self.pending: dict[str, set[str]] = {}
        self._expected: dict[ModelRequest, str] = {}
        self._askers: OrderedDict[Asker, None] = OrderedDict()
        self._by_key: dict[Key, Asker] = {}
        self._read: OrderedDict[Key, None] = OrderedDict()
        self._lock = threading.Lock()

    # -- on the user's thread ------------------------------------------------

    def expect(self, model_request: ModelRequest) -> None:
        """Note that the answer to this request may name an id to ask for."""
        address = model_request.call.host or ""
        with self._lock:
            self._expected[model_request] = address
            self.pending.setdefault(address, set())

    def wants(self, address: str, raw_path: bytes) -> bool:
        """Return whether a GET may tell a usage that nobody has told yet.

        Args:
            address: The host, with its port where the URL has one.
            raw_path: The path as it is sent, with its query.

        """
        path = raw_path.partition(b"?")[0]
        key = address, id_in(path)
        if is_of_results(path):
            return _RESULTS.search(path) is not None and key not in self._read
        ids = self.pending.get(address)
        if ids is None:
            return False
        with self._lock:
            # Our thread may not have read yet what the user's code knows already.
            unread = address in self._expected.values()
            return key[1] in ids or (unread and _ANSWERS.search(path) is not None)

    # -- on ours -------------------------------------------------------------

    def note(self, call: PendingCall, *, is_read: bool) -> None:
        """Note what the answer to a request names, as far as it has come."""
        request = call.model_request
        awaited = request.dialect.awaited
        if request.is_held:
            return  # a GET, which asks for itself once it has a row
        if awaited is None and call.asker is None and request not in self._expected:
            return
        with self._lock:
            if awaited is not None and request.ok:
                call.asker = call.asker or Asker(call)
                host = request.call.host or ""
                at = (host, awaited.address) if awaited.address else (host,)
                self._wait(call.asker, {(address, one) for address in at for one in awaited.ids})
            elif call.asker is not None:
                self._wait(call.asker, set())
            if is_read:
                self._stop_expecting(request)

    def adopt(self, call: PendingCall, key: Key) -> Asker:
        """Return a new asker of results that nobody here asked for: they may be read once more."""
        with self._lock:
            before = self._by_key.get(key)
            if before is not None:
                self._wait(before, {one for one in before.keys if one[1] != key[1]})
            call.asker = Asker(call)
            self._wait(call.asker, {key})
        return call.asker

    def asker_of(self, key: Key) -> Asker | None:
        """Return who waits for an id; None where nobody does."""
        return self._by_key.get(key)

    def is_read(self, key: Key) -> bool:
        """Return whether the file of this id was read to its end."""
        return key in self._read

    def mark_read(self, key: Key) -> None:
        """A file was read to its end: it is not looked at again."""
        with self._lock:
            asker = self._by_key.get(key)
            keys = asker.keys if asker is not None else set()
            # Results may be at two hosts.
            self._read |= dict.fromkeys([key, *(one for one in keys if one[1] == key[1])])
            while len(self._read) > _MOST:
                self._read.popitem(last=False)
            if asker is not None:
                self._wait(asker, keys)

    def forget_old(self) -> None:
        """Let go of runs that are no longer in memory; their ids stay known."""
        if not (self._askers or self._expected):
            return
        with self._lock:
            for request in [r for r in self._expected if r.open_span.run_state.forgotten]:
                self._stop_expecting(request)
            for asker in self._askers:
                asker.forget_old()
            while len(self._askers) > _MOST:
                self._wait(next(iter(self._askers)), set())

    def _stop_expecting(self, request: ModelRequest) -> None:
        address = self._expected.pop(request, None)
        if address is not None:
            self._tidy(address)

    def _wait(self, asker: Asker, keys: set[Key]) -> None:
        """Have a request wait for these ids, and for no others.

        An id is billed once: one that is awaited stays with the first that was answered with
        it, for a cache, or a server that knows the request, may answer another with it, too.
        """
        keys = {
            key for key in keys if key not in self._read and self._by_key.get(key, asker) is asker
        }
        for key in asker.keys - keys:
            self._by_key.pop(key, None)
            self.pending.get(key[0], set()).discard(key[1])
            self._tidy(key[0])
        for key in keys - asker.keys:
            self._by_key[key] = asker
            self.pending.setdefault(key[0], set()).add(key[1])
        asker.keys = keys
        if keys:
            self._askers[asker] = None
        else:
            self._askers.pop(asker, None)

    def _tidy(self, address: str) -> None:
        """Nothing is awaited of most hosts: then a GET costs one look."""
        if not self.pending.get(address) and address not in self._expected.values():
            self.pending.pop(address, None)


def is_of_results(path: bytes) -> bool:
    """Return whether a path, without its query, may be that of a batch's results."""
    return path.endswith(_ENDS)


def id_in(path: bytes) -> str:
    """Return the id in the path of a GET, which has no query."""
    above, _, last = path.rpartition(b"/")
    if is_of_results(path):
        last = above.rpartition(b"/")[2]
    return last.decode("ascii", "replace")


deferred = Deferred()
"""The process's own."""
