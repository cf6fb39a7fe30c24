"""How the parts of a piece of code stand: imports, what it reads, the client, the call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aimon_nb.views.as_code.literal import WIDTH, call
from aimon_nb.views.as_code.media import MediaFiles

# By what stands in the code, what it needs of the standard library.
_STANDARD = {
    "base64.": "import base64",
    "json.dumps(body)": "import json",
    "os.environ": "import os",
    ").read_bytes()": "from pathlib import Path",
}


def layout(imported: str, media: MediaFiles, lines: Iterable[str]) -> str:
    """Return the code: `imported` is the client's line, those of the standard library are found."""
    body = "\n".join([*media.lines, *lines])
    standard = "\n".join(line for part, line in _STANDARD.items() if part in body)
    return "\n\n".join(block for block in (standard, imported, body) if block) + "\n"


def client_line(kind: str, options: Mapping[str, Any], key: str) -> str:
    """Return the line that makes a client; where it finds its key by itself, that is said."""
    made = f"client = {call(kind, options, before=9)}"
    if "api_key" in options:
        return made
    said = f"# its key: {key}"
    is_short = "\n" not in made and len(made) + len(said) + 2 <= WIDTH
    return f"{made}  {said}" if is_short else f"{said}\n{made}"
