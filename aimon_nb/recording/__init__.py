"""Event log → records → run; where code stands; the caps on both."""

from aimon_nb.recording.recorder import Recorder
from aimon_nb.recording.records import Recording

__all__ = ["Recorder", "Recording", "recorder"]

recorder = Recorder()
"""The process's own recorder; tests make others."""
