"""Spotlight, Sentry's own receiver for development, as a second judge of what leaves.

Installed by npm from the lock file here into `.venv/spotlight`, where it starts in a process
that reaches no other machine.
"""

import contextlib
import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

from tests.matrix import environments

SOURCE = Path(__file__).parent
PLACE = environments.ROOT / ".venv" / "spotlight"
FILES = ("package.json", "package-lock.json", "guard.js", "receiver.js")
# Read before the tests move HOME: npm's settings and its cache are in it.
HOME = os.environ.get("HOME", "")
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def missing():
    """Why it cannot be installed here, in a line; None: it can."""
    absent = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"Spotlight was not tried: {' and '.join(absent)} missing (Debian: apt-get install nodejs npm)" if absent else None


def make():
    """The folder in which it is installed, if it was not there or is another one."""
    wanted = {name: (SOURCE / name).read_text("utf-8") for name in FILES}
    stamp = PLACE / "made-of.json"
    with environments.alone("spotlight"):
        if not (stamp.exists() and json.loads(stamp.read_text("utf-8")) == wanted):
            PLACE.mkdir(parents=True, exist_ok=True)
            stamp.unlink(missing_ok=True)
            for name, text in wanted.items():
                (PLACE / name).write_text(text, "utf-8")
            done = subprocess.run(INSTALL, cwd=PLACE, env={**os.environ, "HOME": HOME}, capture_output=True, text=True, timeout=300)
            if done.returncode:
                raise RuntimeError(f"npm could not install Spotlight: {done.stderr.strip()[-2000:]}")
            stamp.write_text(json.dumps(wanted), "utf-8")
    return PLACE


def node(*arguments):
    """A process of node that prints each other machine that it tries to reach."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NODE_", "SENTRY_", "SPOTLIGHT_"))}
    return subprocess.Popen(
        ["node", "--import", "./guard.js", *arguments], cwd=make(), env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


class Spotlight:
    """A running one: its address, and what it holds."""

    def __init__(self, port):
        self.url, self.dsn = f"http://127.0.0.1:{port}", f"http://key@127.0.0.1:{port}/1"

    def items(self, enough, timeout=10):
        """[(type, payload)] of all envelopes since its start, as soon as they are `enough`."""
        got = []
        with urllib.request.urlopen(f"{self.url}/stream", timeout=timeout) as stream:  # the older ones first
            for line in stream:
                if line.startswith(b"data: "):
                    got += [(head["type"], payload) for head, payload in json.loads(line[6:])[1]]
                    if enough(got):
                        return got
        raise AssertionError(f"it ended its stream after {[kind for kind, _ in got]}")

    def ask(self, tool, **arguments):
        """What one of its tools for coding agents says, as text."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        request = urllib.request.Request(f"{self.url}/mcp", json.dumps(asked).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            [told] = [line[6:] for line in answer.read().splitlines() if line.startswith(b"data: ")]
        return "\n".join(part["text"] for part in json.loads(told)["result"]["content"])


@contextlib.contextmanager
def running():
    """One that runs, and that has tried to reach nobody at its end."""
    process = node("receiver.js")
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("port "):
                break
        else:
            raise RuntimeError(f"Spotlight did not start: {''.join(said)[-2000:]}")
        yield Spotlight(int(line.split()[1]))
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=20)
    assert "tried " not in "".join(said) + rest
