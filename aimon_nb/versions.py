"""What is installed here, for a bug report: without paths, keys and values of the environment."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from aimon_nb.model.errors import UnsupportedSDKError
from aimon_nb.providers import FRAMEWORKS

_ALWAYS = (
    "ipython",
    "ipykernel",
    "jupyterlab",
    "notebook",
    "ipywidgets",
    "anywidget",
    "pandas",
    "pydantic",
    "genai-prices",
    "sentry-sdk",
)


def show_versions() -> None:
    """Print the versions that a bug report needs, of this package and of what it works with.

    They are read from the packages' metadata: no client is imported, and nothing is
    fetched. No path, no key and no value of the environment is among them.

    Example:
        import aimon_nb

        aimon_nb.show_versions()

    Source: `pandas.show_versions`; `python -m aimon_nb` prints the same.
    """
    print("\n".join(_lines()))  # noqa: T201 (asked for)


def _lines() -> list[str]:
    facts = {
        "aimon_nb": _version("aimon-nb") or "not installed",
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "OS": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "front end": _front_end(),
    }
    facts |= {name: _version(name) or "not installed" for name in _ALWAYS}
    facts["hooks"], clients = _sdk_and_clients()
    versions = {name: found for name in clients if (found := _version(name)) is not None}
    width = max(map(len, (*facts, *versions)))
    return [f"{name:{width}}  {value}" for name, value in (facts | versions).items()]


def _version(name: str) -> str | None:
    """Return the version of an installed package; None where there is none of that name."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _sdk_and_clients() -> tuple[str, list[str]]:
    """Return whether the SDK is as this version knows it, and the names of clients and frameworks.

    What is asked imports the SDK: of one that is too old it cannot.
    """
    try:
        from aimon_nb.ai.instrumentation import instrumentation
        from aimon_nb.wire.supported_clients import CLIENTS, TRANSPORTS
    except UnsupportedSDKError as error:
        return str(error), []
    except ImportError as error:
        # Its message may hold a path.
        return f"sentry-sdk cannot be imported ({type(error).__name__})", []
    names = [known.name for known in (*TRANSPORTS, *CLIENTS)]
    names += [name.replace("_", "-") for name in FRAMEWORKS]
    difference = instrumentation.sdk_difference()
    return difference or "sentry-sdk is as aimon_nb knows it", list(dict.fromkeys(names))


def _front_end() -> str:
    """Return what shows the outputs of this program, as far as it is known here."""
    from aimon_nb.views.live import environment

    shell = environment.ipython_shell()
    if environment.resolve_view("auto") == "marimo":
        return "marimo"
    if "google.colab" in sys.modules:
        return "Colab"
    if not environment.outputs_are_saved():
        return "none" if shell is None else "terminal IPython"
    if "__vsc_ipynb_file__" in shell.user_ns:
        return "VS Code"
    if "JPY_SESSION_NAME" in os.environ:
        return "of a Jupyter server: JupyterLab, Notebook or another"
    return "unknown: a kernel"
