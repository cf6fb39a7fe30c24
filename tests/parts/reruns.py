"""Tests of kernels and pages that fail are run again, and nobody can overlook that they were.

The summary names each, a file keeps them (`REPORT`, a line of JSON each), and more than
`ALLOWED` in one run, all its parts together, are a failure.
"""

import json
import os
from pathlib import Path

import pytest

ALLOWED = 2
REPORT = Path(os.environ.get("TESTS_RERUNS") or Path(__file__).parents[2] / ".test-results/reruns.jsonl")


def recorded() -> list[dict]:
    """What this run has put on record so far: test, tries, and the last failure."""
    return [json.loads(line) for line in REPORT.read_text("utf-8").splitlines()] if REPORT.exists() else []


def ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")


def pytest_configure(config):
    if not hasattr(config, "workerinput") and "TESTS_RERUNS" not in os.environ:
        REPORT.unlink(missing_ok=True)


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    failed: dict[str, list[str]] = {}
    for report in reporter.stats.get("rerun", []):
        failed.setdefault(report.nodeid, []).append(str(report.longrepr)[-2000:])
    if not failed:
        return
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    passed = {report.nodeid for report in reporter.stats.get("passed", [])}
    with REPORT.open("a", encoding="utf-8") as file:
        for test, errors in failed.items():
            file.write(json.dumps({"test": test, "tries": len(errors) + 1, "passed": test in passed, "error": errors[-1]}) + "\n")
    if len(recorded()) > ALLOWED and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    reruns = recorded()
    for one in reruns:
        word = "passed" if one["passed"] else "failed"
        terminalreporter.write_line(f"{word} on the {ordinal(one['tries'])} try: {one['test']}", yellow=True)
    if len(reruns) > ALLOWED:
        terminalreporter.write_line(f"{len(reruns)} tests were run again; more than {ALLOWED} are a failure", red=True)
