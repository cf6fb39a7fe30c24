"""Builds the messages of an answer from its pieces."""

from __future__ import annotations

from aimon_nb.model import Message, ModelCall
from aimon_nb.model.call import Media
from aimon_nb.wire.dialects.parts import label_of

# Turns of an answer, and tool calls of a turn; what is beyond it is dropped.
_MOST = 512


class MessageBuilder:
    """Makes one message (a turn) for each role and index, in the order in which they appear.

    Reasoning is a message of its own, with the role `reasoning`.
    """

    def __init__(self) -> None:
        self._turns: dict[tuple[str, int], Message] = {}
        self._calls: dict[tuple[int, int | str], int] = {}
        self._ids: dict[tuple[int, int | str], str] = {}

    def add_text(self, call: ModelCall, text: str, index: int = 0, role: str = "assistant") -> None:
        """Append text to a turn of the answer."""
        if text:
            self._turn(call, index, role).text += text

    def add_reasoning(self, call: ModelCall, text: str, index: int = 0) -> None:
        """Append text to a turn of reasoning."""
        self.add_text(call, text, index, "reasoning")

    def add_media(self, call: ModelCall, media: Media | None, index: int = 0) -> None:
        """Add an image, a sound or a file to a turn of the answer, if there is one."""
        if media is not None:
            turn = self._turn(call, index, "assistant")
            turn.text += f"\n{label_of(media)}" if turn.text else label_of(media)
            turn.media.append(media)

    def add_tool_call(
        self,
        call: ModelCall,
        name: str,
        arguments: str,
        at: int | str | None = None,
        index: int = 0,
        call_id: str = "",
    ) -> None:
        """Add a tool call to a turn, or append to the one that is `at` that place.

        Some put all of a turn's calls at one place: another `call_id` there is another call.
        """
        calls = self._turn(call, index, "assistant").tool_calls
        if at is None:
            place = len(calls)
        else:
            known_id = self._ids.get((index, at))
            if call_id and known_id not in (None, call_id):
                self._calls.pop((index, at), None)
            if call_id:
                self._ids[index, at] = call_id
            place = self._calls.setdefault((index, at), len(calls))
        if place < len(calls):
            known = calls[place]
            calls[place] = known[0] + name, known[1] + arguments
        elif len(calls) < _MOST:
            calls.append((name, arguments))

    def reset(self, call: ModelCall) -> None:
        """Drop the answer's turns: the whole answer follows, once more."""
        call.output = []
        self._turns.clear()
        self._calls.clear()
        self._ids.clear()

    def _turn(self, call: ModelCall, index: int, role: str) -> Message:
        turn = self._turns.get((role, index))
        if turn is None:
            turn = Message(role)
            if len(self._turns) < _MOST:
                self._turns[role, index] = turn
                call.output.append(turn)
        return turn
