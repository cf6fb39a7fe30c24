"""What a run and its page tell each other, without any knowledge of spans.

Rows go as batched messages; details, which hold prompts and answers, go by message alone: a
trait would be saved with the notebook. The shapes are written down in `protocol.d.ts`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aimon_nb.views.live.widget.answers import Answer

# Seconds that the end of a cell waits at most for its last messages to leave.
FLUSH = 1.0


class RunMessages:
    """One run's side of the talk; safe to send from any thread."""

    run_id: str
    # Messages of rows so far: a page that has seen fewer lacks some.
    row_messages = 0
    _hello: Callable[[], None]
    _want: Callable[[list[str]], None]
    _answer: Callable[[Mapping[str, Any]], Answer | None]

    def on_ask(
        self,
        hello: Callable[[], None],
        want: Callable[[list[str]], None],
        answer: Callable[[Mapping[str, Any]], Answer | None],
    ) -> None:
        """Call back on the page's messages: `hello` where it lacks rows, `want` for details.

        What it asks beside is answered by what `answer` returns.
        """
        self._hello, self._want, self._answer = hello, want, answer

    def receive(self, message: Mapping[str, Any]) -> None:
        """Answer a message of the page."""
        if message.get("k") == "hello":
            self._hello()
        elif message.get("k") == "want":
            self._want([str(span_id) for span_id in message.get("ids", [])])
        else:
            answer = self._answer(message)
            if answer is not None:
                self.post(answer.message, answer.buffers)

    def send_rows(self, header: Mapping[str, Any], rows: Sequence[list[Any]], **more: Any) -> None:
        """Send the header and the rows that are new or changed, encoded."""
        self.row_messages = more.get("count", self.row_messages)
        self.post({"k": "rows", "header": header, "rows": rows, **more})

    def send_previews(self, previews: Mapping[str, tuple[str, str]]) -> None:
        """Send previews of rows that were sent without, by span id."""
        self.post({"k": "previews", "previews": previews})

    def send_details(self, items: Mapping[str, Mapping[str, Any]]) -> None:
        """Send details by span id."""
        self.post({"k": "details", "items": items})

    def send_growth(self, growth: Mapping[str, str]) -> None:
        """Send what answers grew by, by span id."""
        self.post({"k": "grown", "grown": growth})

    def announce(self) -> None:
        """Let pages that are loaded while the run goes on learn of it, where they need it."""

    def raise_fault(self) -> None:
        """Raise what went wrong on a thread that nobody waits for."""

    def post(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send a message about this run, with bytes beside it."""
        raise NotImplementedError(message)


def flush(comm: Any) -> None:
    """Wait until what was sent has left: the kernel's thread that sends it needs the GIL.

    It gets it late, and for each message anew, from code that computes.
    """
    sender = getattr(getattr(comm, "kernel", None), "iopub_thread", None)
    if sender is not None:
        flushed = threading.Event()
        sender.schedule(flushed.set)
        flushed.wait(FLUSH)
