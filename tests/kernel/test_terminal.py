"""A tracked cell in a real terminal IPython, on a pty."""

import os
import pty
import re
import select
import sys
import time


class Terminal:
    """IPython with a person at the keyboard, who waits for each prompt."""

    def __init__(self, kind="dumb"):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM=kind, COLUMNS="120", PYTHONIOENCODING="utf-8")
            arguments = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]
            os.execv(sys.executable, [sys.executable, *arguments])
        self.seen = ""
        self.wait(r"In \[1\]: ")

    def wait(self, pattern, seconds=40):
        """Read until the screen's new part matches; give that part."""
        start, until = len(self.seen), time.monotonic() + seconds
        while not re.search(pattern, self.seen[start:]):
            assert time.monotonic() < until, self.seen
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen += os.read(self.fd, 65536).decode().replace("\r", "")
        return self.seen[start:]

    def cell(self, *lines):
        """Type a cell and give what it showed."""
        number = int(re.findall(r"In \[(\d+)\]: ", self.seen)[-1])
        for line in lines:
            os.write(self.fd, (line + "\n").encode())
            time.sleep(0.05)
        return self.wait(rf"In \[{number + 1}\]: ")

    def close(self):
        os.write(self.fd, b"exit\n")
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def test_terminal():
    """The final text tree stands after the cell's own output, once; errors and await work."""
    terminal = Terminal()
    try:
        assert terminal.cell("%load_ext aimon_nb").count("\n") <= 3
        terminal.cell("import sentry_sdk, asyncio")
        shown = terminal.cell(
            "%%ai_track demo", "with sentry_sdk.start_span(op='x', name='step'): pass", "await asyncio.sleep(0.01)", "41+1", "", ""
        )
        assert "Out[3]: 42" in shown
        assert re.search(r"ok +demo", shown) and len(re.findall(r"─ step", shown)) == 1, shown
        shown = terminal.cell("%%ai_track boom", "1/0", "", "")
        assert "----> 2 1/0" in shown and shown.count("Traceback") == 1
        assert re.search(r"error +boom", shown)
        assert "Out[5]: 2" in terminal.cell("1+1")
        terminal.cell("%unload_ext aimon_nb")
        assert "UsageError" in terminal.cell("%ai_usage")
    finally:
        terminal.close()


def test_live_in_a_terminal():
    """On a terminal that can, the tree is live while the cell runs, gives way to its output, and stays once at the end."""
    terminal = Terminal("xterm")
    try:
        terminal.cell("%load_ext aimon_nb")
        terminal.cell("import sentry_sdk, time")
        body = "with sentry_sdk.start_span(op='x', name='step'): time.sleep(1.2); print('said'); time.sleep(.8)"
        shown = terminal.cell("%%ai_track demo", body, "", "")
        live, _, rest = shown.rpartition("said\n")
        assert "… running  demo" in live and "─ step" in live
        assert live.endswith("\x1b[J"), "the tree was in the way of what the cell printed"
        assert 1 == len(re.findall(r"✓ ok +demo", rest))
        final = rest[rest.index("✓ ok") :]
        assert 1 == final.count("─ step") and "running" not in final
    finally:
        terminal.close()
