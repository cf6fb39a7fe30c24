"""The quickstart is saved with its outputs, as somebody who opens it on GitHub reads it."""

import json
import re

import pytest

from tests.notebook.save_quickstart import PATH

NOTEBOOK = json.loads(PATH.read_text("utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
TRACKED = [cell for cell in CELLS if "".join(cell["source"]).startswith("%%ai_track")]


def shown(cell, mime):
    return ["".join(output["data"][mime]) for output in cell["outputs"] if mime in output.get("data", {})]


def test_it_ran_from_top_to_bottom():
    """Every cell ran, in order, in one kernel."""
    assert list(range(1, len(CELLS) + 1)) == [cell["execution_count"] for cell in CELLS]


@pytest.mark.parametrize("cell", TRACKED, ids=lambda cell: cell["id"])
def test_each_tracked_cell_shows_its_tree(cell):
    """Below each tracked cell stands its tree, as text and as HTML, with its calls, and no widget."""
    words = "".join(cell["source"]).split("\n")[0].split(maxsplit=1)[1].split(" --")[0]
    for mime in ("text/plain", "text/html"):
        [tree] = [said for said in shown(cell, mime) if " call" in said]
        assert words in tree and "gpt-" in tree
    assert not any("widget" in mime for output in cell["outputs"] for mime in output.get("data", {}))


def test_it_holds_nothing_of_the_machine():
    """No folder, no widget's state, no moment of a cell's execution is in the file, and no key or prompt in an output."""
    outputs = json.dumps([cell["outputs"] for cell in CELLS])
    assert "widgets" not in NOTEBOOK["metadata"]
    assert not any("execution" in cell["metadata"] for cell in CELLS)
    assert not re.search(r"/(home|work|tmp|root|Users)/|site-packages", outputs)
    assert "You are a careful teacher" not in outputs and "api_key" not in outputs
