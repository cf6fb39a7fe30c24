"""The truth server: what it keeps of each call, and when it answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aimon_nb.testing.answering import Handler
from aimon_nb.testing.dialect import Body
from aimon_nb.testing.gate import Gate
from aimon_nb.testing.local_server import LocalService

Outcome = Literal["running", "finished", "left_early", "cut"]


@dataclass(slots=True)
class Served:
    """One request as the server saw it: its own counts, the truth of a test.

    The counts are those of the whole answer, also when the client left early or
    was never told them (`usage_told`; of what is done later a GET tells them). A failed
    request has none. `is_form` says that it came as a form, with files.
    """

    path: str
    model: str | None = None
    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    streamed: bool = False
    usage_told: bool = False
    status: int | None = None
    outcome: Outcome = "running"
    is_form: bool = False
    body: Body = field(default_factory=dict, repr=False)

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output


class TruthServer(LocalService):
    """A local model server with deterministic answers and known usage.

    Speaks OpenAI's chat and other completions, responses, embeddings, images, audio and
    models below `url`, and below `root`, each where its client looks for it: Anthropic's messages,
    Gemini and its interactions, Bedrock, Cohere, Ollama, LM Studio, Hugging Face's text
    generation; Mistral below `root + "/mistral"`, Voyage below `root + "/voyage"`.
    Responses in the background and batches of OpenAI and Anthropic are done at the second GET
    that asks for them. How it counts and what a request can ask for stands in
    `aimon_nb.testing.counting`.

    A test need not hope for the clock: after `hold()` requests wait for `release()`, and
    `wait_held(n)` returns when n of them do. A GET of `root + "/hold"` waits so too, for
    code that calls no model.

    Args:
        latency: Seconds before an answer begins.
        chunk_latency: Seconds between two events of a stream.
        chunks: Pieces of text in a stream.

    """

    _handler, _name = Handler, "truth-server"

    def __init__(
        self, *, latency: float = 0.05, chunk_latency: float = 0.02, chunks: int = 12
    ) -> None:
        super().__init__()
        self.latency = latency
        self.chunk_latency = chunk_latency
        self.chunks = chunks
        self.calls: list[Served] = []
        """Every request in the order of arrival; GET requests are not calls."""
        self._gate = Gate()
        self._changed = threading.Condition()
        self._was_busy: set[str] = set()

    @property
    def root(self) -> str:
        """The base URL for clients that bring the whole path: Anthropic, Google, boto3 …."""
        return f"http://{self.host}"

    @property
    def url(self) -> str:
        """The base URL for an OpenAI client."""
        return f"{self.root}/v1"

    def settled(self, timeout: float = 30.0) -> list[Served]:
        """Wait until no request is under way, and return all calls so far.

        A client can have its answer, or have left, a moment before the server
        has noted it.

        Raises:
            TimeoutError: A request is still under way after `timeout` seconds.

        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._under_way(), timeout):
                paths = ", ".join(call.path for call in self._under_way())
                raise TimeoutError(f"after {timeout} s still under way: {paths}")
            return [replace(call) for call in self.calls]

    def _under_way(self) -> list[Served]:
        return [call for call in self.calls if call.outcome == "running"]

    def hold(self, after: int = 0) -> None:
        """Let every request from now on wait for `release()` before it is answered.

        Args:
            after: Events of a stream that are sent first.

        """
        self._gate.hold(after)

    def release(self) -> None:
        """Answer every request that is held, and hold no more but those that ask for it."""
        self._gate.release()

    @property
    def held(self) -> int:
        """How many requests are held now: what `release()` would answer."""
        return self._gate.waiting

    def wait_held(self, count: int = 1, timeout: float = 30.0) -> None:
        """Wait until at least `count` requests are held.

        Raises:
            TimeoutError: So many did not come within `timeout` seconds.

        """
        if not self._gate.wait_for(count, timeout):
            raise TimeoutError(f"{self.held} of {count} requests are held after {timeout} s")

    def clear(self) -> None:
        """Forget all calls, and who was told to come back later; release what is held."""
        self.release()
        with self._changed:
            self.calls.clear()
            self._was_busy.clear()

    def _note(self, call: Served, **facts: Any) -> None:
        with self._changed:
            for name, value in facts.items():
                setattr(call, name, value)
            self._changed.notify_all()

    def _begin(self, path: str, body: Body, *, is_form: bool = False) -> Served:
        model = body.get("model") or body.get("agent")
        call = Served(path, model=model, is_form=is_form, body=body)
        with self._changed:
            self.calls.append(call)
        return call

    def _first_time(self, text: str) -> bool:
        with self._changed:
            is_first = text not in self._was_busy
            self._was_busy.add(text)
        return is_first


def truth_server(
    *, latency: float = 0.05, chunk_latency: float = 0.02, chunks: int = 12
) -> TruthServer:
    """Make a `TruthServer`: use it in a `with` statement, or `.start()` and `.stop()` it."""
    return TruthServer(latency=latency, chunk_latency=chunk_latency, chunks=chunks)
