"""What the magics do, as plain Python: it works without a notebook too."""

from aimon_nb.app.api import Track, install, last_run, runs, track
from aimon_nb.app.monitoring import Monitor, monitor
from aimon_nb.app.run_session import RunSession, status_of_run
from aimon_nb.app.run_view import RunView

__all__ = [
    "Monitor",
    "RunSession",
    "RunView",
    "Track",
    "install",
    "last_run",
    "monitor",
    "runs",
    "status_of_run",
    "track",
]
