"""A form as clients send files: its fields as a body."""

from __future__ import annotations

import re

from aimon_nb.testing.dialect import Body

_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_NAME = re.compile(rb'\bname="([^"]*)"')


def fields(content_type: str, raw: bytes) -> Body:
    """Return the fields of a form by name; of a file `{"bytes": how many}`.

    Raises:
        ValueError: it has no boundary, or a part without a name.

    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise ValueError("a form without a boundary")
    body: Body = {}
    for part in raw.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            raise ValueError("a part without a name")
        value = value.removesuffix(b"\r\n")
        is_file = b"filename=" in head
        body[name[1].decode()] = {"bytes": len(value)} if is_file else _value(value)
    return body


def _value(value: bytes) -> str | bool:
    text = value.decode("utf-8", "replace")
    return text == "true" if text in {"true", "false"} else text
