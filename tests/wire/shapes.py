"""A server whose answers have every shape: whole, chunked, compressed, held, cut, refused.

The last part of the path before the endpoint's own says which:
`/gzip-stream/v1/chat/completions`.
"""

import gzip
import json
import socket
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
WHOLE = json.dumps(
    {
        "model": "gpt-4o",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "héllo " * 50},
            }
        ],
        "usage": USAGE,
    }
).encode()
EVENTS = [
    *(
        f'data: {{"model":"gpt-4o","choices":[{{"index":0,"delta":{{"content":"wörd{n} "}}}}]}}\n\n'.encode()
        for n in range(6)
    ),
    f'data: {{"model":"gpt-4o","choices":[],"usage":{json.dumps(USAGE)}}}\n\n'.encode(),
    b"data: [DONE]\n\n",
]
PATH = "/v1/chat/completions"
PATIENCE = 20.0  # seconds after which what nobody releases is broken off


def encoder(name):
    """(feed, end) of a content encoding."""
    if name == "br":
        import brotli

        packer = brotli.Compressor()
        return lambda data: packer.process(data) + packer.flush(), packer.finish
    bits = {"gzip": 31, "deflate": 15}[name]
    packer = zlib.compressobj(wbits=bits)
    return lambda data: packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH), packer.flush


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is what many of these tests are about."""


class Shapes:
    """Use it in a `with` statement; `bodies` holds what was asked.

    A `held` stream sends its first event and waits for `release()` with the others.
    """

    def __enter__(self):
        owner = self
        self.bodies = []
        self._releases, self._changed = 0, threading.Condition()

        class Handler(_Handler):
            pass

        Handler.owner = owner
        self.http = _Http(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    @property
    def host(self):
        return f"127.0.0.1:{self.http.server_address[1]}"

    def release(self):
        """Let every stream go on that is held."""
        with self._changed:
            self._releases += 1
            self._changed.notify_all()

    def is_released(self, since):
        """Whether `release()` was called since so many times, waiting for it."""
        with self._changed:
            return self._changed.wait_for(lambda: self._releases > since, PATIENCE)

    def url(self, shape):
        return f"http://{self.host}/{shape}{PATH}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        self.owner.bodies.append(self.rfile.read(int(self.headers.get("content-length") or 0)))
        path = self.path.removeprefix("http://model.test")  # as a proxy is asked
        shape = path[1:].partition("/")[0]
        encoding, _, kind = shape.rpartition("-")
        try:
            getattr(self, f"_{kind}")(encoding)
        except OSError:
            self.close_connection = True

    def _head(self, status=200, **headers):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _whole(self, encoding, body=WHOLE, status=200):
        headers = {"content_type": "application/json"}
        if encoding:
            feed, end = encoder(encoding)
            body, headers["content_encoding"] = feed(body) + end(), encoding
        self._head(status, **headers, content_length=len(body))
        self.wfile.write(body)
        self.wfile.flush()

    def _stream(self, encoding, cut=None, hold=None):
        since = self.owner._releases
        headers = {"content_type": "text/event-stream", "transfer_encoding": "chunked"}
        feed = end = None
        if encoding:
            feed, end = encoder(encoding)
            headers["content_encoding"] = encoding
        self._head(**headers)
        for number, event in enumerate(EVENTS):
            if number == hold and not self.owner.is_released(since):
                cut = number
            if number == cut:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self._chunk(feed(event) if feed else event)
        if end:
            self._chunk(end())
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _chunk(self, data):
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    def _held(self, encoding):
        self._stream(encoding, hold=1)

    def _cut(self, encoding):
        self._stream(encoding, cut=3)

    def _short(self, encoding):
        """Promises more bytes than it sends."""
        self._head(content_type="application/json", content_length=len(WHOLE) + 100)
        self.wfile.write(WHOLE)
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _silent(self, encoding):
        """Says nothing until the client has gone."""
        self.connection.settimeout(PATIENCE)
        self.rfile.read(1)
        self.close_connection = True

    def _gone(self, encoding):
        """Hangs up without an answer."""
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _busy(self, encoding):
        self._whole(encoding, b'{"error": {"message": "too many requests"}}', 429)

    def _quoting(self, encoding):
        """Refuses, and quotes all of the request's head."""
        told = f"not allowed: {self.path} with {dict(self.headers)}"
        self._whole(encoding, json.dumps({"error": {"message": told}}).encode(), 401)

    def _moved(self, encoding):
        self._head(307, location=self.path.replace("moved", "whole"), content_length=0)
        self.wfile.flush()

    def _broken(self, encoding):
        """Says gzip, sends something else."""
        self._head(content_type="application/json", content_encoding="gzip", content_length=9)
        self.wfile.write(b"not gzip!")
        self.wfile.flush()

    def log_message(self, *_):
        pass
