"""The notebooks are saved with their outputs, as somebody who opens them on GitHub reads them."""

import ast
import json
import re

import pytest

from tests.notebook.save import PATHS

NOTEBOOKS = {name: json.loads(path.read_text("utf-8")) for name, path in PATHS.items()}
CODE = {name: [cell for cell in notebook["cells"] if cell["cell_type"] == "code"] for name, notebook in NOTEBOOKS.items()}
TRACKED = [
    pytest.param(cell, id=f"{name}-{cell['id']}") for name, cells in CODE.items() for cell in cells if "".join(cell["source"]).startswith("%%ai_track")
]


def shown(cell, mime):
    return ["".join(output["data"][mime]) for output in cell["outputs"] if mime in output.get("data", {})]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_ran_from_top_to_bottom(name):
    """Every cell ran, in order, in one kernel."""
    assert list(range(1, len(CODE[name]) + 1)) == [cell["execution_count"] for cell in CODE[name]]


@pytest.mark.parametrize("cell", TRACKED)
def test_each_tracked_cell_shows_its_tree(cell):
    """Below each tracked cell stands its tree, as text and as HTML, with its calls, and no widget."""
    words = "".join(cell["source"]).split("\n")[0].split(maxsplit=1)[1].split(" --")[0]
    for mime in ("text/plain", "text/html"):
        [tree] = [said for said in shown(cell, mime) if " call" in said]
        assert words in tree and re.search("gpt-|no-such-model", tree)
    assert not any("widget" in mime for output in cell["outputs"] for mime in output.get("data", {}))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_holds_nothing_of_the_machine(name):
    """No folder, no widget's state, no moment of a cell's execution is in the file, and no key or prompt in an output."""
    outputs = json.dumps([cell["outputs"] for cell in CODE[name]])
    assert "widgets" not in NOTEBOOKS[name]["metadata"]
    assert not any("execution" in cell["metadata"] for cell in CODE[name])
    assert not re.search(r"/(home|work|tmp|root|Users)/|site-packages", outputs)
    for secret in ("You are a careful teacher", "Why is the tide in some bays", "Write to Ms", "api_key", "sk-not-a-real-key"):
        assert secret not in outputs


def test_what_arrived():
    """The notebook on Sentry shows the tree, tags and data, what a call says, an error and its line; that no content is there, the code without its prompt and the name without its person."""
    said = {cell["id"]: "".join("".join(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]) for cell in CODE["sentry"]}
    assert said["try"].startswith("it arrived: ") and "  gen_ai.invoke_agent    teacher\n    gen_ai.chat          chat gpt-4o-mini" in said["arrived"]
    assert "{'team': 'school'}" in said["of_root"] and "'questions': 1" in said["of_root"] and "'gen_ai.usage.output_tokens': " in said["of_call"]
    assert [False] * 4 + [True] == list(ast.literal_eval(said["looked_for"]).values())
    assert "NotFoundError: Error code: 404" in said["of_event"] and "line 2 of the cell" in said["of_event"]
    assert re.search(r"sent +3 transactions, 6 spans, 1 error", said["said"])
    assert "prompt = '…'\nanswer = ask(prompt)" in said["source_there"] and "'letter to Ms N. N.'" in said["renamed"]
