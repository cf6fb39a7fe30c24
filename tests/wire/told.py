"""A server that answers each path as it was told to, under any host's name."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Told:
    """Use it in a `with` statement; every host's name leads to it meanwhile.

    `answers` are bodies by path: objects as JSON, bytes as they are; what is missing is a 404.
    `seen` has the (method, path) of what came.
    """

    def __init__(self, monkeypatch):
        self.answers, self.seen = {}, []
        self._patch = monkeypatch

    def __enter__(self):
        owner, real = self, socket.getaddrinfo

        class Handler(_Handler):
            pass

        Handler.owner = owner
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self._patch.setattr(socket, "getaddrinfo", lambda host, port, *a, **k: real("127.0.0.1", port, *a, **k))
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def at(self, host, path=""):
        """The URL of a path at a host of this name."""
        return f"http://{host}:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_):
        pass

    def _answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.partition("?")[0]
        self.owner.seen.append((self.command, path))
        told = self.owner.answers.get(path)
        status, told = told if isinstance(told, tuple) else (200, told)
        if told is None:
            status, told = 404, {"error": {"message": f"no {path}"}}
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        kind = "text/event-stream" if body.startswith((b"data:", b"event:")) else "application/json"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer
