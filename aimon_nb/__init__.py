"""See what the AI work in a notebook cell does and costs, live under the cell.

In a notebook: `%load_ext aimon_nb`, then `%%ai_track NAME` on a cell. Importing
the package installs nothing and imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimon_nb import pricing
    from aimon_nb.ai.consts import SPANDATA
    from aimon_nb.ai.normalize import set_data_normalized
    from aimon_nb.ai.pipeline import get_ai_pipeline_name, set_ai_pipeline_name
    from aimon_nb.ai.tracking import ai_track
    from aimon_nb.ai.usage import record_token_usage
    from aimon_nb.app import install, last_run, runs, track
    from aimon_nb.app.batch_map import map  # noqa: A004 (its name is `aimon_nb.map`)
    from aimon_nb.app.items import item
    from aimon_nb.app.progress import progress
    from aimon_nb.app.run_view import RunView
    from aimon_nb.model.errors import BudgetExceeded, RunStopped
    from aimon_nb.versions import show_versions

__version__ = "0.1.0"

_HOMES = {
    "SPANDATA": "ai.consts",
    "ai_track": "ai.tracking",
    "get_ai_pipeline_name": "ai.pipeline",
    "set_ai_pipeline_name": "ai.pipeline",
    "record_token_usage": "ai.usage",
    "set_data_normalized": "ai.normalize",
    "RunView": "app.run_view",
    "BudgetExceeded": "model.errors",
    "RunStopped": "model.errors",
    "install": "app",
    "item": "app.items",
    "last_run": "app",
    "map": "app.batch_map",
    "progress": "app.progress",
    "runs": "app",
    "show_versions": "versions",
    "track": "app",
}

__all__ = [
    "SPANDATA",
    "BudgetExceeded",
    "RunStopped",
    "RunView",
    "ai_track",
    "get_ai_pipeline_name",
    "install",
    "item",
    "last_run",
    "map",
    "pricing",
    "progress",
    "record_token_usage",
    "runs",
    "set_ai_pipeline_name",
    "set_data_normalized",
    "show_versions",
    "track",
]


def __getattr__(name: str) -> Any:
    if name == "pricing":
        return import_module("aimon_nb.pricing")
    if name not in _HOMES:
        raise AttributeError(f"module 'aimon_nb' has no attribute {name!r}")
    try:
        return getattr(import_module(f"aimon_nb.{_HOMES[name]}"), name)
    except ImportError as error:
        from aimon_nb.model.errors import UnsupportedSDKError

        if isinstance(error, UnsupportedSDKError):
            # Its message says all: the frames of our imports would only hide it.
            raise error.with_traceback(None) from None
        raise


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# Kept over `importlib.reload`: the hooks of an old session must be found again.
_sessions: dict[int, Any] = globals().get("_sessions", {})


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext aimon_nb`."""
    from aimon_nb.app import monitor
    from aimon_nb.notebook.extension import Extension

    if id(ipython) not in _sessions:
        session = Extension(ipython, monitor)
        session.load()
        _sessions[id(ipython)] = session


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext aimon_nb`."""
    session = _sessions.pop(id(ipython), None)
    if session is not None:
        session.unload()
