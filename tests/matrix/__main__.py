"""Runs the cells, two at a time, and prints the table; exit 1 if one is wrong."""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.matrix.worlds import LIFECYCLES, WORLDS

CLIENTS = [p.stem for p in sorted((Path(__file__).parent / "clients").glob("*.py")) if p.stem != "__init__"]
LIMIT = 120  # seconds a process may take


def run(client, world, lifecycle, modes):
    """The modes of a process: {mode: what is wrong}."""
    command = [sys.executable, "-m", "tests.matrix.cell", client, world, lifecycle, *modes]
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        out, err = done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        out, err = (late.stdout or b"").decode(), f"longer than {LIMIT} s"
    found = {}
    for line in out.splitlines():
        if line.startswith('{"mode"'):
            told = json.loads(line)
            found[told["mode"]] = told.get("wrong")  # None: not installed
    if not found or "Traceback" in err or "longer than" in err:
        found["(process)"] = [err.strip().splitlines()[-1] if err.strip() else "said nothing"]
    return (client, world, lifecycle), found, time.monotonic() - started


def table(results):
    """Markdown: a row a mode, a column a world and lifecycle."""
    columns = sorted({(w, l) for (_, w, l) in results}, key=lambda c: (WORLDS.index(c[0]), c[1]))
    lines = ["| client | mode | " + " | ".join(f"{w}, {l}" for w, l in columns) + " |"]
    lines.append("|---|---|" + "---|" * len(columns))
    for client in dict.fromkeys(c for c, _, _ in results):
        modes = dict.fromkeys(m for (c, *_), found in results.items() if c == client for m in found)
        for mode in modes:
            cells = [results.get((client, *column), {}).get(mode) for column in columns]
            marks = ["·" if c is None else "✓" if not c else f"✗ {'; '.join(dict.fromkeys(c))}" for c in cells]
            lines.append(f"| {client} | {mode} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.matrix")
    parser.add_argument("--only", nargs="*", default=CLIENTS, choices=CLIENTS)
    parser.add_argument("--world", nargs="*", default=WORLDS, choices=WORLDS)
    parser.add_argument("--lifecycle", nargs="*", default=LIFECYCLES, choices=LIFECYCLES)
    parser.add_argument("--mode", nargs="*", default=[])
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    cells = [(c, w, l, asked.mode) for c in asked.only for w in asked.world for l in asked.lifecycle]
    with ThreadPoolExecutor(asked.jobs) as pool:
        done = list(pool.map(lambda cell: run(*cell), cells))
    results = {key: found for key, found, _ in done}
    wrong = sum(bool(w) for found in results.values() for w in found.values())
    count = sum(w is not None for found in results.values() for w in found.values())
    print(table(results))
    print(f"\n{count - wrong} of {count} right, {sum(s for *_, s in done):.0f} s of processes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
