"""What hearing every span costs, beside bare sentry-sdk and the peers, in one run.

    python benchmarks/spans [--quick] [--only sentry,ours] [--no-docs]

Every contender has an environment of its own below .venv/bench. In a round all of them
are alive and take turns, job by job, so that whatever else the machine does falls on all
alike; a ratio is to bare sentry-sdk in the same round, and the median of the rounds
counts. CPU time, not wall time: of the thread that makes the spans, and of all threads.
The root's closing is apart from the body: Sentry serialises the whole run there.
"""

import argparse
import datetime
import json
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import kernel
import report

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SENTRY = f"sentry-sdk=={version('sentry-sdk')}"
# Contender → what its environment holds.
NEEDS = {
    "loop": [],
    "sentry": [SENTRY],
    "named": [SENTRY],
    "ours": [SENTRY, "ipykernel", "-e", str(ROOT)],
    "local": [SENTRY, "ipykernel", "-e", str(ROOT)],
    "otel": ["opentelemetry-sdk"],
    "logfire": ["logfire"],
    # Without pandas it fails to import a module of its own again at every span.
    "mlflow": ["mlflow-skinny", "sqlalchemy", "alembic", "pandas"],
}
SLOW = {"mlflow"}  # milliseconds of CPU a span in its other threads: one small job a round
SAME = {"named": "sentry", "local": "ours"}


def environment(name):
    """The Python of a contender's environment, made when its needs have changed."""
    name = SAME.get(name, name)
    folder, needs = ROOT / ".venv" / "bench" / name, NEEDS[name]
    python, stamp = folder / "bin" / "python", folder / "needs.json"
    if stamp.exists() and json.loads(stamp.read_text()) == needs:
        return python
    uv = shutil.which("uv")
    make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable] if uv else [sys.executable, "-m", "venv", "--clear"]
    subprocess.run([*make, str(folder)], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(python)] if uv else [str(python), "-m", "pip", "install", "--quiet"]
    if needs:
        subprocess.run([*install, *needs], check=True)
    stamp.write_text(json.dumps(needs))
    return python


class Contender:
    """A process that makes spans when asked to."""

    def __init__(self, name):
        quiet = {"MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "true", "LOGFIRE_IGNORE_NO_CONFIG": "1", "OTEL_SDK_DISABLED": "false"}
        self._process = subprocess.Popen(
            [environment(name), HERE / "contender.py", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, **quiet},
        )  # fmt: skip
        self.name, self.versions = name, json.loads(self._process.stdout.readline() or "null")
        if self.versions is None:
            raise SystemExit(f"{name} does not start: {environment(name)} {HERE / 'contender.py'} {name}")

    def ask(self, **job):
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} broke off at {job}")
        return json.loads(answer)

    def close(self):
        if self.name in SLOW:
            self._process.kill()  # else it goes on to write for minutes
        self._process.stdin.close()
        self._process.wait(timeout=120)


def a_round(names, repeats):
    """{(kind, contender): {measure: median}} of one round, and the versions."""
    contenders = [Contender(name) for name in names]
    found = {}
    for kind in ("full", "empty", "calls"):
        for turn in range(repeats + 1):  # the first one warms up
            for one in contenders:
                if one.name in SLOW and (turn > 1 or kind != "full"):
                    continue
                got = one.ask(spans=150 if one.name in SLOW else 900, kind=kind)
                if turn:
                    found.setdefault((kind, one.name), []).append(got)
    for one in contenders:
        one.close()
    medians = {key: {m: statistics.median(g[m] for g in got) for m in ("user", "body", "all")} for key, got in found.items()}
    return medians, {name: v for one in contenders for name, v in one.versions.items()}


def growth(sizes, turns=3):
    """{contender: {spans: measures}}: one process each, all sizes in each turn.

    Once more with the collector off: what grows then is not its going through a larger heap.
    """
    found = {}
    contenders = [Contender(name) for name in ("sentry", "ours")]
    for one in contenders:
        one.ask(spans=900, kind="full")
    for _ in range(turns):
        for size in sizes:
            for one in contenders:
                for collector in (True, False):
                    got = found.setdefault((one.name, size, collector), [])
                    got += [one.ask(spans=size, kind="full", collector=collector) for _ in range(max(1, min(5, 10_000 // size)))]
    for one in contenders:
        one.close()
    medians = {key: {m: statistics.median(g[m] for g in got) for m in ("user", "body", "all", "collector")} for key, got in found.items()}
    return {
        one.name: {size: {**medians[one.name, size, True], "without": medians[one.name, size, False]["all"]} for size in sizes}
        for one in contenders
    }  # fmt: skip


def memory(spans):
    found = {}
    for kind in ("full", "steps"):
        one = Contender("ours")
        found[kind] = one.ask(spans=spans, kind=kind, memory=True)
        one.close()
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="two rounds, small sizes: a glance; writes nothing")
    options.add_argument("--only", help="contenders, by comma; sentry is always one of them")
    options.add_argument("--no-docs", action="store_true", help="leave docs/performance.md alone")
    said = options.parse_args()
    names = [n for n in NEEDS if not said.only or n in {"sentry", *said.only.split(",")}]
    begun = time.monotonic()

    def tell(what):
        """Say how far it is, and keep what there is: a run that is broken off is not lost."""
        print(f"{time.monotonic() - begun:4.0f} s  {what}", file=sys.stderr, flush=True)
        (ROOT / ".venv" / "bench" / "results.pickle").write_bytes(pickle.dumps(results))

    rounds, versions = [], {}
    results = {"names": names, "rounds": rounds, "versions": versions, "date": f"{datetime.date.today()}"}
    for name in names:
        environment(name)
    tell("environments ready")
    for i in range(2 if said.quick else 3):
        medians, found = a_round(names, 2 if said.quick else 5)
        rounds.append(medians)
        versions.update(found)
        tell(f"round {i + 1}")
    if "ours" in names:
        ours = environment("ours")
        results["memory"] = memory(2_000 if said.quick else 10_000)
        tell("memory")
        if not said.quick:
            results["load"] = kernel.load(ours, rounds=4)
            tell("loading in a kernel")
            results["cells"] = kernel.cells(ours, (900, 19_998))
            tell("cells in a kernel")
        results["growth"] = growth((1_000, 5_000) if said.quick else (1_000, 10_000, 100_000))
        tell("growth")
    page = report.page(results)
    print(page)
    if not (said.quick or said.only or said.no_docs):
        (ROOT / "docs" / "performance.md").write_text(page + "\n")


if __name__ == "__main__":
    main()
