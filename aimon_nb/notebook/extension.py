"""All that loading does, and unloading undoes."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from IPython.core.error import UsageError
from traitlets import TraitError

from aimon_nb.app import Monitor
from aimon_nb.capture import context
from aimon_nb.notebook.cell import CellTracker
from aimon_nb.notebook.completion import Completion
from aimon_nb.notebook.magics import AimonMagics

# What was set in a shell holds again when the extension is loaded there again.
_SECTION = AimonMagics.__name__
_settings: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


class Extension:
    """The extension in one shell."""

    def __init__(self, shell: Any, monitor: Monitor) -> None:
        self._shell, self._monitor = shell, monitor
        self._tracker = CellTracker(shell, monitor)
        self._magics: AimonMagics | None = None
        # The user's own section of the shell's configuration.
        self._config: Any = None
        self._completion: Completion | None = None

    def load(self) -> None:
        """Install everything; prints nothing."""
        self._config = self._shell.config.get(_SECTION)
        settings = _settings.get(self._shell, {})
        try:
            self._magics = AimonMagics(self._shell, self._tracker, self._monitor, **settings)
        except TraitError as error:
            # Of a config file, or of an earlier %config.
            self._shell.configurables[:] = [
                one for one in self._shell.configurables if not isinstance(one, AimonMagics)
            ]
            raise UsageError(str(error)) from None
        self._monitor.install()
        self._shell.register_magics(self._magics)
        self._completion = Completion(self._shell, self._magics.magics)
        self._completion.install()
        self._tracker.install()

    def unload(self) -> None:
        """Leave the shell and the process as they were."""
        self._tracker.uninstall()
        if self._completion is not None:
            self._completion.uninstall()
        if self._magics is not None:
            for kind, names in self._magics.magics.items():
                for name in names:
                    self._shell.magics_manager.magics[kind].pop(name, None)
            self._shell.magics_manager.registry.pop(_SECTION, None)
            if self._magics in self._shell.configurables:
                self._shell.configurables.remove(self._magics)
            _settings[self._shell] = self._magics.explicit
            self._restore_config()
        self._monitor.uninstall()
        context.default_pipeline = None

    def _restore_config(self) -> None:
        """`%config` leaves even a wrong value in the shell, where the next load would trip."""
        self._shell.config.pop(_SECTION, None)
        if self._config is not None:
            self._shell.config[_SECTION] = self._config
