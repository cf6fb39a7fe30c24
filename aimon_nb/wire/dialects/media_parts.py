"""Images, sounds and files in the parts of a message.

APIs differ in where a part has its data; the forms that they use are read by their shape,
whichever API uses them. What is somewhere else (a URL, the id of a file) is never fetched.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from aimon_nb.model.call import Media, MediaKind
from aimon_nb.wire.dialects.json_values import dict_of, text_of

_LONGEST_NAME = 200
_LONGEST_DETAIL = 20
_UNKNOWN = "application/octet-stream"
_MIME = re.compile(r"[a-z]{1,20}/[\w.+-]{1,80}")
# Images that are pixels: others are documents, which may hold scripts.
_PIXELS = frozenset({"png", "jpeg", "jpg", "gif", "webp", "bmp", "avif", "heic", "heif", "tiff"})
# By their first bytes, where nobody says what they are.
_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF", "application/pdf"),
    (b"<svg", "image/svg+xml"),
)


class Found(NamedTuple):
    """Where a part has its data, as base64, or else where that is; what is known of it.

    `text` is a document that is one.
    """

    data: str = ""
    place: str = ""
    type: str = ""
    name: str = ""
    detail: str = ""
    text: str = ""


def find_media(part: dict[str, Any]) -> Found:
    """Return what a part has beside text, in whichever API's form; nothing for one without."""
    for name, read in _WAYS:
        if part.get(name):
            return read(name, part[name], part)
    return Found()


def media_of(encoded: str, mime: str = "", name: str = "", detail: str = "") -> Media | None:
    """Return what base64 stands for; None for what is none."""
    data = _decoded(encoded)
    return made_of(data, mime, name, detail) if data else None


def made_of(data: bytes, mime: str = "", name: str = "", detail: str = "") -> Media:
    """Return what these bytes are, by their type or, where that is none, by their beginning."""
    mime = mime.lower()
    if not _MIME.fullmatch(mime):
        mime = _sniffed(data)
    return Media(_kind(mime), mime, len(data), name[:_LONGEST_NAME], detail[:_LONGEST_DETAIL], data)


def _kind(mime: str) -> MediaKind:
    family, _, form = mime.partition("/")
    if family == "audio":
        return "audio"
    return "image" if family == "image" and form in _PIXELS else "file"


def _sniffed(data: bytes) -> str:
    if data.startswith(b"RIFF"):
        return "image/webp" if data[8:12] == b"WEBP" else "audio/wav"
    return next((mime for start, mime in _MAGIC if data.startswith(start)), _UNKNOWN)


def _decoded(encoded: str) -> bytes:
    # Some break it into lines.
    text = "".join(encoded.split()) if "\n" in encoded[:200] else encoded
    altchars = b"-_" if "-" in text or "_" in text else None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _of_url(_: str, value: Any, part: dict[str, Any]) -> Found:
    """OpenAI's, Mistral's, Cohere's: a URL, alone or with how closely the model is to look."""
    told = dict_of(value)
    url = text_of(value) or text_of(told.get("url"))
    detail = text_of(told.get("detail")) or text_of(part.get("detail"))
    name = text_of(part.get("filename")) or text_of(part.get("document_name"))
    return _of_data_url(url)._replace(name=name, detail=detail)


def _of_data_url(url: str) -> Found:
    if not url.startswith("data:"):
        return Found(place=url)
    head, _, data = url[5:].partition(",")
    mime, *rest = head.split(";")
    if "base64" not in rest:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return Found(data, type=mime)


def _of_sound(_: str, value: Any, __: dict[str, Any]) -> Found:
    """OpenAI's sound, base64 and its format, and Mistral's, base64 alone."""
    told = dict_of(value)
    form = text_of(told.get("format")) or "wav"
    return Found(text_of(value) or text_of(told.get("data")), type=f"audio/{form}")


def _of_plain(_: str, value: Any, part: dict[str, Any]) -> Found:
    """Gemini's and its interactions': base64 and its type side by side, or where the file is."""
    told = dict_of(value) or part
    mime = text_of(told.get("mimeType")) or text_of(told.get("mime_type"))
    name = text_of(told.get("displayName")) or text_of(told.get("display_name"))
    return Found(text_of(told.get("data")), text_of(told.get("uri")), mime, name)


def _of_file(_: str, value: Any, part: dict[str, Any]) -> Found:
    """OpenAI's files, by their data or their id, and Gemini's by their place."""
    told = dict_of(value) or part
    places = (told.get(name) for name in ("file_id", "fileUri", "file_uri"))
    data = text_of(told.get("file_data"))
    found = _of_data_url(data) if data.startswith("data:") else Found(data)
    place = next((one for one in places if isinstance(one, str)), "")
    return found._replace(name=text_of(told.get("filename")), place=place)


def _of_block(kind: str, value: Any, _: dict[str, Any]) -> Found:
    """Bedrock's, of Converse and of Nova: a format, and a source of bytes, a place or a text."""
    told = dict_of(value)
    source, form = dict_of(told.get("source")), text_of(told.get("format"))
    family = "application" if kind == "document" else kind
    place = text_of(dict_of(source.get("s3Location")).get("uri"))
    name, text = text_of(told.get("name")), text_of(source.get("text"))
    return Found(text_of(source.get("bytes")), place, f"{family}/{form}", name, text=text)


def _of_source(_: str, value: Any, part: dict[str, Any]) -> Found:
    """Anthropic's: base64, a URL, the id of a file, or a text."""
    source = dict_of(value)
    data, name = text_of(source.get("data")), text_of(part.get("title"))
    if source.get("type") == "text":
        return Found(name=name, text=data)
    place = text_of(source.get("url")) or text_of(source.get("file_id"))
    return Found(data, place, text_of(source.get("media_type")), name)


Read = Callable[[str, Any, dict[str, Any]], Found]
# By the name under which a part has it; the first that is there.
_WAYS: tuple[tuple[str, Read], ...] = (
    *((name, _of_url) for name in ("image_url", "video_url", "audio_url", "document_url")),
    *(("file_url", _of_url), ("input_audio", _of_sound)),
    *(("inlineData", _of_plain), ("inline_data", _of_plain)),
    *((name, _of_file) for name in ("file", "fileData", "file_data", "file_id")),
    *((name, _of_block) for name in ("image", "document", "audio", "video")),
    *(("source", _of_source), ("data", _of_plain), ("uri", _of_plain)),
)
