"""What the truth server does later: responses in the background, batches and their files.

Each is told of by GETs: the first says that it is in progress, the next that it is done.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from itertools import count
from typing import NamedTuple

from aimon_nb.testing.counting import Tokens
from aimon_nb.testing.dialect import CREATED, Answer, Body, Endpoint, RefusedError, lines, sse

_MOST = 10_000  # things that are remembered
_numbers = count(1)
_lock = threading.Lock()


class Page(NamedTuple):
    """What is answered to a GET: its content type and its bytes."""

    kind: str
    data: bytes


class Job:
    """Work that is done later: what a GET tells first, and what it tells from then on."""

    def __init__(self, begun: Body, done: Body, events: Iterable[tuple[str, Body]] = ()) -> None:
        self._begun, self._done = begun, done
        self._events = list(events)
        self._asked = 0

    def tell(self) -> Body:
        """Answer the next GET."""
        self._asked += 1
        return self._done if self._asked > 1 else self._begun

    def stream(self) -> bytes:
        """Answer a GET that asks for the events."""
        self._asked += 1
        return b"".join(sse(self._events))


_jobs: dict[str, Job] = {}
_files: dict[str, bytes] = {}


def background(whole: Body, events: Iterable[tuple[str, Body]]) -> Body:
    """Begin a response in the background; return what is answered at once."""
    told = {**whole, "background": True}
    begun = {**told, "status": "queued", "output": [], "usage": None}
    _remember(_jobs, whole["id"], Job({**begun, "status": "in_progress"}, told, events))
    return begun


def upload(raw: bytes, content_type: str) -> Body:
    """Keep the file of a form; return what is said of it."""
    boundary = re.search(r"boundary=([^;]+)", content_type)
    parts = raw.split(b"--" + boundary[1].strip('"').encode()) if boundary else []
    content = next((p for p in parts if b'name="file"' in p), b"")
    data = content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    name = _file(data)
    told = {"id": name, "object": "file", "bytes": len(data), "created_at": CREATED}
    return {**told, "filename": "batch.jsonl", "purpose": "batch", "status": "processed"}


def page(path: str) -> Page | None:
    """Return what is answered to a GET; None where nothing is known."""
    path, _, query = path.partition("?")
    name, _, last = path.removeprefix("/").rpartition("/")
    if last in ("content", "results"):
        data = _files.get(name.rpartition("/")[2])
        return None if data is None else Page("application/binary", data)
    job = _jobs.get(last)
    if job is None:
        return None
    if "stream=true" in query:
        return Page("text/event-stream", job.stream())
    return Page("application/json", json.dumps(job.tell()).encode())


# --- OpenAI's batches ---------------------------------------------------------------------------


def openai_batches(
    endpoints: Callable[[], dict[str, Endpoint]], error: Callable[[int, str], Body]
) -> Endpoint:
    """Return what answers `POST /v1/batches`, and does the work of other endpoints."""

    def answer(body: Body, chunks: int) -> Answer:
        endpoint = endpoints()[body["endpoint"]]
        asked = [json.loads(line) for line in _files[body["input_file_id"]].splitlines()]
        answered, failed, tokens = [], [], []
        for number, one in enumerate(asked, 1):
            head = {"id": f"batch_req_{number}", "custom_id": one["custom_id"]}
            try:
                said = endpoint.answer(one["body"], chunks)
            except RefusedError as refusal:
                told = endpoint.error(refusal.status, str(refusal))
                response = {"status_code": refusal.status, "request_id": "r", "body": told}
                failed.append({**head, "response": response, "error": None})
            else:
                tokens.append(said.tokens)
                response = {"status_code": 200, "request_id": "r", "body": said.body}
                answered.append({**head, "response": response, "error": None})
        batch = f"batch_{next(_numbers)}"
        begun = {
            "id": batch,
            "object": "batch",
            "endpoint": body["endpoint"],
            "errors": None,
            "input_file_id": body["input_file_id"],
            "completion_window": body.get("completion_window"),
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": CREATED,
            "request_counts": {"total": len(asked), "completed": 0, "failed": 0},
        }
        done = {
            "status": "completed",
            "output_file_id": _file(b"".join(lines(answered))) if answered else None,
            "error_file_id": _file(b"".join(lines(failed))) if failed else None,
            "request_counts": {
                "total": len(asked),
                "completed": len(answered),
                "failed": len(failed),
            },
        }
        _remember(_jobs, batch, Job({**begun, "status": "in_progress"}, {**begun, **done}))
        return Answer(_sum(tokens), body=begun)

    return Endpoint(lambda _: "", answer, error)


# --- Anthropic's --------------------------------------------------------------------------------


def anthropic_batches(message: Endpoint) -> Endpoint:
    """Return what answers `POST /v1/messages/batches`."""

    def answer(body: Body, chunks: int) -> Answer:
        told, tokens = [], []
        for one in body["requests"]:
            try:
                said = message.answer(one["params"], chunks)
            except RefusedError as error:
                failure = message.error(error.status, str(error))
                result: Body = {"type": "errored", "error": failure}
            else:
                tokens.append(said.tokens)
                result = {"type": "succeeded", "message": said.body}
            told.append({"custom_id": one["custom_id"], "result": result})
        batch = f"msgbatch_{next(_numbers)}"
        _remember(_files, batch, b"".join(lines(told)))
        counts = {"processing": len(told), "canceled": 0, "expired": 0}
        begun = {
            "id": batch,
            "type": "message_batch",
            "processing_status": "in_progress",
            "request_counts": {**counts, "succeeded": 0, "errored": 0},
            "ended_at": None,
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-02T00:00:00Z",
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": None,
        }
        over = {"succeeded": len(tokens), "errored": len(told) - len(tokens)}
        done = {
            **begun,
            "processing_status": "ended",
            "request_counts": {**counts, "processing": 0, **over},
            "ended_at": "2026-01-01T00:01:00Z",
            # A path: the client asks the server that it knows.
            "results_url": f"/v1/messages/batches/{batch}/results",
        }
        _remember(_jobs, batch, Job(begun, done))
        return Answer(_sum(tokens), body=begun)

    return Endpoint(lambda _: "", answer, message.error)


def _sum(tokens: list[Tokens]) -> Tokens:
    names = ("input", "cached", "cache_write", "output", "reasoning")
    return Tokens(**{name: sum(getattr(one, name) for one in tokens) for name in names})


def _file(data: bytes) -> str:
    name = f"file-{next(_numbers)}"
    _remember(_files, name, data)
    return name


def _remember(known: dict[str, Job] | dict[str, bytes], name: str, thing: Job | bytes) -> None:
    with _lock:
        known[name] = thing  # type: ignore[assignment]
        while len(known) > _MOST:
            known.pop(next(iter(known)))
