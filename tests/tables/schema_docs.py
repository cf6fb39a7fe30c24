"""Writes docs/schema.json and the list of columns in docs/schema.md: `python -m tests.tables.schema_docs`."""

import json
import re

from aimon_nb.views.schema import json_schema
from aimon_nb.views.tables.columns import CONTENT_TABLE, SPAN_TABLE
from tests.parts.places import ROOT

JSON, PAGE = ROOT / "docs/schema.json", ROOT / "docs/schema.md"
LIST = re.compile(
    r"(?<=^\| Column \| dtype \| Meaning \|\n\|---\|---\|---\|\n)(\|.*\n)*", re.MULTILINE
)


def columns():
    """The rows of the page's list."""
    return "".join(
        f"| `{one.name}` | `{one.dtype}` | {one.meaning} |\n"
        for one in (*SPAN_TABLE, *CONTENT_TABLE)
    )


def files():
    """Path → what should stand there."""
    return {
        JSON: json.dumps(json_schema(), indent=1) + "\n",
        PAGE: LIST.sub(lambda _: columns(), PAGE.read_text("utf-8"), count=1),
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
