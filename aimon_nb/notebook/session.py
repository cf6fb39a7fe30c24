"""All that loading does, and unloading undoes."""

from __future__ import annotations

from typing import Any

from aimon_nb.api import Monitor
from aimon_nb.notebook.cell import CellTracker
from aimon_nb.notebook.magics import AimonMagics
from aimon_nb.recording import context


class Session:
    """The extension in one shell."""

    def __init__(self, shell: Any, monitor: Monitor) -> None:
        self._shell, self._monitor = shell, monitor
        self._tracker = CellTracker(shell, monitor)
        self._magics: AimonMagics | None = None

    def load(self) -> None:
        """Install everything; prints nothing."""
        self._monitor.install()
        self._magics = AimonMagics(self._shell)
        self._magics.tracker = self._tracker
        self._shell.register_magics(self._magics)
        self._tracker.install()

    def unload(self) -> None:
        """Leave the shell and the process as they were."""
        self._tracker.uninstall()
        if self._magics is not None:
            for kind, names in self._magics.magics.items():
                for name in names:
                    self._shell.magics_manager.magics[kind].pop(name, None)
            self._shell.magics_manager.registry.pop("AimonMagics", None)
            if self._magics in self._shell.configurables:
                self._shell.configurables.remove(self._magics)
        self._monitor.uninstall()
        context.default_pipeline = None
