"""Where Jupyter and IPython keep their things, moved to a temporary folder."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOREIGN = ("SENTRY_", "OPENAI_", "ANTHROPIC_", "AIMON_", "JUPYTER", "IPYTHON")


def clean(patch):
    """Forget every setting of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            patch.delenv(name)
    # Each kernel and script would compile all that it imports.
    patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    # Else each client of Sentry's asks a process of git for the commit.
    patch.setenv("SENTRY_RELEASE", "tests")
    # `make test` installs the startup file in .venv; a test that wants it says so.
    patch.setenv("AIMON_NB_AUTOLOAD", "0")
    # A kernel, a server and their children import this working copy.
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))


def folders(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter/config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter/data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter/runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "jupyter/settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "jupyter/workspaces"),
    }


def move(patch, home: Path) -> None:
    for name, value in folders(home).items():
        patch.setenv(name, value)
