"""The parts of a message: its text, and the images, sounds and files in it."""

from __future__ import annotations

from typing import Any

from aimon_nb.model.call import Media
from aimon_nb.model.text import size_text
from aimon_nb.wire.dialects.json_values import dict_of, dicts_of, text_of
from aimon_nb.wire.dialects.media_parts import find_media, media_of

_LONGEST_PLACE = 500  # characters of a URL or an id


def text_of_content(content: Any, media: list[Media] | None = None) -> str:
    """Return the text of a message: parts without one show what they are, `[image png, 34 kB]`.

    Images, sounds and files are added to `media`.
    """
    if not isinstance(content, list):
        return text_of(content)
    found = media if media is not None else []
    return "\n".join(
        part if isinstance(part, str) else text_of_part(dict_of(part), found) for part in content
    )


def text_of_part(part: dict[str, Any], media: list[Media], *, deeper: bool = True) -> str:
    """Return the text of one part, or in brackets what it is; what it has goes to `media`."""
    inner = part.get("content")
    told = next((one for one in (part.get("text"), inner) if isinstance(one, str)), None)
    if told is not None:
        return told
    if isinstance(inner, list):
        # The result of a tool; no deeper than this, for it may be nested without end.
        parts = dicts_of(inner) if deeper else []
        return "\n".join(text_of_part(one, media, deeper=False) for one in parts)
    return _medium(part, media)


def label_of(media: Media) -> str:
    """Return what stands in a text for an image, a sound or a file: `[image png, 34 kB]`."""
    form = media.type.partition("/")[2].partition("+")[0]
    return f"[{media.kind} {media.name or form}, {size_text(media.size)}]"


def _medium(part: dict[str, Any], media: list[Media]) -> str:
    kind = text_of(part.get("type")) or next(iter(part), "part")
    found = find_media(part)
    if found.text:
        return found.text
    if found.place and not found.data:
        word = next((one for one in ("image", "audio") if one in kind), "file")
        return f"[{word} {found.place[:_LONGEST_PLACE]}]"
    made = media_of(found.data, found.type, found.name, found.detail)
    if made is None:
        return f"[{kind}]"
    media.append(made)
    return label_of(made)
