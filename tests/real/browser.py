"""Which Chromium or Chrome there is on this machine."""

import os
import shutil
import sys
from functools import cache
from pathlib import Path

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


if __name__ == "__main__":
    path = find_browser()
    print(path or "no Chromium or Chrome")
    sys.exit(path is None)
