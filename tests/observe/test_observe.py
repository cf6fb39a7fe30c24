"""Every span of the SDK is heard, however it was made: each case in a fresh process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


def heard(case):
    done = subprocess.run(
        [sys.executable, "-m", "tests.observe.case", *case.split()],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", CASES)
def test_heard(case):
    """Each span is heard once, with its start, its end, its name and its true parent."""
    got = heard(case)
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
