"""`--save none|summary|tree|full`: how much of a run the saved notebook keeps."""

import json
import re

import pytest
from tests.views.samples import EACH, SECRET, agentic, chat, failed, hostile, many, make_run, end

from aimon_nb.views.live import mimebundle, saved_full
from aimon_nb.views.present import rows
from aimon_nb.views.static import html

SAVES = ("none", "summary", "tree", "full")


def kept(run, save, mount_id="m1"):
    run.options["save"] = save
    return mimebundle.final(run, mount_id)


def read(markup):
    """What a reader sees where scripts do not run."""
    plain = re.sub(r"<script>.*?</script>", "", markup, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", plain).split())


def held(markup):
    """The data in the script of the whole form."""
    text = re.search(r"const saved = (\{.*\}), places = ", markup)[1]
    return json.loads(text)


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("save", SAVES)
def test_prompts_are_in_one_form_only(name, save):
    """No prompt, answer or tool argument is kept but with `full`, and there in the script alone."""
    said = kept(EACH[name](), save)
    assert SECRET not in said["text/plain"] + read(said["text/html"])
    if save != "full":
        assert SECRET not in said["text/html"]
        assert len(re.findall(r"<script>.*?</script>", said["text/html"])[0].encode()) <= 300


def test_full_is_marked():
    """An output that holds prompts says so, where it is read and in the view, while the cell runs too; no other says it, nor a page without its script."""
    mark = "the notebook's file holds this run's prompts and answers"
    said = kept(agentic(), "full")
    assert mark in read(said["text/html"]) and mark in str(held(said["text/html"])["snapshot"]["header"]["notes"])
    running = agentic(running=True)
    running.options["save"] = "full"
    assert mark in str(rows.header(running)["notes"])
    assert mark not in str(kept(agentic(), "tree")) + str(kept(agentic(), "full", None)) + html.static(running) + str(rows.header(agentic()))


def test_none_keeps_nothing_to_read():
    """`none` leaves no word and no number of the run: the place alone, for the page that has it."""
    said = kept(agentic(), "none")
    assert "" == said["text/plain"] == read(said["text/html"])
    assert len(said["text/html"]) < 400
    assert "summarise" not in str(said)
    assert {"text/plain": ""} == kept(agentic(), "none", None)


def test_none_in_the_middle_of_a_run():
    """Nor is there a word in a file that is saved while the cell runs."""
    run = agentic(running=True)
    run.options["save"] = "none"

    class Widget:
        model_id = "abc"

    for said in (mimebundle.live(run, Widget()), mimebundle.redraw(run, "m1")):
        assert "" == said["text/plain"] == read(said["text/html"])


def test_summary_is_one_line():
    """`summary` keeps the header's line, and what a failed run failed with."""
    said = kept(agentic(), "summary")
    assert 1 == len(said["text/plain"].splitlines())
    for form in (said["text/plain"], read(said["text/html"])):
        for words in ("✓ ok", "summarise", "5.30 s", "6 calls", "12,655 → 1,514 tokens", "≥ $0.0244"):
            assert words in form
        assert "retrieve" not in form
    said = kept(failed(), "summary")
    for form in (said["text/plain"], read(said["text/html"])):
        assert "✕ error" in form and "ModelTimeoutError: no answer in 0.6 s" in form


def test_tree_is_what_is_kept_where_nothing_was_said():
    """`tree` is the default."""
    assert mimebundle.final(agentic(), "m1") == kept(agentic(), "tree")


def test_full_holds_the_view():
    """`full` keeps the tree to read, and the renderer with every row and detail in its script."""
    said = kept(agentic(), "full")
    tree = kept(agentic(), "tree")
    assert read(said["text/html"]).startswith(read(tree["text/html"]))
    assert tree["text/plain"] == said["text/plain"]
    data = held(said["text/html"])
    assert {"r", "e", "a", "c1", "t", "c2", "c3", "c4", "c5"} == {row[0] for row in data["snapshot"]["rows"]} == set(data["items"])
    assert SECRET in json.dumps(data["items"])
    assert not re.search(r"https?://\w", (data["esm"] + data["css"]).replace("http://www.w3.org/", ""))
    assert 1 == said["text/html"].count("</script>")


def test_full_is_bounded():
    """`full` stays within its bounds, cuts long texts aloud, and says how many prompts it left out."""
    run = make_run()
    for i in range(200):
        chat(run, f"c{i}", prompt="x" * 100_000 + str(i), answer="y" * 15_000)
    said = kept(end(run, "ok", 1.0), "full")
    assert len(said["text/html"]) < saved_full.ROWS_LIMIT + saved_full.DETAILS_LIMIT + 300_000
    data = held(said["text/html"])
    first = data["items"]["c0"]["messages"]
    assert any("more characters are not kept" in turn["text"] for turn in first)
    left = 200 - len(data["items"])
    assert 0 < left < 200
    assert f"{left} prompts not in this file: over 2,000,000 bytes" in data["snapshot"]["header"]["notes"]


def test_full_of_twenty_thousand():
    """A run of 20,000 spans is kept within bounds, and the view counts the rows it left out."""
    said = kept(many(20_000), "full")
    assert len(said["text/html"]) < 3_600_000
    data = held(said["text/html"])
    assert data["snapshot"]["cut"] and 20_000 == len(data["snapshot"]["rows"]) + data["snapshot"]["cut"]


def test_full_holds_hostile_text_as_text():
    """What a model wrote cannot end the script it is kept in."""
    said = kept(hostile(), "full")
    assert 1 == said["text/html"].count("<script") == said["text/html"].count("</script")
    said["text/html"].encode("utf-8")
