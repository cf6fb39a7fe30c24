"""A real local Sentry: takes envelopes over HTTP; Sentry's own ingestion code judges them."""

import contextlib
import functools
import http.server
import itertools
import json
import threading
import time

import pytest


class Receiver:
    """What arrived, in order: `.got` holds (item type, payload) of every envelope.

    From this process use `.init()`; in a kernel give `.dsn` to `sentry_sdk.init`
    or to the environment as SENTRY_DSN.
    """

    def __init__(self):
        from sentry_relay.processing import StoreNormalizer

        self.got, self.dsn = [], None
        self._relay = StoreNormalizer(project_id=1)
        self._arrived = threading.Condition()  # re-entrant
        self.requests = 0  # that came, answered or not
        self.status, self.headers = 200, {}  # of its answers; what is not 200 does not count as arrived
        self._gate = threading.Event()
        self._gate.set()

    def hold(self) -> None:
        """Answer nobody until `release()`."""
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    def ask(self, body: bytes) -> int:
        """Take a request; gives the status of its answer."""
        with self._arrived:
            self.requests += 1
            self._arrived.notify_all()
        self._gate.wait(60)
        if self.status == 200:
            self.add(body)
        return self.status

    def wait_for_requests(self, count: int = 1, timeout: float = 10) -> None:
        """Return when so many requests have come, answered or not."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.requests >= count, timeout), self.requests

    def add(self, body: bytes) -> None:
        from aimon_nb.testing.sentry_receiver import envelope_items

        got = list(envelope_items(body))
        with self._arrived:
            self.got += got
            self._arrived.notify_all()

    def init(self, **options):
        """Initialise this process's SDK to send here; the fixture closes it.

        No default integrations: StdlibIntegration traces the SDK's own POSTs to a
        DSN with a port.
        """
        import sentry_sdk
        from sentry_sdk.integrations.threading import ThreadingIntegration

        options = {"traces_sample_rate": 1.0, "default_integrations": False, **options}
        options.setdefault("integrations", [ThreadingIntegration()])
        return sentry_sdk.init(self.dsn, **options)

    def of(self, kind: str) -> list:
        """Payloads of a kind (`transaction`, `event`, `span`, …), this process flushed."""
        import sentry_sdk

        sentry_sdk.flush(5)
        with self._arrived:
            return [payload for got, payload in self.got if got == kind]

    def wait(self, kind: str, count: int = 1, timeout: float = 10) -> list:
        """Payloads of a kind as soon as there are so many: they come from another process."""
        with self._arrived:
            self._arrived.wait_for(lambda: sum(k == kind for k, _ in self.got) >= count, timeout)
        found = self.of(kind)
        assert len(found) >= count, f"{len(found)} of {count} {kind} arrived in {timeout} s: {self.kinds()}"
        return found

    def wait_for(self, check, timeout: float = 10) -> None:
        """Return when `check()` is true, or the time is up: the test says what is missing then."""
        with self._arrived:
            self._arrived.wait_for(check, timeout)

    def forget(self) -> None:
        """Flush, and forget what has arrived so far."""
        self.of("")
        with self._arrived:
            self.got.clear()

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.got]

    def stored(self, kind: str) -> list:
        """Transactions or events as Sentry would store them; fails if Sentry would reject a part."""
        out = [self._relay.normalize_event(payload) for payload in self.of(kind)]
        assert not any('"err"' in json.dumps(event.get("_meta")) for event in out), out
        return out

    def roots(self, count: int = 1, timeout: float = 10) -> list[dict]:
        """Name, trace and data of transactions and segments, as soon as there are so many: they come from another process."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._roots()) >= count, timeout)
            found = self._roots()
        assert len(found) >= count, f"{len(found)} of {count} roots arrived in {timeout} s: {self.kinds()}"
        return found

    def _roots(self):
        found = []
        for kind, payload in self.got:
            if kind == "transaction":
                trace = payload["contexts"]["trace"]
                found.append({**_plain(trace, payload["transaction"]), "data": trace.get("data") or {}})
            elif kind == "span":
                for span in payload["items"]:
                    if span.get("is_segment"):
                        data = {key: value["value"] for key, value in span["attributes"].items()}
                        found.append({**_plain(span, span["name"]), "op": data.get("sentry.op"), "data": data})
        return found

    def v2(self) -> list[dict]:
        """Spans of `span` items (gen_ai.* by default, all when streaming), attributes unpacked."""
        return [
            {**span, "attributes": {k: a["value"] for k, a in span["attributes"].items()}}
            for payload in self.of("span")
            for span in payload["items"]
        ]

    def spans(self) -> list[dict]:
        """Every span however it came: name, op, span_id, parent_span_id, trace_id, data."""
        out = []
        for event in self.of("transaction"):
            trace = event["contexts"]["trace"]
            out.append({**_plain(trace, event["transaction"]), "data": trace.get("data") or {}})
            out += [{**_plain(s, s.get("description")), "data": s.get("data") or {}} for s in event["spans"]]
        for span in self.v2():
            data = span["attributes"]
            told = {"op": data.get("sentry.op"), "origin": data.get("sentry.origin"), "data": data}
            out.append({**_plain(span, span["name"]), **told})
        return out


def _plain(span: dict, name) -> dict:
    keys = ("op", "span_id", "parent_span_id", "trace_id", "status", "origin")
    return {"name": name, **{key: span.get(key) for key in keys}}


# The receivers that are in use, by the project in their DSN.
_PROJECTS: dict[int, Receiver] = {}
_NUMBERS = itertools.count(1)


@functools.cache
def _server():
    """One server for all receivers of this process: to start and stop one takes longer than most tests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            from aimon_nb.testing.sentry_receiver import decoded

            body = decoded(self.rfile.read(int(self.headers["content-length"])), self.headers.get("content-encoding"))
            receiver = _PROJECTS.get(int(self.path.split("/")[-3]))  # a prefix of the DSN's, /api/PROJECT/envelope/
            # None: what an earlier test's client still had to say.
            status = receiver.ask(body) if receiver is not None else 200
            self.send_response(status)
            for name, value in (receiver.headers if receiver is not None else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def receiver():
    """A Sentry of this test's own at `.dsn`; also closes a client this process opened."""
    with receiving() as rec:
        yield rec


@contextlib.contextmanager
def receiving():
    rec, number = Receiver(), next(_NUMBERS)
    rec.dsn = f"http://key@127.0.0.1:{_server().server_address[1]}/{number}"
    _PROJECTS[number] = rec
    try:
        yield rec
    finally:
        import sentry_sdk

        rec.release()
        sentry_sdk.get_client().close(timeout=2)
        sentry_sdk.get_global_scope().set_client(None)
        del _PROJECTS[number]
