"""Tab after a magic of ours: its options, and the values of those that have a few."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from typing import Any

from IPython.core.error import TryNext

from aimon_nb.notebook import header


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
        """Begin to complete."""
        for name in self._parsers:
            self._shell.set_hook("complete_command", self._complete, str_key=name)

    def uninstall(self) -> None:
        """Leave the shell's completer as it was."""
        known = self._shell.strdispatchers["complete_command"].strs
        for name in self._parsers:
            known.pop(name, None)

    def _complete(self, _: Any, event: Any) -> list[str]:
        parser = self._parsers.get(event.command)
        found = _offers(parser, event.text_until_cursor) if parser is not None else []
        if not found:
            raise TryNext
        return found


def _offers(parser: ArgumentParser, typed: str) -> list[str]:
    """What fits at the end of what was typed."""
    before, word = re.fullmatch(r"(.*?)(\S*)", typed, re.DOTALL).groups()  # type: ignore[union-attr]
    known = {name: action for action in parser._actions for name in action.option_strings}
    last = (before.split() or [""])[-1]
    values = known[last].choices if last in known else None
    offered = values or (sorted(known) if word.startswith("-") else [])
    return [str(one) for one in offered if str(one).startswith(word)]
