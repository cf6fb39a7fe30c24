"""The live tree on a terminal: drawn, wiped, and never in the way of what is printed."""

import io
import os
import pty
import re
import subprocess
import sys

import pytest
from tests.views.samples import add, agentic, end, make_run

from aimon_nb.views.live import terminal

# `turn()` comes back when the live view has had a whole turn to draw since it was called, whether it drew or not.
CODE = """
import os, subprocess, sys, threading
from tests.views import samples
from aimon_nb.views.live import terminal
turns, draw = threading.Semaphore(0), terminal.Terminal._draw
def counted(self):
    draw(self)
    turns.release()
def turn():
    while turns.acquire(blocking=False):
        pass
    for _ in range(2):  # the first may have begun before
        assert turns.acquire(timeout=20)
terminal.Terminal._draw, terminal.PERIOD = counted, 0.01
live = terminal.Terminal.on(samples.agentic(running=True))
{body}
if live: live.close()
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
    """Everything that a program wrote to its terminal; who asks for a name there is told `tide`."""
    main, side = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", CODE.format(body=body)], stdin=side, stdout=side, stderr=side, close_fds=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", "PYTHONIOENCODING": "utf-8", **env},
    )  # fmt: skip
    os.close(side)
    seen, answered = b"", False
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # what Linux says when the other side is closed
            break
        if not part:
            break
        seen += part
        if b"name? " in seen and not answered:
            answered = os.write(main, b"tide\n")
    os.close(main)
    assert 0 == child.wait(20), seen.decode()
    return seen.decode().replace("\r\n", "\n")


def last(text):
    """What the terminal shows when all of this was written to it."""
    return "\n".join(Screen().feed(text).lines).rstrip("\n")


def test_drawn_and_wiped_away():
    """The tree is there while the run runs; at the end the screen holds what was printed, and nothing else."""
    text = run_on_a_terminal("print('one'); turn(); print('two', file=sys.stderr); turn(); print('three')")
    assert "one\ntwo\nthree\nafter" == last(text)
    drawn = Screen().feed(text).drawn
    for printed in ("one", "one\ntwo"):
        tree = [one for one in drawn if one.startswith(f"{printed}\n… running  summarise")]
        assert any("└─ chat  gpt-4o-mini" in one for one in tree), (printed, drawn[-3:])


def test_waits_for_the_end_of_a_line():
    """While a line of the user's is unfinished nothing is drawn: a progress bar stays itself."""
    text = run_on_a_terminal("print('50 %', end='', flush=True); turn(); print('\\r100 %')")
    bar = text[text.index("50 %") : text.index("100 %")]
    assert "50 %\r" == bar
    assert "100 %\nafter" == last(text)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param("subprocess.run(['echo', 'child'])", "child\nafter", id="another process"),
        pytest.param("os.system('echo child')", "child\nafter", id="a shell"),
        pytest.param("print('hello', input('name? '))", "name? tide\nhello tide\nafter", id="input"),
    ],
)
def test_leaves_when_others_write(body, shown):
    """Once another process or `input` may use the terminal, it is theirs to the end of the cell."""
    text = run_on_a_terminal(f"turn(); {body}; turn()")
    assert "… running" in text
    assert shown == last(text)
    assert "running" not in text[text.index(shown.split("\n")[0]) :]


def test_nothing_stays_wrapped():
    """After `close` every function is the one that was there."""
    text = run_on_a_terminal(
        "live.close()\n"
        "print([getattr(f, '__qualname__', '').startswith('Terminal') for f in "
        "(input, os.system, subprocess.Popen.__init__)], 'write' in vars(sys.stdout))"
    )
    assert "[False, False, False] False\nafter" == last(text)


def test_not_on_a_dumb_terminal_or_a_file():
    """Where nothing can be wiped away nothing is drawn."""
    assert "None\nafter\n" == run_on_a_terminal("print(live)", TERM="dumb")
    assert terminal.Terminal.on(agentic(running=True)) is None


def steps_of(n):
    """`n` steps of other names, so that none stands for others."""
    run = make_run()
    for i in range(n):
        add(run, f"s{i}", name=f"step {i}", offset=i)
    return end(run, "ok", n)


def test_a_frame_is_small(monkeypatch):
    """A frame fits: header and the last twelve lines, none as wide as the terminal."""
    live = terminal.Terminal.__new__(terminal.Terminal)
    live._run, live._out = steps_of(400), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "40")
    frame = live._frame()
    assert 14 == len(frame)
    assert "389 lines above" in frame[1]
    assert max(map(len, frame)) < 60
