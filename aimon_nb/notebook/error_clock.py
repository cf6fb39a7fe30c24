"""When an exception leaves the code of a cell.

IPython tells its hooks of the end of a cell only after it has drawn the traceback, which
takes it a tenth of a second and more: none of the user's work. The first thing that it
calls with the exception is `showtraceback`, or what `set_custom_exc` has set.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from aimon_nb.capture.hooks import Patches, named_like
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.notebook.refusals import with_one_refusal

_SHOWN_BY = ("showtraceback", "CustomTB")


class ErrorClock:
    """Notes when a shell begins to show an error, in each thread the latest one."""

    def __init__(self, shell: Any, clock: Callable[[], int]) -> None:
        self._shell, self._clock = shell, clock
        self._patches = Patches()
        self._wrappers: dict[str, Any] = {}
        # By thread, for subshells run cells in threads of their own.
        self._noted: dict[int, tuple[BaseException, int]] = {}

    def watch(self) -> None:
        """Watch the shell from here on; what was put in our wrapper's place is wrapped anew."""
        with internal_errors.suppress("watching for errors"):
            for name in _SHOWN_BY:
                show = getattr(self._shell, name, None)
                if callable(show) and show is not self._wrappers.get(name):
                    is_plain = name == "showtraceback"
                    noting = self._noting(show, shows_one=is_plain)
                    self._wrappers[name] = wrapper = named_like(show, noting)
                    self._patches.set_attribute(self._shell, name, wrapper)

    def stop(self) -> None:
        """Take the wrappers off."""
        self._patches.undo()
        self._wrappers.clear()
        self._noted.clear()

    def take(self, error: BaseException | None) -> int | None:
        """Return when this thread's latest error was shown first, by the clock, and forget it.

        None if that was another error than this one, or none was shown.
        """
        noted = self._noted.pop(threading.get_ident(), None)
        return noted[1] if noted is not None and noted[0] is error else None

    def _noting(self, show: Callable[..., Any], *, shows_one: bool) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if self._patches.live:
                with internal_errors.suppress("noting when an error came"):
                    self._note()
                    if shows_one:
                        args, kwargs = with_one_refusal(self._shell, args, kwargs)
            return show(*args, **kwargs)

        return wrapper

    def _note(self) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            self._noted[threading.get_ident()] = error, self._clock()
