"""The live tree on a terminal: drawn, wiped, and never in the way of what is printed."""

import io
import os
import pty
import re
import subprocess
import sys

import pytest
from tests.views.samples import agentic, loop_of

from aimon_nb.views import terminal

CODE = """
import sys, time
from tests.views import samples
from aimon_nb.views import terminal
terminal.PERIOD = 0.05
run = samples.agentic(running=True)
live = terminal.Terminal.on(run)
{body}
live.close()
print("after")
"""


class Screen:
    """What a terminal shows: the few sequences that a program of lines uses."""

    def __init__(self):
        self.lines, self.row, self.column, self.drawn = [""], 0, 0, []

    def feed(self, text):
        for part in re.findall(r"\x1b\[\d*[A-Z]|[\r\n]|[^\x1b\r\n]+", text):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif part == "\x1b[J":
                self.lines[self.row :] = [self.lines[self.row][: self.column]]
            elif part[:2] == "\x1b[":
                assert part[-1] == "A", part
                self.row -= int(part[2:-1])
                assert self.row >= 0
            else:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + part + line[self.column + len(part) :]
                self.column += len(part)
                self.drawn.append("\n".join(self.lines))
        return self


def run_on_a_terminal(body, **env):
    """Everything that a program wrote to its terminal."""
    code = CODE.format(body=body)
    main, side = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=side, stdout=side, stderr=side, close_fds=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", "PYTHONIOENCODING": "utf-8", **env},
    )  # fmt: skip
    os.close(side)
    seen = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # what Linux says when the other side is closed
            break
        if not part:
            break
        seen += part
        if b"name? " in seen and b"tide" not in seen:
            os.write(main, b"tide\n")
    os.close(main)
    assert 0 == child.wait(20), seen.decode()
    return seen.decode().replace("\r\n", "\n")


def last(text):
    return "\n".join(Screen().feed(text).lines).rstrip("\n")


def test_drawn_and_wiped_away():
    """The tree is there while the run runs; at the end the screen holds what was printed, and nothing else."""
    text = run_on_a_terminal("print('one'); time.sleep(.3); print('two', file=sys.stderr); time.sleep(.2); print('three')")
    assert "one\ntwo\nthree\nafter" == last(text)
    drawn = Screen().feed(text).drawn
    assert any(one.startswith("one\n… running  summarise") and "└─ chat  gpt-4o-mini" in one for one in drawn), drawn[-3:]


def test_waits_for_the_end_of_a_line():
    """While a line of the user's is unfinished nothing is drawn: a progress bar stays itself."""
    text = run_on_a_terminal("print('50 %', end='', flush=True); time.sleep(.3); print('\\r100 %')")
    assert "running" not in text
    assert "100 %\nafter" == last(text)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import subprocess; subprocess.run(['echo', 'child']); time.sleep(.3)", "child\nafter"),
        ("import os; os.system('echo child'); time.sleep(.3)", "child\nafter"),
        ("print('hello', input('name? ')); time.sleep(.3)", "name? tide\nhello tide\nafter"),
    ],
)
def test_leaves_when_others_write(body, said):
    """Once another process or `input` may use the terminal, it is theirs to the end of the cell."""
    text = run_on_a_terminal(f"time.sleep(.3); {body}")
    assert "… running" in text
    assert said == last(text)
    assert "running" not in text[text.index(said.split("\n")[0]) :]


def test_nothing_stays_wrapped():
    """After `close` every function is the one that was there."""
    text = run_on_a_terminal(
        "import builtins, os, subprocess; live.close()\n"
        "print([getattr(f, '__qualname__', '').startswith('Terminal') for f in "
        "(input, os.system, subprocess.Popen.__init__)], 'write' in vars(sys.stdout))"
    )
    assert "[False, False, False] False\nafter" == last(text)


def test_not_on_a_dumb_terminal_or_a_file():
    """Where nothing can be wiped away nothing is drawn."""
    assert "running" not in run_on_a_terminal("live = live or open('/dev/null'); time.sleep(.3)", TERM="dumb")
    assert terminal.Terminal.on(agentic(running=True)) is None


def test_a_frame_is_small(monkeypatch):
    """A frame fits: header and the last twelve lines, none as wide as the terminal."""
    live = terminal.Terminal.__new__(terminal.Terminal)
    live._run, live._out = loop_of(400), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "40")
    frame = live._frame()
    assert 14 == len(frame)
    assert "389 lines above" in frame[1]
    assert max(map(len, frame)) < 60
