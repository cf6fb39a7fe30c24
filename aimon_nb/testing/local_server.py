"""An HTTP server on a free port of this machine, for the servers of this room."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

Owner = TypeVar("Owner")


class LocalServer(ThreadingHTTPServer, Generic[Owner]):
    """Listens on a free port of 127.0.0.1; its handlers find whom it is for in `owner`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, owner: Owner, handler: type[BaseHTTPRequestHandler]) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), handler)

    def serve(self, name: str) -> None:
        """Answer on a thread of its own, of this name."""
        threading.Thread(target=self.serve_forever, args=(0.05,), name=name, daemon=True).start()

    def stop(self) -> None:
        """Stop listening; answers under way end by themselves."""
        self.shutdown()
        self.server_close()

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of our own name, which may ask the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client that goes away is an ordinary event."""


class LocalService:
    """Is started and stopped, by hand or by a `with`; `_handler` answers its requests."""

    _handler: type[BaseHTTPRequestHandler]
    _name: str  # of its thread; words with hyphens

    def __init__(self) -> None:
        self._http: LocalServer[LocalService] | None = None

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`, as `pricing.host` takes it.

        Raises:
            RuntimeError: It is not running.

        """
        if self._http is None:
            raise RuntimeError(
                f"the {self._name.replace('-', ' ')} is not running: call start() first"
            )
        return f"127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> Self:
        """Listen on a free port of 127.0.0.1; a second start changes nothing."""
        if self._http is None:
            self._http = LocalServer(self, self._handler)
            self._http.serve(self._name)
        return self

    def stop(self) -> None:
        """Stop listening; what has arrived stays, and answers under way end by themselves."""
        http, self._http = self._http, None
        if http is not None:
            http.stop()

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()
