"""Makes the environments, runs the cells two at a time, writes the table; exit 1 if one of ours is wrong."""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path

from tests.matrix import environments
from tests.matrix.structure.table import part as structure_part
from tests.matrix.table import markdown, wrong_cells
from tests.matrix.worlds import LIFECYCLES, World, worlds

CLIENTS = [p.stem for p in sorted((Path(__file__).parent / "clients").glob("*.py")) if p.stem != "__init__"]
TABLE = environments.ROOT / "docs" / "coverage.md"
KEPT = environments.PLACE / "results.json"
LIMIT = 900  # seconds a process may take: some ten on an idle machine


def run(client, world, modes=(), plain=None, verbose=False):
    """The modes of a process: {mode: what is wrong}, or what the user's code got if nobody watches."""
    asked = {"client": client, "world": asdict(world), "modes": list(modes), "plain": plain or {}, "verbose": verbose, "limit": LIMIT}
    command = [str(environments.make(environments.name_of(client, world.place))), "-m", "tests.matrix.cell"]
    # With its bytecode kept: the next process of the same environment starts in half the time.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pipes = {"capture_output": True, "text": True, "cwd": environments.ROOT, "env": kept}
    late = None
    try:
        done = subprocess.run(command, input=json.dumps(asked), timeout=LIMIT, **pipes)
        out, err = done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        late = error
        out, err = ((pipe or b"").decode() for pipe in (late.stdout, late.stderr))
        err += f"\nlonger than {LIMIT} s"
    told = [json.loads(line) for line in out.splitlines() if line.startswith('{"mode"')]
    found = {t["mode"]: t["result"] if world.observer == "nobody" else t["wrong"] for t in told}
    if world.observer == "nobody" and (late or done.returncode):
        raise RuntimeError(f"{client} in {world.place} with nobody watching: {err.strip().splitlines()[-1]}")
    if verbose or late or (world.observer == "ours" and any(found.values())):
        print(err, file=sys.stderr)
    if not verbose and (not found or "Traceback" in err or "longer than" in err):
        found["(process)"] = [f"the process: {err.strip().splitlines()[-1] if err.strip() else 'said nothing'}"]
    return found


def run_place(client, place, wanted, modes=(), verbose=False):
    """{(client, world): what is wrong} of a client in one environment."""
    plain = run(client, World("nobody", place), modes)
    return {(client, w): run(client, w, modes, plain, verbose) for w in wanted if w.place == place}


def run_all(asked):
    """Every cell that is asked for, in an order that does not depend on who is ready first."""
    jobs = []
    for client in asked.only:
        wanted = [
            w
            for w in worlds(("alone", *environments.sets(client)))
            if w.place in asked.place and w.lifecycle in asked.lifecycle and w.observer in asked.observer and w.on in asked.on
        ]
        jobs += [(client, place, wanted) for place in dict.fromkeys(w.place for w in wanted)]
    for client, place, _ in jobs:  # one after the other: uv is quick, pip is not to be doubled
        environments.make(environments.name_of(client, place))
    with ThreadPoolExecutor(asked.jobs) as pool:
        done = pool.map(lambda job: _timed(job, asked), jobs)
        return {key: found for results in done for key, found in results.items()}


def _timed(job, asked):
    started = time.monotonic()
    results = run_place(*job, asked.mode, asked.verbose)
    for client, mode, world, words in wrong_cells(results):
        print(f"wrong: {client} {mode} {' '.join(world.key)}: {'; '.join(words)}", file=sys.stderr)
    print(f"{job[0]} {job[1]}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    if not asked.mode:
        keep(results)
    return results


def kept():
    """What every cell was when it was last run, in the table's order."""
    told = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else []
    found = {(client, World(**world)): modes for client, world, modes in told}
    every = [(client, w) for client in CLIENTS for w in worlds(("alone", *environments.sets(client)))]
    return {key: found[key] for key in every if key in found}, all(key in found for key in every)


def keep(results):
    with environments.alone("results"):
        found = kept()[0] | results
        told = [(client, asdict(world), modes) for (client, world), modes in found.items()]
        KEPT.write_text(json.dumps(told), "utf-8")


def structure(asked, parser):
    from tests.matrix.structure import runner

    asked.only = _among(parser, asked.only, runner.FRAMEWORKS)
    return runner.main(asked)


def _among(parser, asked, names):
    for name in asked:
        if name not in names:
            parser.error(f"no {name}: one of {', '.join(names)}")
    return asked or names


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.matrix")
    parser.add_argument("--only", nargs="*", default=[], help="clients, or frameworks of the structure axis")
    parser.add_argument("--mode", nargs="*", default=[])
    parser.add_argument("--place", nargs="*", default=["alone", "A", "B"])
    parser.add_argument("--on", nargs="*", default=["off", "auto", "named"])
    parser.add_argument("--lifecycle", nargs="*", default=LIFECYCLES, choices=LIFECYCLES)
    parser.add_argument("--observer", nargs="*", default=["ours", "sentry"])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--structure", action="store_true", help="the structure axis: tests/matrix/structure")
    parser.add_argument("--setup", nargs="*", default=[], help="of the structure axis: bare, provider …")
    parser.add_argument("--world", nargs="*", default=[], help="of the structure axis: none, static, stream")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the trees, and what is raised")
    asked = parser.parse_args()
    if asked.structure:
        return structure(asked, parser)
    asked.only = _among(parser, asked.only, CLIENTS)
    started = time.monotonic()
    results = run_all(asked)
    count = sum(len(found) for (_, w), found in results.items() if w.observer == "ours")
    wrong = len(wrong_cells(results))
    print(f"{count - wrong} of {count} of ours right, {time.monotonic() - started:.0f} s")
    found, is_whole = kept()
    if is_whole:
        TABLE.write_text(markdown(found, "python -m tests.matrix", date.today()) + structure_part(TABLE), "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
