"""Makes the environments, runs each framework's ways in each setup and world, judges them."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from tests.matrix import environments
from tests.matrix.structure.known import KNOWN

FRAMEWORKS = [p.stem for p in sorted((Path(__file__).parent / "frameworks").glob("*.py")) if p.stem != "__init__"]
WORLDS = ("none", "static", "stream")
LIMIT = 300  # seconds a process may take: some fifteen on an idle machine


def ways_of(framework):
    return import_module(f"tests.matrix.structure.frameworks.{framework}").ways


def run(framework, setup, world, ways=(), plain=None, verbose=False):
    """{way: what a process says of it}; `(process)` is what went wrong with it as a whole."""
    asked = {"framework": framework, "setup": setup, "world": world, "ways": list(ways), "plain": plain, "verbose": verbose, "limit": LIMIT}
    command = [str(environments.make(ways_of(framework).environment)), "-W", "ignore", "-m", "tests.matrix.structure.process"]
    # With its bytecode kept: the next process of the same environment starts in half the time.
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "SENTRY_DSN")}
    pipes = {"capture_output": True, "text": True, "cwd": environments.ROOT, "env": kept}
    try:
        done = subprocess.run(command, input=json.dumps(asked), timeout=LIMIT, **pipes)
        out, err, code = done.stdout, done.stderr, done.returncode
    except subprocess.TimeoutExpired as error:
        out, err, code = (error.stdout or b"").decode(), (error.stderr or b"").decode() + f"\nlonger than {LIMIT} s", 1
    found = {told.pop("way"): told for told in map(json.loads, out.splitlines())}
    if verbose or code:
        print(err, file=sys.stderr)
    if code:
        wrong = [f"the process: {err.strip().splitlines()[-1] if err.strip() else code}"]
        found["(process)"] = {"wrong": wrong, "got": "", "expected": "", "result": None, "exported": []}
    for told in found.values():
        told["stderr"] = err[-6000:]
    return found


def run_setup(framework, setup, worlds=WORLDS, ways=(), verbose=False, *, beside_plain=True):
    """{(framework, way, setup, world): what is said of it}; without `beside_plain` not beside a run without us."""
    plain = run(framework, setup, "nobody", ways, verbose=verbose) if beside_plain else None
    if plain is not None and "(process)" in plain:
        return {(framework, "(process)", setup, "nobody"): plain["(process)"]}
    for name, way in ways_of(framework).items() if plain is not None else ():
        raised = plain.get(name, {}).get("result")
        if isinstance(raised, list) and raised[:1] == ["raised"] and not way.raises:
            wrong = {"wrong": [f"raises {raised[1]} with nobody watching"], "got": "", "expected": ""}
            return {(framework, name, setup, "nobody"): wrong | {"stderr": plain[name]["stderr"]}}
    found = {}
    for world in worlds:
        told = run(framework, setup, world, ways, plain, verbose)
        found |= {(framework, name, setup, world): one for name, one in told.items()}
    return found


def is_right(told):
    return not told["wrong"] and told["got"] == told["expected"]


def known(key):
    framework, way, setup, _ = key
    return KNOWN.get((framework, way, setup)) or KNOWN.get((framework, way, None))


def faults(results):
    """[(key, words)]: what is wrong and not known to be, and what is known and right in all its cells."""
    wrong = [(key, words(told)) for key, told in results.items() if not is_right(told) and not known(key)]
    for gap in KNOWN:
        cells = [told for (f, w, s, _), told in results.items() if (f, w) == gap[:2] and gap[2] in (None, s)]
        if cells and all(map(is_right, cells)):
            wrong.append(((*gap, ""), "right now: take it off tests/matrix/structure/known.py"))
    return wrong


def words(told):
    """What is wrong with a way, for people."""
    said = list(told["wrong"])
    if told["got"] != told["expected"]:
        said.append(f"another tree\n  expected:\n{_indented(told['expected'])}\n  got:\n{_indented(told['got'])}")
    return "; ".join(said)


def _indented(text):
    return "\n".join(f"    {line}" for line in text.splitlines())


def jobs(asked):
    """[(framework, setup)] that are asked for."""
    return [(f, setup) for f in asked.only or FRAMEWORKS for setup in ways_of(f).setups if setup in (asked.setup or (setup,))]


def main(asked):
    """Everything that is asked for; exit 1 if a way is wrong that is not known to be."""
    from tests.matrix.structure.table import keep

    started = time.monotonic()
    for name in dict.fromkeys(ways_of(f).environment for f, _ in jobs(asked)):
        environments.make(name)

    def timed(job):
        begun = time.monotonic()
        results = run_setup(*job, asked.world or WORLDS, asked.mode, asked.verbose)
        for key, said in faults(results):
            print(f"wrong: {' '.join(key)}: {said}", file=sys.stderr)
        print(f"{' '.join(job)}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        return results

    with ThreadPoolExecutor(asked.jobs) as pool:
        results = {key: told for found in pool.map(timed, jobs(asked)) for key, told in found.items()}
    right = sum(map(is_right, results.values()))
    gaps = sum(not is_right(told) and known(key) is not None for key, told in results.items())
    print(f"{right} of {len(results)} right, {gaps} known gaps, {time.monotonic() - started:.0f} s")
    if not (asked.mode or asked.world):
        keep(results)
    return 1 if faults(results) else 0
