"""Event log → records → run; where code stands; the caps on both."""

from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.capture.state import RunState

__all__ = ["Recorder", "RunState", "recorder"]

recorder = Recorder()
"""The process's own recorder; tests make others."""
