"""Every span of the SDK is heard, however it was made: each case in a fresh process."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.matrix import environments
from tests.parts import sdk

ROOT = Path(__file__).parents[2]

MODES = ("static", "stream")
CASES = [
    *(f"{mode}-{body}" for mode in MODES for body in (
        "basic", "1500", "thread", "pool", "gather", "gen", "nested", "reinit", "reinitswitch", "exc", "kbi",
        "orphan", "manualend", "leak",
    )),
    *(f"{mode}-unsampled-{body}" for mode in MODES for body in ("basic", "1500", "thread", "gather", "exc")),
    *(f"{mode}-noinit-basic" for mode in MODES),
    *(f"{mode}-nothr-{body}" for mode in MODES for body in ("thread", "pool")),
    *(f"{mode}-dsn-basic" for mode in MODES),
    "static-noinit-thread", "static-noinit-pool", "static-noinit-gather", "static-noinit-exc",
    "stream-unsampled-pool", "stream-unsampled-gen", "stream-unsampled-kbi", "stream-unsampled-manualend",
    "static-maxspans-1500",
    *(f"{mode}-basic LATE" for mode in MODES),
    *(f"{mode}-unsampled-basic LATE" for mode in MODES),
]  # fmt: skip


def heard(case, python=sys.executable):
    done = subprocess.run(
        [python, "-m", "tests.sentry.case", *case.split()],
        capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def marks(case):
    """A case of the static lifecycle, or one that changes to it, is about transactions."""
    return sdk.transactions if case.startswith("static") or "reinitswitch" in case else ()


@pytest.mark.kernel
@pytest.mark.parametrize("case", [pytest.param(case, marks=marks(case)) for case in CASES])
def test_heard(case):
    """Each span is heard once, with its start, its end, its name and its true parent."""
    check(case, heard(case))


@sdk.transactions
@pytest.mark.matrix
@pytest.mark.timeout(600)
def test_heard_by_the_oldest_sdk():
    """The whole table with the oldest sentry-sdk that we accept; these tests run on the newest."""
    asked = re.search(r'"sentry-sdk>=([\d.]+),<\d"', (ROOT / "pyproject.toml").read_text("utf-8"))[1]
    oldest = asked + ".0" * (2 - asked.count("."))
    if version("sentry-sdk") == oldest:
        return  # there is but one, and the table above has run on it
    environments.ALONE["oldest_sdk"] = [f"sentry-sdk=={oldest}"]
    python = environments.make("oldest_sdk")
    with ThreadPoolExecutor(2) as pool:
        for case, got in zip(CASES, pool.map(lambda case: heard(case, python), CASES)):
            check(case, got)


def check(case, got):
    assert got["heard"] == got["made"], got
    assert got["faults"] == 0
    assert None not in got["parents"] and "" not in got["parents"], got
    parents = got["parents"]
    if "gather" in case:
        assert {n: parents[n] for n in parents if n[0] == "g"} == {
            f"g{i}{c}": f"g{i}" if c else "a" for i in range(3) for c in ("", "c")
        }
    if "thread" in case:
        assert parents["t"] == "a" and parents["u"] == "t"
    if "pool" in case:
        assert {parents[f"p{i}"] for i in range(4)} == {"a"}
    if "nested" in case:
        assert parents["inner"] == "a" and parents["c"] == "b"
    if "exc" in case:
        assert got["status"]["a"] == "error"
    if "kbi" in case:
        assert got["status"]["a"] == "interrupted"
