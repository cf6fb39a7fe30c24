"""A live tree on a terminal, which never stands in the way of what the cell prints.

It is drawn below the cursor, and the cursor goes back to where it was, at the
start of a line. Whatever is printed first wipes it away. It is not drawn while a
line of the user's is unfinished, and no more in this cell once somebody else may
write or read there: `input`, a debugger, another process.
"""

from __future__ import annotations

import builtins
import multiprocessing.process
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from aimon_nb.model import Run
from aimon_nb.views.live.ticker import Ticker
from aimon_nb.views.static import text

# Seconds between two drawings; a shorter cell shows none.
PERIOD = 0.25
# Rows below the header.
MOST_LINES = 12
WIPE = "\x1b[J"


class Terminal:
    """The live tree of one run, until `close`."""

    def __init__(self, run: Run, out: Any, err: Any) -> None:
        self._run, self._out = run, out
        self._mode, self._process = _mode(out), os.getpid()
        self._write = out.write
        self._lock = threading.RLock()
        self._drawn = False
        # Whether the cursor is at the start of a line.
        self._at_start = True
        self._undo = [
            *(_patch(stream, "write", self._wiping_first) for stream in (out, err)),
            _patch(builtins, "input", self._leaving_first),
            _patch(os, "system", self._leaving_first),
            _patch(multiprocessing.process.BaseProcess, "start", self._leaving_first),
            _patch(subprocess.Popen, "__init__", self._leaving_unless_piped),
        ]
        self._ticker = Ticker(self._draw, PERIOD, always=True)
        # Whether a thread could be started that draws.
        self.draws = self._ticker.start()

    @classmethod
    def on(cls, run: Run) -> Terminal | None:
        """Return the live tree of this run; None where stdout is no terminal that can show it."""
        out, err = sys.stdout, sys.stderr
        can_draw = os.environ.get("TERM", "dumb") != "dumb" and _mode(out) is not None
        return cls(run, out, err) if can_draw and out.isatty() and err.isatty() else None

    def close(self) -> None:
        """Wipe the tree away and let go of the terminal."""
        self._leave()
        self._ticker.stop()

    def _leave(self) -> None:
        with self._lock:
            self._wipe()
            undo, self._undo = self._undo, []
        for restore in undo:
            restore()

    def _draw(self) -> None:
        frame = self._frame()
        with self._lock:
            # Another mode means that somebody reads the keyboard and draws a prompt.
            if not self._undo or not self._at_start or _mode(self._out) != self._mode:
                return
            back = f"\x1b[{len(frame) - 1}A" if len(frame) > 1 else ""
            self._write(WIPE + "\n".join(frame) + "\r" + back)
            self._out.flush()
            self._drawn = True

    def _frame(self) -> list[str]:
        columns, height = shutil.get_terminal_size()
        # The last column stays free: a full line would wrap.
        lines = text.tree(self._run, ascii_only=not _has_unicode(self._out), width=columns - 1)
        head, *rows = [text.cut(line, columns - 1) for line in lines.split("\n")]
        room = max(1, min(MOST_LINES, height - 4))
        above = len(rows) - room
        return [head, f"   {above:,} lines above", *rows[-room:]] if above > 0 else [head, *rows]

    def _wipe(self) -> None:
        if self._drawn:
            self._drawn = False
            self._write(WIPE)

    def _wiping_first(self, write: Callable[[str], Any]) -> Callable[[str], Any]:
        def wrapped(text: str) -> Any:
            # In a fork nobody will release the lock.
            if os.getpid() != self._process:
                return write(text)
            with self._lock:
                self._wipe()
                if text:
                    self._at_start = text.endswith("\n")
                return write(text)

        return wrapped

    def _leaving_first(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            self._leave()
            return call(*args, **more)

        return wrapped

    def _leaving_unless_piped(self, start: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*args: Any, **more: Any) -> None:
            if more.get("stdout") is None or more.get("stderr") is None:
                self._leave()
            start(*args, **more)

        return wrapped


def _patch(holder: Any, name: str, wrap: Callable[[Any], Any]) -> Callable[[], None]:
    """Put a wrapped function in the place of one; return what restores it."""
    owned = name in vars(holder)
    before = getattr(holder, name)
    wrapped = wrap(before)
    setattr(holder, name, wrapped)

    def restore() -> None:
        # Somebody wrapped ours: it stays, and after `_leave` it does nothing.
        if vars(holder).get(name) is not wrapped:
            return
        if owned:
            setattr(holder, name, before)
        else:
            delattr(holder, name)

    return restore


def _mode(stream: Any) -> Any:
    """Return how the terminal reads the keyboard; None where that cannot be known."""
    try:
        import termios

        return termios.tcgetattr(stream.fileno())
    except Exception:
        return None


def _has_unicode(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "ascii").lower().startswith("utf")
