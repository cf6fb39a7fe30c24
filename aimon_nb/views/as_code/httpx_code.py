"""Any request by httpx: what has no client's form of its own, or what its client cannot send."""

from __future__ import annotations

from typing import Any

from aimon_nb.views.as_code.keys import key_header
from aimon_nb.views.as_code.layout import layout
from aimon_nb.views.as_code.literal import Expression, call, literal
from aimon_nb.views.as_code.media import MediaFiles
from aimon_nb.views.as_code.request import Request

_TIMEOUT = 600  # seconds; httpx has five
_JSON = {"Content-Type": "application/json"}
_LONG = 20_000  # bytes of a body that is no JSON
_READ = 'body = Path("body.bin").read_bytes()'


def post(request: Request) -> str:
    """Return a POST as code."""
    media = MediaFiles()
    lines: list[str] = []
    arguments: dict[str, Any] = {}
    headers = {**request.headers, **key_header(request)}
    if request.content is None:
        # Nothing is known of it but its bytes.
        arguments["content"] = _bytes_of(request.body, lines)
    elif request.is_plain:
        arguments["json"] = media.taken_out(request.content)
    else:
        # Python's own JSON: httpx refuses NaN, and half of a pair of surrogates.
        lines += [f"body = {literal(request.content, before=7)}", ""]
        arguments["content"] = Expression("json.dumps(body)")
        headers = {**_JSON, **headers}
    if headers:
        arguments = {"headers": headers, **arguments}
    arguments["timeout"] = _TIMEOUT
    if request.is_stream:
        opened = call("httpx.stream", arguments, "POST", request.url, before=5)
        lines += [f"with {opened} as response:", "    for line in response.iter_lines():"]
        lines.append("        print(line)")
    else:
        made = call("httpx.post", arguments, request.url, before=11)
        lines += [f"response = {made}", "print(response.text)"]
    return layout("import httpx", media, lines)


def _bytes_of(body: bytes, lines: list[str]) -> Expression:
    """Return the source of a body's bytes: as a text where they are one, many from a file."""
    if len(body) > _LONG:
        lines += [f"# the {len(body):,} bytes that were sent: put them there", _READ, ""]
        return Expression("body")
    try:
        return Expression(f"{literal(body.decode(), 4, 12, 10)}.encode()")
    except UnicodeDecodeError:
        return Expression(repr(body))
