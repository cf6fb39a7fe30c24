"""With sentry-sdk 3 all that is not about transactions is as with 2: the suites themselves run in an environment that has it.

What they leave out there is said by the mark `transactions` alone (`tests/parts/sdk.py`).
"""

import os
import re
import subprocess

import pytest

from tests.matrix import environments

KERNEL = "tests/kernel/test_"
SUITES = {
    # Documented API, hearing, the wire, settings, what Sentry gets, privacy, OpenTelemetry, frameworks.
    "unit": ["-m", "unit", "tests/ai", "tests/sentry", "tests/app", "tests/wire", "tests/capture", "tests/otel", "tests/frameworks", "tests/test_privacy.py"],
    # Each way of making spans; a cell, and what outlives it; what receivers get of real kernels and scripts, up to their ends.
    "kernel": [
        *("-m", "kernel", "tests/sentry", f"{KERNEL}sentry.py", f"{KERNEL}sentry_privacy.py", f"{KERNEL}process_end.py", f"{KERNEL}exit.py"),
        *(f"{KERNEL}cell.py", f"{KERNEL}bounds.py", f"{KERNEL}script.py", f"{KERNEL}auto.py::test_sentry_hears_of_calls_only", f"{KERNEL}auto.py::test_sentry_stream"),
    ],
    # Every mode of a client; an SDK that has changed; another receiver.
    "matrix": ["tests/matrix/test_clients.py::test_openai_chat", "tests/matrix/test_changed_sdk.py", "tests/matrix/test_spotlight.py"],
    # Each framework, and each way to run it: a process for many tests, so a file is one worker's.
    "frameworks": ["--dist", "loadfile", "tests/matrix/test_heard.py", "tests/matrix/test_frameworks.py", "-k", "test_heard or without_a_client or outlives"],
}  # fmt: skip
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def python():
    return environments.make("sdk3")


@pytest.mark.parametrize("suite", SUITES)
def test_the_same_suites(python, suite):
    """Every test passes, none is skipped, and there are enough of them to mean something."""
    done = subprocess.run(
        [python, "-W", "ignore", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", *SUITES[suite]],
        cwd=environments.ROOT, env={**os.environ, "CI": ""}, capture_output=True, text=True, timeout=800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    told = done.stdout.splitlines()[-1]
    assert int(re.search(r"(\d+) passed", told)[1]) >= 5 and "skipped" not in told, told
