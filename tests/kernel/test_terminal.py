"""A tracked cell in a real terminal IPython, on a pty."""

import os
import pty
import re
import select
import signal
import sys
import time

import pytest

from tests.parts import sdk

SPAN = sdk.code_of_span("x", "step")

PROMPT = r"In \[(\d+)\]: "
# What follows a line that was typed: the next line of the cell, or the next cell once this one has run.
TYPED = rf"(?:   \.\.\.: |{PROMPT})$"


class Terminal:
    """IPython with a person at the keyboard, who waits for each prompt."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", COLUMNS="120", PYTHONIOENCODING="utf-8")
            arguments = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]
            os.execv(sys.executable, [sys.executable, *arguments])
        self.seen = ""
        self.wait(PROMPT)

    def wait(self, pattern, start=None, seconds=40):
        """Read until what came since `start` matches, from now on if it is not given; give that part."""
        start, until = len(self.seen) if start is None else start, time.monotonic() + seconds
        while not re.search(pattern, self.seen[start:]):
            assert time.monotonic() < until, self.seen
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen += os.read(self.fd, 65536).decode().replace("\r", "")
        return self.seen[start:]

    @property
    def ready(self):
        """Whether the last thing on the screen is the prompt for a cell."""
        return re.search(PROMPT + "$", self.seen) is not None

    @property
    def number(self):
        """The number of the cell that may be typed now."""
        return int(re.findall(PROMPT, self.seen)[-1])

    def type(self, line):
        os.write(self.fd, (line + "\n").encode())

    def cell(self, *lines):
        """Type a cell and give what it showed."""
        start = len(self.seen)
        for line in lines:
            self.type(line)
            self.wait(TYPED)
        return self.seen[start:]

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(scope="module")
def terminals():
    """The terminal of this module, if one is open: a start is most of what a test here takes."""
    opened = []
    yield opened
    for one in opened:
        one.close()


@pytest.fixture
def terminal(terminals):
    """A terminal with our extension; a test that left it in the middle of a cell leaves it to nobody."""
    if terminals and not terminals[0].ready:
        terminals.pop().close()
    if not terminals:
        terminals.append(Terminal())
        terminals[0].cell("import asyncio, os, sentry_sdk")
    assert terminals[0].cell("%load_ext aimon_nb").count("\n") <= 3
    yield terminals[0]
    if terminals[0].ready:
        terminals[0].cell("%unload_ext aimon_nb")
        assert "UsageError" in terminals[0].cell("%ai_usage")


def test_terminal(terminal):
    """The final text tree stands after the cell's own output, once; errors and await work."""
    terminal.cell("os.environ['TERM'] = 'dumb'")
    number = terminal.number
    shown = terminal.cell("%%ai_track demo", f"with {SPAN}: pass", "await asyncio.sleep(0.01)", "41+1", "", "")
    assert f"Out[{number}]: 42" in shown
    assert re.search(r"ok +demo", shown) and len(re.findall(r"─ step", shown)) == 1, shown
    assert shown.index(f"Out[{number}]: 42") < shown.index("─ step")
    shown = terminal.cell("%%ai_track boom", "1/0", "", "")
    assert "----> 2 1/0" in shown and shown.count("Traceback") == 1
    assert re.search(r"error +boom", shown)
    assert f"Out[{number + 2}]: 2" in terminal.cell("1+1")


def test_live_in_a_terminal(terminal, tmp_path):
    """On a terminal that can, the tree is live while the cell runs, gives way to its output, and stays once at the end."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)  # who reads it waits for who writes
    go_on = lambda: gate.write_text("")
    terminal.cell("os.environ['TERM'] = 'xterm'")
    number = terminal.number
    terminal.cell(f"wait = lambda: open({str(gate)!r}).read()")
    terminal.cell("%%ai_track demo", f"with {SPAN}: wait(); print('said'); wait()", "")
    start = len(terminal.seen)
    terminal.type("")  # the second empty line: the cell runs
    live_tree = r"… running  demo[^✓]*─ step"
    terminal.wait(live_tree, start)
    go_on()
    terminal.wait(rf"said\n[^✓]*{live_tree}", start)
    go_on()
    shown = terminal.wait(rf"In \[{number + 2}\]: ", start)
    live, _, rest = shown.rpartition("said\n")
    assert live.endswith("\x1b[J"), "the tree was in the way of what the cell printed"
    assert 1 == len(re.findall(r"✓ ok +demo", rest))
    final = rest[rest.index("✓ ok") :]
    assert 1 == final.count("─ step") and "running" not in final
