"""Tab after a magic of ours: its options, and the values of those that have a few."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from IPython.core.error import TryNext

from aimon_nb.notebook import header
from aimon_nb.views.tables import frames


class Completion:
    """Completers of the magics of one shell."""

    def __init__(self, shell: Any, magics: dict[str, dict[str, Any]]) -> None:
        self._shell = shell
        self._parsers = {
            sign + name: header.parser_of(function)
            for kind, sign in (("line", "%"), ("cell", "%%"))
            for name, function in magics[kind].items()
        }

    def install(self) -> None:
        """Register the completers."""
        for name in self._parsers:
            self._shell.set_hook("complete_command", self._complete, str_key=name)

    def uninstall(self) -> None:
        """Leave the shell's completer as it was."""
        known = self._shell.strdispatchers["complete_command"].strs
        for name in self._parsers:
            known.pop(name, None)

    def _complete(self, _: Any, event: Any) -> list[str]:
        parser = self._parsers.get(event.command)
        matches = _matches(parser, event.text_until_cursor) if parser is not None else []
        if not matches:
            raise TryNext
        return matches


def _matches(parser: ArgumentParser, text: str) -> list[str]:
    """Return the options or values that complete the last word of a text."""
    before, prefix = re.fullmatch(r"(.*?)(\S*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    options = {name: action for action in parser._actions for name in action.option_strings}
    last = (before.split() or [""])[-1]
    values: Iterable[Any] | None = options[last].choices if last in options else None
    if last == "--by":  # a comma list, of which the last word is completed
        values, prefix = frames.KEYS, prefix.rpartition(",")[2]
    words = [
        word for one in parser._actions if not one.option_strings for word in one.choices or ()
    ]
    candidates = values or (sorted(options) if prefix.startswith("-") else words)
    return [str(one) for one in candidates if str(one).startswith(prefix)]
