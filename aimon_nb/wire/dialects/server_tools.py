"""The tools that a provider ran for an answer: web search, code, an MCP server of its own."""

from __future__ import annotations

from aimon_nb.model import ModelCall
from aimon_nb.model.call import ServerTool

_MOST = 64  # of one answer; what is beyond it has no row, and its price all the same
_LONGEST = 80  # characters of a name


class ServerTools:
    """Notes each tool of an answer once, by its id or place."""

    def __init__(self) -> None:
        self._places: dict[str | int, int] = {}

    def add(self, call: ModelCall, name: str, at: str | int | None, error: str = "") -> None:
        """Note a tool, and how it failed; one that is known at this place is told of again."""
        place = self._places.get(at) if at is not None else None
        if place is not None:
            self.fail(call, at, error)
        elif len(call.server_tools) < _MOST and name:
            if at is not None:
                self._places[at] = len(call.server_tools)
            call.server_tools.append(ServerTool(name[:_LONGEST], error or None))

    def fail(self, call: ModelCall, at: str | int | None, error: str) -> None:
        """Note that the tool at this place failed."""
        place = self._places.get(at) if at is not None else None
        if place is not None and error:
            call.server_tools[place] = call.server_tools[place]._replace(error=error)

    def reset(self, call: ModelCall) -> None:
        """Forget all: the whole answer follows, once more."""
        call.server_tools = []
        self._places.clear()
