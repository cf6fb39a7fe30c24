"""Proof that nothing leaves the machine: a process in which only loopback can be reached.

`sitecustomize` stands on PYTHONPATH, so the process, its kernels and all its
children have the guard before any of their own code runs. It is an audit hook:
Python tells it of every connect, however deep in a library.
"""

import json
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

GUARD = textwrap.dedent('''
    import ipaddress, json, os, socket, sys, traceback

    LOG = os.environ["TESTS_NETWORK_LOG"]
    NAMES = {None, "", "localhost", "localhost.localdomain", socket.gethostname()}

    def local(host):
        if isinstance(host, bytes):
            host = host.decode("utf-8", "replace")
        if host in NAMES:
            return True
        try:
            ip = ipaddress.ip_address(str(host).partition("%")[0])
        except ValueError:
            return False
        return ip.is_loopback or ip.is_unspecified

    def target(event, args):
        """The host a call would reach, or None if it stays here."""
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            sock, address = args[0], args[1]
            if sock.family not in (socket.AF_INET, socket.AF_INET6) or not address:
                return None
            return None if local(address[0]) else address[0]
        if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            return None if local(args[0]) else args[0]
        return None

    def guard(event, args):
        if not event.startswith("socket."):
            return
        host = target(event, args)
        if host is None:
            return
        where = [f"{f.filename}:{f.lineno}" for f in traceback.extract_stack()[-8:-1]]
        with open(LOG, "a") as log:
            log.write(json.dumps({"event": event, "host": str(host), "pid": os.getpid(), "where": where}) + "\\n")
        raise OSError(f"the test's network guard: {event} to {host}")

    sys.addaudithook(guard)
''')


@dataclass
class Guard:
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """Environment of a guarded process: hand it to a kernel, a server, a subprocess."""
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))
        return {"PYTHONPATH": path, "TESTS_NETWORK_LOG": str(self.folder / "attempts.jsonl")}

    @property
    def attempts(self) -> list[dict]:
        """Every try to reach another machine: event, host, pid, where."""
        log = self.folder / "attempts.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def make_guard(folder: Path) -> Guard:
    (folder / "sitecustomize.py").write_text(GUARD)
    return Guard(folder)


@pytest.fixture
def no_network(tmp_path_factory) -> Guard:
    """A guard whose `.env` makes a process loopback-only and whose `.attempts` says what it tried."""
    return make_guard(tmp_path_factory.mktemp("guard"))
