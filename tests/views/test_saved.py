import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from tests.views.samples import EACH, HOSTILE, SECRET, add, agentic, chat, empty, end, failed, hostile, loop_of, make_run, many, priced

from aimon_nb.model import Usage
from aimon_nb.views.live import mimebundle
from aimon_nb.views.static import html, text
from aimon_nb.views.tables import frames
from aimon_nb.views.tables.usage_table import UsageTable


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are balanced."""

    def __init__(self):
        super().__init__()
        self.stack, self.tags, self.attributes, self.said = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "br":
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.stack.pop()

    def handle_data(self, data):
        self.said.append(data)


def read(markup):
    reader = Reader()
    reader.feed(markup)
    assert [] == reader.stack
    return reader


def words_of(run):
    return " ".join(" ".join(read(html.static(run, None)).said).split())


def test_what_is_said_of_a_usage_is_never_cut():
    """Where a call's tokens come from has a line below its row, however long the model's name is; alike rows share one."""
    said, long_name = "tokens from the answer's usage alone", "databricks-meta-llama-3-3-70b-instruct-and-more"
    for many_of_them in (1, 600):
        run = make_run()
        for i in range(many_of_them):
            chat(run, f"c{i}", model=long_name, offset=i / 10, usage=Usage(10, None, None, 2)).call.from_usage_alone = True
        end(run, "ok", 60)
        tree, page = text.tree(run), words_of(run)
        assert (tree.count(said), page.count(said)) == (1, 1)
        assert long_name in tree and long_name in page
        assert all(len(line) <= 100 for line in tree.splitlines())


@pytest.mark.parametrize("name", EACH)
def test_only_plain_elements(name):
    """The saved form stands on elements that sanitisers keep, without colours of its own."""
    markup = html.static(EACH[name](), None)
    reader = read(markup)
    assert set(reader.tags) <= {"div", "details", "summary", "b", "small", "samp", "br"}
    assert {name for name, _ in reader.attributes} <= {"style", "open", "class"}
    assert {html.NO_FORMULAS} == {value for name, value in reader.attributes if name == "class"}
    assert "var(" not in markup
    assert not re.search(r"[;\"]color:", markup)


def test_the_error_of_the_cell_itself():
    """What the cell failed with outside of any row stands below the header, in every form; else the row says it."""
    run = agentic()
    run.status, run.error_type, run.error = "error", "ZeroDivisionError", "division by zero"
    for said in (html.static(run), html.summary(run), text.tree(run), text.summary(run)):
        assert 1 == said.count("ZeroDivisionError: division by zero")
    for said in (html.static(failed()), text.tree(failed())):
        assert 1 == said.count("ModelTimeoutError: no answer in 0.6 s")


@pytest.mark.parametrize("name", EACH)
def test_no_content_is_saved(name):
    """Neither html nor text holds a prompt, an answer or a tool argument."""
    kept = mimebundle.final(EACH[name](), "m1")
    assert SECRET not in str(kept)
    assert {"text/html", "text/plain"} == set(kept)


def test_hostile_text_is_escaped():
    """Hostile text in every field stays text: no tag, no script, no direction change."""
    reader = read(html.static(hostile(), None))
    assert "img" not in reader.tags
    assert "script" not in reader.tags
    whole = mimebundle.final(hostile(), "m1")["text/html"]
    assert 1 == whole.count("</script>")
    assert "\u202e" not in whole + text.tree(hostile())
    assert "\x1b" not in whole + text.tree(hostile())
    whole.encode("utf-8")
    text.tree(hostile()).encode("utf-8")
    assert HOSTILE[:20] in text.tree(hostile())


def test_tree_reads_in_order():
    """Without any style, header and rows read in the order of the tree."""
    said = words_of(agentic())
    places = [said.index(w) for w in ("✓ ok", "summarise", "retrieve", "text-embedding-3-small", "answer", "search_docs", "my-local-model")]
    assert sorted(places) == places
    for number in ("5.30 s", "12,655 → 1,514 tokens", "72 % cached", "≥ $0.0244", "1 unpriced", "11,020 → 804", "unpriced"):
        assert number in said


def test_error_is_said_once_in_words():
    """An error stands in words, once, where it happened, and the tree is open there."""
    assert 1 == words_of(failed()).count("ModelTimeoutError")
    assert 1 == text.tree(failed()).count("ModelTimeoutError")
    assert "<details open>" in html.static(failed(), None)
    assert "✕ error" in words_of(failed())


def test_open_where_it_failed_only():
    """In a tree with a failure, branches without one stay closed."""
    run = make_run()
    for i in range(3):
        add(run, f"s{i}", name=f"step{i}", status="error" if i == 1 else "ok")
        chat(run, f"c{i}", f"s{i}", status="error" if i == 1 else "ok", error="boom" if i == 1 else None)
    markup = html.static(end(run, "error", 1.0), None)
    assert (1, 3) == (markup.count("<details open>"), markup.count("<details"))


def test_a_retried_call_is_no_failure():
    """A call that was retried says so and opens nothing."""
    assert "429, retried" in words_of(agentic())
    assert "slow down" not in words_of(agentic())


def test_small_trees_are_open():
    """A small tree without failures is open to the second level."""
    run = make_run()
    for child, parent in (("a", "root"), ("b", "a"), ("c", "b"), ("d", "c")):
        add(run, child, parent, name=child)
    assert 2 == html.static(end(run, "ok", 1.0), None).count("<details open>")


def test_empty_run():
    """A run without rows says why, in both forms."""
    assert "no model call crossed an HTTP client" in words_of(empty())
    assert 1 == words_of(empty()).count("no model call crossed")
    assert "no model call crossed" in text.tree(empty())


def test_notes():
    """Notes are kept in both forms."""
    run = agentic()
    run.notes.append("a cap was reached")
    assert "note: a cap was reached" in words_of(run)
    assert "note: a cap was reached" in text.tree(run)


def test_size_of_200_rows():
    """200 rows take at most 40 KB."""
    assert len(mimebundle.final(many(200), "m1")["text/html"].encode()) <= 40_000


def test_500_rows_are_complete():
    """Up to 500 rows each span has a row of its own: nothing is grouped, nothing cut."""
    assert 501 == html.static(loop_of(500)).count("<samp")
    assert "×" not in words_of(loop_of(500)) + text.tree(loop_of(500))


def test_a_longer_tree_is_grouped():
    """Beyond 500 rows identical siblings are one line: how many, their sums, p50, p95 and max."""
    for said in (words_of(loop_of(600)), text.tree(loop_of(600))):
        assert 1 == said.count("× 600")
        assert "each p50 0.50 s · p95 0.95 s · max 1.00 s" in said
        assert "6,000 → 1,200" in said and "$0.6000" in said
        assert "more:" not in said


def test_a_group_holds_only_what_went_well():
    """A failed call stands for itself between two groups."""
    run = loop_of(300)
    chat(run, "bad", status="error", error_type="ServerError", error="boom", prompt="another")
    for span in loop_of(299).spans.values():
        span.span_id = f"later {span.span_id}"
        run.spans[span.span_id] = span
    for said in (words_of(run), text.tree(run)):
        assert "× 300" in said and "× 299" in said and 1 == said.count("boom")


def test_groups_of_steps():
    """Steps with the same work below them are one line too; calls inside count in its sums."""
    run = make_run()
    for i in range(200):
        add(run, f"s{i}", name="answer", offset=i, duration=0.5)
        for j in range(6):
            chat(run, f"c{i}-{j}", f"s{i}", offset=i + j / 10, duration=0.1, usage=Usage(10), cost=priced("0.001"))
    chat(run, "bad", "s100", status="error", error="boom", offset=100.7)
    said = text.tree(end(run, "error", 200.0))
    assert [n in said for n in ("× 100", "× 99", "× 6")] == [True] * 3
    assert "$0.6000" in said and "$0.5940" in said
    assert 1 == said.count("boom")


def test_beyond_500_rows():
    """What is too much even in groups is counted, and every error of it is listed."""
    run = many(20_000)
    said, plain = words_of(run), text.tree(run)
    left = int(re.search(r"([\d,]+) more: %ai_spans", said)[1].replace(",", ""))
    assert f"{left:,} more: %ai_spans" in plain
    assert 15_000 < left < 19_500
    for i in range(5, 20_000, 97):
        if i % 8:
            assert f"500 at {i} " in said + " ", i
            assert f"500 at {i}\n" in plain + "\n", i


def test_the_same_error_a_thousand_times():
    """Equal errors beyond the limit are one line with their number."""
    run = make_run()
    for i in range(2_000):
        chat(run, f"c{i}", status="error", error_type="RateLimitError", error="slow down", prompt=f"{i}")
    said = text.tree(end(run, "error", 1.0))
    assert "1,500 more: %ai_spans; what failed among them:" in said
    assert "× 1,500" in said
    assert 501 == said.count("slow down")


def test_the_grouped_form_is_small():
    """A run of 20,000 calls in a loop takes 3 KB."""
    assert len(html.static(loop_of(20_000), "m").encode()) < 3_000


def test_a_deep_chain():
    """A thousand spans, each below the other, end in no RecursionError."""
    run = make_run()
    for i in range(1_000):
        add(run, f"s{i}", f"s{i - 1}" if i else "root")
    html.static(end(run, "ok", 1), None)
    text.tree(run)


def test_mount_script():
    """The script is at most 300 bytes and names the run and the element, safely."""
    run = agentic()
    markup = mimebundle.final(run, "aimon-1")["text/html"]
    script = re.search(r"<script>.*</script>", markup)[0]
    assert len(script.encode()) <= 300
    assert '"01JRUN"' in script
    assert 'id="aimon-1"' in markup
    assert 'class="aimon-host ' in markup
    run.run_id = "</script><b>"
    assert "</script><b>" not in html.mount_script(run, "m")


def test_no_script_without_mount():
    """Without a mount id there is no script and no id."""
    assert "script" not in mimebundle.final(agentic())["text/html"]


def test_text_is_aligned():
    """Columns of the plain text line up within 100 characters."""
    lines = text.tree(agentic()).split("\n")[1:]
    rows = [one for one in lines if re.search(r"\d s", one)]
    assert 1 == len({re.search(r"\d s\b", one).end() for one in rows})
    assert all(len(one) <= 100 for one in lines)


def test_text_aligns_wide_characters():
    """East Asian names take two columns each."""
    run = make_run()
    add(run, "a", name="検索する", duration=0.5)
    add(run, "b", name="plain", duration=0.5)
    a, b = text.tree(end(run, "ok", 1.0)).split("\n")[2:4]
    assert len(a) + 4 == len(b)


def test_ascii_text():
    """The ascii form is ascii, whatever the names are."""
    run = agentic()
    run.name = "Zürich"
    text.tree(run, ascii_only=True).encode("ascii")


def test_live_bundle():
    """While a cell runs the bundle has the widget and words that name the run and its start."""

    class Widget:
        model_id = "abc"

    told = mimebundle.live(agentic(running=True), Widget())
    assert "abc" == told["application/vnd.jupyter.widget-view+json"]["model_id"]
    for form in ("text/html", "text/plain"):
        assert "summarise" in told[form]
        assert "2026-03-04 10:20:30 UTC" in told[form]
        assert "kernel died" in told[form]


def test_again_bundle():
    """After a cleared output the live view is mounted again, waiting if the clear waits."""
    told = mimebundle.redraw(agentic(running=True), "m2", wait=True)
    assert ",{wait:1}]" in told["text/html"]
    assert "application/vnd.jupyter.widget-view+json" not in told


@pytest.mark.kernel
def test_light_imports():
    """Words, rows, html, text and bundle import neither anywidget nor pandas."""
    code = (
        "import sys, aimon_nb.views.present.formatting, aimon_nb.views.present.rows, aimon_nb.views.static.html, aimon_nb.views.static.text,"
        " aimon_nb.views.live.mimebundle; assert not {'anywidget', 'pandas', 'ipywidgets', 'IPython'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sums_of_steps():
    """A step shows the sum of its calls, a lower bound when one has no price."""
    run = make_run()
    add(run, "s", name="step")
    chat(run, "c1", "s", cost=priced("0.5"))
    chat(run, "c2", "s", cost=priced("0.25"))
    assert "$0.7500" in text.tree(end(run, "ok", 1.0))
    chat(run, "c3", "s")
    assert "≥ $0.7500" in text.tree(run)


@pytest.mark.parametrize("markup", [
    lambda run: html.static(run), lambda run: html.summary(run),
    lambda run: mimebundle.final(run, "m")["text/html"], lambda run: mimebundle.redraw(run, "m")["text/html"],
    lambda run: mimebundle.live(run, SimpleNamespace(model_id="w"))["text/html"],
    lambda run: UsageTable(frames.usage([run]), ["model"])._repr_html_(),
], ids=["tree", "summary", "mounted", "running", "beside the widget", "styled table"])  # fmt: skip
def test_no_formulas(markup):
    """Whatever HTML we give to a page stands in one element in which MathJax, of Lab and of nbconvert, makes no formula."""
    said = markup(agentic())
    assert {"mathjax_ignore", "tex2jax_ignore"} <= set(re.match(r'<div class="([^"]*)"', said)[1].split())
    assert "</div>" == re.sub(r"<script>.*</script>$", "", said)[-6:]
