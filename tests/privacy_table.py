"""What is where, as data: `tests/test_privacy.py` tries each cell, and `docs/privacy.md` shows it.

`python -m tests.privacy_table` writes the table of the page anew.
"""

from tests.parts.places import ROOT

PAGE = ROOT / "docs" / "privacy.md"
BEGIN, END = "<!-- written by python -m tests.privacy_table -->\n", "<!-- to here -->\n"

PLACES = (
    "live view", "saved notebook", "saved with `--save full`", "widget state", "DataFrames", "csv, parquet", "json, jsonl", "html",
    "any of these with `content`", "`code()`, `diff()`", "spans at Sentry", "error event at Sentry", "stdout, stderr, log", "`to_dict()` (history)",
    "`to_dict(content=True)`",
)  # fmt: skip

# By kind of content a letter a place: y, it is there; n, it is not; a number is the footnote of a y or n.
ROWS = {
    "prompts": "y n y n n n n n y y n n n n y",
    "answers": "y n y n n n n n y y n n n n y",
    "tools' arguments, results": "y n y n n n n n y y n n n n y",
    "arguments, results of steps": "y n y n n n n n y n n n n n y",
    "secrets in them": "n n n n n n n n n n n n n n n",
    "content in attributes": "y n y n n n n n y n y1 n n n y",
    "other attributes": "y n y n n n n n n n y1 n n y y",
    "tags": "y n y n y y y n y n y y n y y",
    "data": "y n y n n n n n n n y n n y y",
    "parameters of a request": "y n y n y y y n y y n n n y y",
    "names of tools offered": "y n y n n n n n n y n n n y y",
    "descriptions, schemas of tools and answers": "y n y n n n n n n y n n n n y",
    "images, sound, files": "y n n n n n n n n y n n n n n",
    "what crossed the wire": "y n n n n n n n n n n n n n n",
    "id of a request": "y n y n n n n n n n n n n y y",
    "names of runs, spans, pipelines": "y y y y y y y y y n y y n y y",
    "name of a model": "y y y y y y y y y y y n n y y",
    "error message": "y2 y2 y2 y2 y2 y2 y2 y2 y2 n6 n y2 n y2 y",
    "prompt that an error quotes": "y n y n n n n n n n n n n n y",
    "text keys of items": "y n n n y y y n y n n n n n y",
    "function that asked": "y y y y y y y y y n y n n y y",
    "function of a frame": "y n y n n n n n n n n y n y y",
    "file of a frame": "y n y n n n n n n n n y n y y",
    "folder of a frame": "n n n n n n n n n n n y n y y",
    "line of source": "y n y n n n n n n n n n n n n",
    "local variables": "n n n n n n n n n n n n n n n",
    "texts of breadcrumbs": "n n n n n n n n n n n n n n n",
    "headers, keys, cookies": "n n n n n n n n n n n n n n n",
    "query and user of a URL": "n n n n n n n n n n n n n n n",
    "host": "y n y n n n n n n n5 n3 n n y y",
    "token counts": "y y y y y y y y y y y n n y y",
    "cost": "y y y y y y y y y y y4 n n y y",
}  # fmt: skip
_NOTES = "¹²³⁴⁵⁶⁷⁸⁹"


def cells():
    """(kind, place): `yes` or `no`."""
    return {(kind, place): "yes" if cell[0] == "y" else "no" for kind, row in ROWS.items() for place, cell in zip(PLACES, row.split(), strict=True)}


def table():
    """The table in Markdown."""
    lines = [["", *PLACES], ["---"] * (len(PLACES) + 1)]
    lines += [[kind, *map(_shown, row.split())] for kind, row in ROWS.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("|  |", "| |").replace(" --- ", "---")


def _shown(cell):
    word = "**yes**" if cell[0] == "y" else "no"
    return word + (_NOTES[int(cell[1:]) - 1] if cell[1:] else "")


def written(page):
    """The page with the table as it is here."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
