"""The first line of a tracked cell becomes a comment, so that IPython runs the cell as always."""

from __future__ import annotations

from collections.abc import Callable

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.notebook import header


class Transformer:
    """An input transformer; pure, for completeness checks and `%%time` call it, too.

    `is_nested` tells whether a cell runs in this thread already: there the real cell
    magic takes the header.
    """

    # So completeness checks skip it, and a terminal goes on reading the %% cell.
    has_side_effects = True

    def __init__(self, is_nested: Callable[[], bool]) -> None:
        self._is_nested = is_nested

    def __call__(self, lines: list[str]) -> list[str]:
        """Return a cell's lines as IPython is to run them."""
        try:
            return self._transformed(lines)
        except Exception:
            internal_errors.record("reading a cell's first line")
            return lines

    def _transformed(self, lines: list[str]) -> list[str]:
        first = lines[0].rstrip("\n") if lines else ""
        comment = header.COMMENT.match(first)
        magic = header.HEADER.match(first)
        match = magic or comment
        if match is not None and header.has_help(match.group("line") or ""):
            # IPython refuses a cell magic without a body.
            return [header.HELP_LINE]
        if comment is not None:
            # Plain Python: nothing to do, but a wrong option must not pass unseen.
            line = comment.group("line")
            return lines if header.parses(line) else [f"%%ai_track {line}\n", *lines[1:]]
        if magic is None or self._is_nested() or not header.parses(magic.group("line") or ""):
            # A wrong header reaches the real magic, which says what is wrong.
            return lines
        body = next((i for i, line in enumerate(lines) if i and line.strip()), len(lines))
        if body < len(lines) and lines[body].startswith("%%"):
            # IPython sees the next cell magic.
            return lines[body:]
        return ["#" + lines[0].lstrip(), *lines[1:]]
