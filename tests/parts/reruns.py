"""Tests of kernels and pages that fail are run again, and nobody can overlook that they were.

The summary names each, a file keeps them (`REPORT`, a line of JSON each), and more than
`ALLOWED` in one run are a failure: here those of one process, in `tests/run.py` those of
all parts together.
"""

import json
import os
from pathlib import Path

import pytest
from tests.run import ALLOWED, lines_of_reruns

# Without tests/run.py, which has one file for all parts, a file of its own.
REPORT = Path(os.environ.get("TESTS_RERUNS") or Path(__file__).parents[2] / ".test-results/reruns-of-pytest.jsonl")


def pytest_configure(config):
    if not hasattr(config, "workerinput") and "TESTS_RERUNS" not in os.environ:
        REPORT.unlink(missing_ok=True)


def _reruns_of(reporter) -> list[dict]:
    failed: dict[str, list[str]] = {}
    for report in reporter.stats.get("rerun", []):
        failed.setdefault(report.nodeid, []).append(str(report.longrepr)[-2000:])
    passed = {report.nodeid for report in reporter.stats.get("passed", [])}
    passed -= {report.nodeid for kind in ("failed", "error") for report in reporter.stats.get(kind, [])}
    return [{"test": test, "tries": len(errors) + 1, "passed": test in passed, "error": errors[-1]} for test, errors in failed.items()]


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    reruns = _reruns_of(reporter)
    if not reruns:
        return
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with REPORT.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in reruns)
    if len(reruns) > ALLOWED and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    for line in lines_of_reruns(_reruns_of(terminalreporter)):
        terminalreporter.write_line(line, yellow=True)
