"""Static types are kept: mypy agrees with every assertion of `typing/tracked.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parent / "typing" / "tracked.py"


@pytest.mark.matrix
def test_a_decorated_function_has_its_types(tmp_path):
    """Functions, coroutines, generators, methods, staticmethods, partials and objects keep their types."""
    pytest.importorskip("mypy")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path), str(FILE)],
        capture_output=True, text=True, timeout=170, cwd=FILE.parents[3],
    )  # fmt: skip
    assert ("", 0) == (run.stdout, run.returncode), run.stdout + run.stderr
