"""The benchmark still runs: no figure of it is judged here. It takes minutes, so it is no part of a check."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(900)
def test_it_runs():
    """A glance at bare sentry-sdk and us fills the table, and leaves the document alone.

    In soak for it takes minutes.
    """
    root = Path(__file__).parents[2]
    page = root / "docs" / "performance.md"
    before = page.read_text()
    done = subprocess.run(
        [sys.executable, "benchmarks/spans", "--quick", "--only", "ours"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "## Targets" in done.stdout and "full: **aimon_nb**" in done.stdout
    assert page.read_text() == before
