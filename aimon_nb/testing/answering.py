"""The truth server's HTTP: paths, held answers, streams; what it says stands with each dialect."""

from __future__ import annotations

import json
import pkgutil
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aimon_nb.testing import jobs_api
from aimon_nb.testing.client_watch import ClientWatch
from aimon_nb.testing.counting import Steering, steering
from aimon_nb.testing.dialect import Body, Endpoint, RefusedError
from aimon_nb.testing.forms import fields
from aimon_nb.testing.local_server import LocalServer

if TYPE_CHECKING:
    from aimon_nb.testing.server import Outcome, Served, TruthServer


def _apis() -> Iterator[Any]:
    """Yield the modules beside this one that are an API's: `openai_api` and its like."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.endswith("_api"):
            yield import_module(f"{__package__}.{module.name}")


# Each API's own `CALLS` and `PAGES`, by path: what is answered to a POST, and to a GET. A
# `{model}` in a path stands for the model, an `{id}` for anything.
CALLS: dict[str, Endpoint] = {}
PAGES: dict[str, Callable[[], Body]] = {}
for _api in _apis():
    CALLS |= getattr(_api, "CALLS", {})
    PAGES |= getattr(_api, "PAGES", {})
_WITH_NAMES = [
    (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), endpoint)
    for path, endpoint in CALLS.items()
    if "{" in path
]


class Handler(BaseHTTPRequestHandler):
    """Answers a model client's request; what it says stands with each dialect."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    timeout = 60
    server: LocalServer[TruthServer]

    def setup(self) -> None:
        """Watch the client's end of the connection, too."""
        super().setup()
        self._watch = ClientWatch(self.connection, self.timeout)

    def do_GET(self) -> None:
        """Answer with a page of an API, or wait where a test asks for that."""
        if self.path == "/hold":
            self._watch.wait_at(self.server.owner._gate, 0, asked=True)
            self._send(200, {})
            return
        page = PAGES.get(self.path.partition("?")[0])
        later = jobs_api.page(self.path)
        if later is not None:
            self._send_bytes(200, later.kind, later.data)
        elif page is None:
            self._send(404, _unknown(self.path))
        else:
            self._send(200, page())

    def do_POST(self) -> None:
        """Answer a call."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/v1/files":
            self._send(200, jobs_api.upload(raw, self.headers.get("Content-Type") or ""))
            return
        endpoint, in_path = _route(path)
        if endpoint is None:
            self._send(404, _unknown(path))
            return
        is_form = self.headers.get_content_type() == "multipart/form-data"
        try:
            read = fields(self.headers["Content-Type"], raw) if is_form else json.loads(raw)
            body = in_path | read
        except (ValueError, TypeError):
            self._send(400, endpoint.error(400, "the request body is not JSON"))
            return
        self._serve(endpoint, self.server.owner._begin(path, body, is_form=is_form))

    def _serve(self, endpoint: Endpoint, call: Served) -> None:
        owner = self.server.owner
        outcome: Outcome = "left_early"
        try:
            outcome = self._answer(endpoint, call)
        except RefusedError as error:
            owner._note(call, status=error.status)
            self._send(error.status, endpoint.error(error.status, str(error)))
            outcome = "finished"
        except OSError:
            self.close_connection = True
        except Exception as error:
            owner._note(call, status=400)
            self._send(400, endpoint.error(400, f"cannot answer this: {error!r}"))
            outcome = "finished"
        finally:
            owner._note(call, outcome=outcome)

    def _answer(self, endpoint: Endpoint, call: Served) -> Outcome:
        owner = self.server.owner
        text = endpoint.asked(call.body)
        steer = steering(text)
        self._watch.wait(owner.latency + steer.wait)
        self._watch.wait_at(owner._gate, 0, asked=steer.hold_after == 0)
        if steer.status is not None:
            raise RefusedError(steer.status, f"you asked for status {steer.status}")
        if steer.busy_once and owner._first_time(text):
            raise RefusedError(429, "you asked me to be busy once")
        answer = endpoint.answer(call.body, owner.chunks)
        tokens = answer.tokens
        owner._note(
            call,
            status=200,
            streamed=answer.frames is not None,
            usage_told=answer.usage_told and not steer.cut,
            input=tokens.input,
            cached=tokens.cached,
            cache_write=tokens.cache_write,
            output=tokens.output,
            reasoning=tokens.reasoning,
        )
        if answer.frames is not None:
            return self._stream(answer.frames, answer.kind, steer)
        if steer.cut:
            return self._break_off()
        after = owner._gate.after
        # There are no events to send first.
        if after:
            self._watch.wait_at(owner._gate, after, asked=False)
        if isinstance(answer.body, bytes):
            self._send_bytes(200, answer.kind, answer.body, *answer.headers)
        else:
            self._send(200, answer.body, *answer.headers)
        return "finished"

    def _send(self, status: int, body: Any, *headers: tuple[str, str]) -> None:
        self._send_bytes(status, "application/json", json.dumps(body).encode(), *headers)

    def _send_bytes(self, status: int, kind: str, data: bytes, *headers: tuple[str, str]) -> None:
        self._head(status, kind, ("Content-Length", str(len(data))), *headers)
        self.wfile.write(data)
        self.wfile.flush()

    def _stream(self, frames: Sequence[bytes], kind: str, steer: Steering) -> Outcome:
        self._head(200, kind, ("Transfer-Encoding", "chunked"))
        owner = self.server.owner
        for number, frame in enumerate(frames):
            if number:
                self._watch.wait(owner.chunk_latency)
                self._watch.wait_at(owner._gate, number, asked=number == steer.hold_after)
            if steer.cut and number >= len(frames) // 2:
                return self._break_off()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(frame), frame))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        return "finished"

    def _break_off(self) -> Outcome:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        return "cut"

    def _head(self, status: int, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for header in headers:
            self.send_header(*header)
        self.send_header("x-request-id", f"req_{len(self.server.owner.calls)}")
        if status == 429:
            self.send_header("Retry-After-Ms", "20")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing to stderr: a notebook would show it."""


def _route(path: str) -> tuple[Endpoint | None, Body]:
    """(what answers on a path, the model if the path names it)."""
    if path in CALLS:
        return CALLS[path], {}
    for pattern, endpoint in _WITH_NAMES:
        found = pattern.fullmatch(path)
        if found:
            model = found.groupdict().get("model")
            return endpoint, {"model": unquote(model)} if model else {}
    return None, {}


def _unknown(path: str) -> Body:
    return {"error": {"message": f"unknown path {path}", "type": "invalid_request_error"}}
