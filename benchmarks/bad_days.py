"""What a bad day at Sentry costs a cell: its time beside the same cell where nothing is sent.

    python benchmarks/bad_days.py [--quick] [NAME ...]

The cell takes about two seconds: work of its own, waits, spans and calls to a local model server.
Each pair runs it without a client and with one whose Sentry is as NAME says, at the same time in a
process each: what else the machine does meets both. The bound is a median of 1.05 over nine pairs.
The interval is the one that holds the median in 95 of 100 cases (the second to the eighth of nine
ratios): below the bound it holds, above it is missed. With the bound in it nobody can tell, and
nine pairs more are run, 27 at most.
`control` has no client on either side, and shows what the machine can tell at all. Beside it
stands by how many MiB the process grew in all its cells.
"""

import contextlib
import http.server
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

PAIRS, MOST, BOUND = 9, 27, 1.05
WORKER = """
import json, resource, sys, time
import httpx, sentry_sdk
from aimon_nb import track, install
install()
url, lifecycle = sys.argv[1:3]
if lifecycle == "stream" and len(sys.argv) > 3:
    sentry_sdk.init(sys.argv[3], traces_sample_rate=1.0, trace_lifecycle="stream", default_integrations=False)
# sentry-sdk 3 has no other lifecycle.
stream = not hasattr(sentry_sdk, "start_transaction") or sentry_sdk.get_client().options.get("trace_lifecycle") == "stream"
body = dict(model="gpt-4o", messages=[dict(role="user", content="hi")])
client = httpx.Client()
def step():
    with sentry_sdk.traces.start_span("step") if stream else sentry_sdk.start_span(op="step", name="step"):
        client.post(url + "/chat/completions", json=body)
        until = time.thread_time() + 0.02
        while time.thread_time() < until: sum(range(1000))
        time.sleep(0.02)
def cell():
    with track("cell"):
        for _ in range(40): step()
cell()
print("ready", flush=True)
for line in sys.stdin:
    begun = time.perf_counter()
    cell()
    took = time.perf_counter() - begun
    print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]), flush=True)
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """A Sentry that answers with `status`, after `pause` seconds."""

    status, pause = 200, 0.0

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(self.pause)
        with contextlib.suppress(OSError):
            self.send_response(self.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def answering(status=200, pause=0.0, scheme="http"):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"status": status, "pause": pause}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{scheme}://key@127.0.0.1:{server.server_address[1]}/1"
    finally:
        server.shutdown()


@contextlib.contextmanager
def listening(serve):
    """A server that does `serve(connection)` with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connections.append(server.accept()[0])
                    serve(connections[-1])

        connections = []
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://key@127.0.0.1:{server.getsockname()[1]}/1"


@contextlib.contextmanager
def refusing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"http://key@127.0.0.1:{port}/1"


DAYS = {
    "control": lambda: contextlib.nullcontext(None),
    "good": answering,
    "no DSN": lambda: contextlib.nullcontext("not a DSN"),
    "slow (30 s)": lambda: answering(pause=30),
    "429": lambda: answering(429),
    "500": lambda: answering(500),
    "refused": refusing,
    "TLS error": lambda: answering(scheme="https"),
    "half-closed": lambda: listening(lambda connection: connection.shutdown(socket.SHUT_WR)),
    "black hole": lambda: listening(lambda _: None),
}


class Worker:
    def __init__(self, url, lifecycle, dsn):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SENTRY_")}
        environment["AIMON_NB_SENTRY_FLUSH"] = "0"
        more = []
        if dsn is not None and lifecycle == "static":
            environment["SENTRY_DSN"] = dsn
        elif dsn is not None:
            more = [dsn]
        command = [sys.executable, "-W", "ignore", "-c", WORKER, url, lifecycle, *more]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        assert self.process.stdout.readline() == "ready\n"

    def begin(self):
        print("go", file=self.process.stdin, flush=True)

    def told(self):
        """Seconds of the cell, and the process's memory in MiB."""
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait(10)


def pair(workers, turn):
    """Both at once; who begins changes."""
    for worker in workers[:: -1 if turn % 2 else 1]:
        worker.begin()
    return [worker.told() for worker in workers]


def verdict(ratios):
    """The median, the interval of it, and what follows."""
    count, out = len(ratios), 0
    # As many are left out at each end as the median is beyond in 2.5 of 100 cases at most.
    while sum(math.comb(count, beyond) for beyond in range(out + 2)) / 2**count <= 0.025:
        out += 1
    low, high = ratios[out], ratios[-1 - out]
    said = "holds" if high <= BOUND else "MISSED" if low > BOUND else "cannot tell"
    return statistics.median(ratios), low, high, said


def main(arguments):
    from aimon_nb.testing import truth_server

    pairs = 3 if "--quick" in arguments else PAIRS
    wanted = [one for one in arguments if one in DAYS] or list(DAYS)
    print(f"{'day':<14} {'lifecycle':<9} {'cell':>7} {'ratio':>6}  {'interval':<14} {'growth':>8} {'load':>5}")
    with truth_server() as truth:
        for name in wanted:
            for lifecycle in ("static", "stream"):
                if name in ("no DSN", "control") and lifecycle == "stream":
                    continue  # `init` itself raises; there is none
                with DAYS[name]() as dsn:
                    workers = [Worker(truth.url, lifecycle, None), Worker(truth.url, lifecycle, dsn)]
                    try:
                        first = pair(workers, 0)[1][1]
                        told = []
                        said = "cannot tell"
                        while said == "cannot tell" and len(told) < MOST * pairs // PAIRS:
                            told += [pair(workers, turn) for turn in range(pairs)]
                            ratio, low, high, said = verdict(sorted(bad[0] / none[0] for none, bad in told))
                    finally:
                        for worker in workers:
                            worker.stop()
                cell, growth = statistics.median(none[0] for none, _ in told), told[-1][1][1] - first
                load = os.getloadavg()[0]
                print(f"{name:<14} {lifecycle:<9} {cell:>5.2f} s {ratio:>6.3f}  {low:.3f} to {high:.3f} {growth:>4.1f} MiB {load:>5.1f}  {said}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
