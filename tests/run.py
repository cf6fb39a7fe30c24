"""Run parts of the tests, each to its end, and print one table: `python tests/run.py unit kernel page`.

`make test`, `make lint` and `.ci/run` are lists of parts. Parts run one after the other,
those of pages beside them, for they wait much of their time.
A part whose tools are missing says in one line what was not run: under CI=true that is a
failure.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
RESULTS = ROOT / ".test-results"
LOCK = ROOT / ".test-results.lock"
CI = os.environ.get("CI", "").lower() == "true"
CORES = os.cpu_count() or 1
# Of tests of kernels and pages that fail and pass when they are run again, in one run.
ALLOWED = 2
STOP_SECONDS = 30  # that a part has to end in after Ctrl-C
NOT_SPELLED = "--skip=./tests/matrix/spotlight/package-lock.json"  # names of packages, and hashes
# One browser at a time: these run one after the other, beside the rest.
PAGES = ("page", "matrix-page")


@dataclass
class Part:
    """Commands that make one line of the table.

    Args:
        commands: Each is run, also after one has failed.
        needs: What is missing on this machine in one line, or None.
        env: What the commands have in their environment beside ours.

    """

    commands: Callable[[], Sequence[Sequence[str]]]
    needs: Callable[[], str | None] = lambda: None
    env: Callable[[], dict[str, str]] = dict


@dataclass
class Result:
    name: str
    state: str = "interrupted"
    seconds: float = 0.0
    counts: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether it passed; what this machine cannot run is a failure of CI alone."""
        return self.state == "ok" or (self.state.startswith("not run: ") and not CI)


def pytest(tier: str, workers: int, *options: str) -> Callable[[], list[list[str]]]:
    """Run a tier: with several workers, a file with its kernel on one of them."""
    several = ["-n", str(workers), "--dist", "load" if tier == "unit" else "loadfile"] if workers > 1 else []
    where = [] if any(option.startswith("tests/") for option in options) else files_of(tier)
    return lambda: [[str(BIN / "python"), "-m", "pytest", "-m", tier, *several, *options, *where]]


def files_of(tier: str) -> list[str]:
    """Where the tests of a tier are: its folder, and files of the rooms in which it is marked."""
    if tier in ("unit", "matrix"):
        return ["tests"]
    marked = (path for path in sorted(ROOT.glob("tests/**/test_*.py")) if f"mark.{tier}" in path.read_text("utf-8"))
    return [f"tests/{tier}", *(str(path.relative_to(ROOT)) for path in marked if path.parent.name != tier)]


def notebooks() -> list[list[str]]:
    return [[str(BIN / "python"), "-m", "pytest", "-p", "nbval", "--nbval-lax", "-p", "no:cacheprovider", "notebooks"]]


def own_home() -> dict[str, str]:
    """A home in which no profile, no key and no DSN of the person has a part."""
    home = RESULTS / "home"
    home.mkdir()
    gone = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_BASE_URL", "SENTRY_DSN"), "")
    folders = {f"JUPYTER_{kind}_DIR": f"{home}/{kind.lower()}" for kind in ("CONFIG", "DATA", "RUNTIME")}
    return {**gone, **folders, "HOME": str(home), "IPYTHONDIR": f"{home}/ipython", "AIMON_NB_AUTOLOAD": "0", "JUPYTER_PREFER_ENV_PATH": "1"}


def no_browser() -> str | None:
    found = subprocess.run([sys.executable, str(ROOT / "tests/parts/browser.py")], capture_output=True, text=True, cwd=ROOT)
    return None if found.returncode == 0 else "no Chromium or Chrome on this machine (Debian: apt-get install chromium)"


def no_node() -> str | None:
    return None if shutil.which("node") else "node is missing"


def types() -> list[list[str]]:
    return [[str(BIN / "mypy")], *([str(ROOT / ".ci" / tool), str(BIN.parent / "node")] for tool in ("types", "biome"))]


PARTS = {
    # The same as .pre-commit-config.yaml has; tests/test_run.py holds one against the other.
    "lint": Part(lambda: [[str(BIN / "ruff"), "check", "."], [str(BIN / "ruff"), "format", "--check", "aimon_nb", "jupyter-config"], [str(BIN / "codespell"), NOT_SPELLED]]),
    "types": Part(types),
    "unit": Part(pytest("unit", CORES)),
    "kernel": Part(pytest("kernel", CORES)),
    "page": Part(pytest("page", 1), no_browser),
    "notebooks": Part(notebooks, env=own_home),
    "widget": Part(lambda: [["node", "--test", *map(str, sorted((ROOT / "tests/views").glob("*.test.mjs")))]], no_node),
    "matrix": Part(pytest("matrix", CORES, "--ignore=tests/page")),
    "matrix-page": Part(pytest("matrix", 1, "tests/page"), no_browser),
    "soak": Part(pytest("soak", 1), no_browser),
}


class Run:
    """The parts of one call, and what came of each."""

    def __init__(self, names: Sequence[str]) -> None:
        self.results = {name: Result(name) for name in names}
        self._print = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def go(self) -> int:
        with alone():
            return self._go()

    def _go(self) -> int:
        shutil.rmtree(RESULTS, ignore_errors=True)
        RESULTS.mkdir()
        begun = time.monotonic()
        pages = [name for name in self.results if name in PAGES]
        others = [name for name in self.results if name not in PAGES]
        beside = threading.Thread(target=self._run, args=(pages, not others))
        try:
            beside.start()
            self._run(others, True)
            beside.join()
        except KeyboardInterrupt:
            self._stop()
            beside.join(STOP_SECONDS)
        return self._table(time.monotonic() - begun)

    def _run(self, names: Sequence[str], live: bool) -> None:
        for name in names:
            try:
                self._part(name, live)
            except Exception as error:
                self.results[name].state = f"FAILED: {error!r}"

    def _part(self, name: str, live: bool) -> None:
        if self._stopped:
            return
        part, result = PARTS[name], self.results[name]
        missing = part.needs()
        if missing:
            result.state = f"not run: {missing}"
            return
        begun = time.monotonic()
        codes = []
        log = RESULTS / f"{name}.log"
        log.touch()
        for command in part.commands():
            if not self._stopped:
                codes.append(self._command(command, {**os.environ, **part.env(), "TESTS_RERUNS": str(RESULTS / "reruns.jsonl")}, log, live))
        result.seconds = time.monotonic() - begun
        text = log.read_text("utf-8", "replace")
        result.counts = counts_in(text)
        if not self._stopped:
            result.state = "ok" if codes and not any(codes) else "FAILED"
        if not live:
            with self._print:
                sys.stdout.write(f"\n───── {name}, which ran beside the others\n{text}\n")
                sys.stdout.flush()

    def _command(self, command: Sequence[str], env: dict[str, str], log: Path, live: bool) -> int:
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # each process would compile all that it imports
        child = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,
        )
        self._running.add(child)
        # Read by a thread of its own, to the end also when this one is interrupted: a child whose pipe is full cannot end.
        reader = threading.Thread(target=self._read, args=(child, log, live), daemon=True)
        reader.start()
        code = child.wait()
        self._end(child)
        reader.join(STOP_SECONDS)
        return code

    def _read(self, child, log: Path, live: bool) -> None:
        with log.open("a", encoding="utf-8") as file:
            for line in child.stdout:
                file.write(line)
                file.flush()
                if live:
                    with self._print:
                        sys.stdout.write(line)
                        sys.stdout.flush()

    def _end(self, child) -> None:
        """End what a child that is over has left running."""
        self._running.discard(child)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)

    def _stop(self) -> None:
        """Let each child end as Ctrl-C ends it: with its kernels and its browser; then all it has left."""
        self._stopped = True
        children = list(self._running)
        for child in children:
            child.send_signal(signal.SIGINT)
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(STOP_SECONDS)
            self._end(child)

    def _table(self, seconds: float) -> int:
        print(f"\n{'part':<10} {'time':>9}  result")
        for result in self.results.values():
            print(f"{result.name:<10} {_clock(result.seconds):>9}  {', '.join([result.state, *result.counts])}")
        reruns = recorded_reruns(RESULTS / "reruns.jsonl")
        print(*lines_of_reruns(reruns), sep="\n", end="\n" * bool(reruns))
        ok = all(result.ok for result in self.results.values()) and len(reruns) <= ALLOWED
        print(f"{'all':<10} {_clock(seconds):>9}  {'ok' if ok else 'FAILED'}")
        return 0 if ok else 1


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait for another run in this working copy: they share its folder of results."""
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("tests of this working copy are running already: waiting for their end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def counts_in(text: str) -> list[str]:
    """What pytest, or node's test runner, says at its end: `["3 passed", "1 failed"]`."""
    of_pytest = [f"{number} {word}" for line in text.splitlines()[-3:] for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped|rerun)\b", line)]
    of_node = re.findall(r"^(?:#|ℹ) (pass|fail|skipped) (\d+)$", text, re.MULTILINE)
    words = {"pass": "passed", "fail": "failed", "skipped": "skipped"}
    return of_pytest or [f"{number} {words[word]}" for word, number in of_node if int(number)]


def recorded_reruns(report: Path) -> list[dict]:
    """What was run again, as `tests/parts/reruns.py` writes it."""
    return [json.loads(line) for line in report.read_text("utf-8").splitlines()] if report.exists() else []


def lines_of_reruns(reruns: Sequence[dict]) -> list[str]:
    """Each in words, and that they are too many where they are."""
    told = [f"{'passed' if one['passed'] else 'failed'} on the {'2nd' if one['tries'] == 2 else '3rd'} try: {one['test']}" for one in reruns]
    return told + [f"{len(reruns)} tests were run again; more than {ALLOWED} are a failure"] * (len(reruns) > ALLOWED)


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)} min {seconds % 60:02.0f} s" if seconds >= 60 else f"{seconds:.0f} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=PARTS)
    for ends in (signal.SIGINT, signal.SIGTERM):  # also where it was started to ignore the first, and so its children
        signal.signal(ends, signal.default_int_handler)
    sys.exit(Run(parser.parse_args().parts).go())
