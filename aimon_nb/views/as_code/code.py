"""A request as Python, in the form of the client that it is usually sent by."""

from __future__ import annotations

import json
from typing import Any

from aimon_nb.views.as_code import anthropic_code, gemini_code, httpx_code, openai_code
from aimon_nb.views.as_code.request import Request

_FORMS = (
    openai_code.chat,
    openai_code.responses,
    anthropic_code.messages,
    gemini_code.generate_content,
)
# What APIs call the parts of a body that are the conversation.
_MESSAGES = (
    *("system", "instructions", "systemInstruction", "system_instruction", "preamble", "prompt"),
    *("messages", "input", "inputs", "contents", "chat_history", "message", "documents", "query"),
)


def as_code(request: Request) -> str:
    """Return Python that sends the request again, with its keys taken from the environment."""
    notes = "".join(f"# {' '.join(note.split())}\n" for note in request.notes)
    return notes + _code(request)


def _code(request: Request) -> str:
    if request.is_object and request.is_plain:
        for form in _FORMS:
            code = form(request)
            if code is not None:
                return code
    return httpx_code.post(request)


def messages_as_json(request: Request) -> str | None:
    """Return the messages as the API takes them; None where it takes none.

    Where they stand in several places of the body (instructions beside turns), an object of these.
    """
    if not request.is_object:
        return None
    found: dict[str, Any] = {k: v for k, v in request.content.items() if k in _MESSAGES}
    if not found:
        return None
    told = found if len(found) > 1 else next(iter(found.values()))
    return json.dumps(told, indent=2, ensure_ascii=not request.is_plain)
