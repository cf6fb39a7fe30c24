"""The Chromium or Chrome of this machine: which it is, and one of it for all tests."""

import os
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# Read before the tests move HOME: Playwright keeps its own browsers below it.
CACHE = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")


@cache
def find_browser() -> str | None:
    """The path of a Chromium or Chrome, `CHROMIUM` in the environment first."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [shutil.which(name) for name in NAMES]
    found += [MAC, *map(str, sorted(CACHE.glob("chromium-*/chrome-linux*/chrome"), reverse=True))]
    return next((path for path in found if path and os.access(path, os.X_OK)), None)


# No name but the machine's own can be looked up, so no request can leave it.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
MISSING = "no Chromium or Chrome on this machine (Debian: apt-get install chromium)"


def pytest_report_header():
    return f"browser: {find_browser() or 'none'}"


@pytest.fixture(scope="session")
def browser(clean_session):
    """The one browser of all tests, as Playwright's `Browser`.

    Whoever needs a page takes it from here: a thread can have but one Playwright.
    """
    path = find_browser()
    if path is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield made
        made.close()


if __name__ == "__main__":
    path = find_browser()
    print(path or "no Chromium or Chrome")
    sys.exit(path is None)
