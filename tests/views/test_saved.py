import json
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from tests.views import trees
from tests.views.samples import EACH, HOSTILE, SECRET, add, agentic, chat, empty, end, failed, fan_out, hostile, loop_of, make_run, many, priced

from tests.pricing.making import call, run_of, span, tokens

from aimon_nb.model import Cost, Totals, Usage
from aimon_nb.pricing import price_run
from aimon_nb.views.present import rows
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


def test_unpriced_says_in_its_row_what_to_do():
    """Below the first of the calls that lack the same price stands what gives them one, in every form; not below a call that counts nothing, nor one with a price."""
    spans = {
        "known": call("gpt-4o", tokens(5, 5), span_id="known"), "here": call("gpt-4o", tokens(5, 5), "127.0.0.1:8080", span_id="here"),
        "again": call("gpt-4o", tokens(5, 5), "127.0.0.1:8080", span_id="again"), "new": call('brand "new"', tokens(5, 5), span_id="new"),
        "odd": call("gpt-4o", tokens(-5, 5), span_id="odd"), "own": span("own", op="gen_ai.chat", usage=tokens(9, 9), model="ranker", provider=None),
        "agent": span("agent", op="gen_ai.invoke_agent", usage=tokens(9, 9), model="brand"),
    }  # fmt: skip
    run = run_of(*spans.values())
    price_run(run, set(run.spans))
    spans["agent"].repeats = True
    said = {name: rows.row_dict(one, run)["advice"] for name, one in spans.items()}
    assert 'pricing.host("127.0.0.1:8080", provider=…)' in said["here"] and "this machine" in said["here"]
    assert r'pricing.set("brand \"new\"", input_mtok=…, output_mtok=…)' in said["new"] and 'pricing.set("ranker"' in said["own"]
    assert ("a negative token count was reported", None, None, None) == (said["odd"], said["known"], said["again"], said["agent"])
    tree, page = text.tree(run), words_of(run)
    for words in ("pricing.host", 'pricing.set("brand', 'pricing.set("ranker', "a negative token count was reported"):
        assert (1, 1) == (tree.count(words), page.count(words))
    assert all(len(line) <= 100 for line in tree.splitlines())


def test_advice_parts_no_group():
    """The first of many equal calls without a price is in their row, which says what would give them one."""
    run = run_of(*[call("gpt-4o", tokens(5, 5), "127.0.0.1:8080", span_id=f"s{i}") for i in range(20)])
    price_run(run, set(run.spans))
    tree = text.tree(run)
    assert "× 20" in tree and 1 == tree.count("pricing.host") and 1 == tree.count("unpriced", tree.index("time"))


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


def test_a_fan_out_is_one_row():
    """Equal calls of one caller are one row, whatever stands between them: how many, what came of them, p50, p95, max, their sums; failed ones below it."""
    run = fan_out()
    plain = text.tree(run)
    for said in (words_of(run), plain):
        said = " ".join(said.split())
        assert 1 == said.count("label gpt-4o × 300")
        assert "3 failed · 11 retried · each p50 0.50 s · p95 0.96 s · max 1.00 s" in said
        assert "2,970 → 594 $0.2970" in said
        assert (1, 1) == (said.count("Error code: 400 - no. 0"), said.count("Error code: 400 - no. 1"))
        assert "429" not in said and 3 == said.count("judge o3")
        assert "3 failed · 11 retried" in said[:300]
    assert plain.index("× 300") < plain.index("400 - no. 1") < plain.index("400 - no. 0") < plain.index("judge")
    assert len(plain.splitlines()) <= 25


def test_the_size_of_a_fan_out():
    """300 calls, failures among them, take at most 25 lines and 15 kB of the file, html and text together."""
    kept = mimebundle.final(fan_out(), "m1")
    assert len(kept["text/html"].encode()) + len(kept["text/plain"].encode()) <= 15_000
    assert len(kept["text/plain"].splitlines()) <= 25 and kept["text/html"].count("<samp") <= 25


def test_attempts_at_a_request_are_one_row():
    """A call that was answered at its second attempt is one row, `2nd try`, where the first began; HTML has the attempt in it, closed, text has it not; one that stays refused says its error once."""
    run = fan_out(2, failed=(), retried=(1,))
    for attempt in (1, 2, 3):
        chat(run, f"x{attempt}", status="error", error="Error code: 500 - down", duration=0.1, offset=2 + attempt, model="o3", retry_group=99, attempt=attempt,
             retried="unrepaired" if attempt < 3 else None)  # fmt: skip
    plain, kept = text.tree(run), html.static(run)
    assert 6 == len(plain.splitlines()) and "gpt-4o · 2nd try" in plain and "o3 · 500 · 3rd try" in plain
    assert 1 == plain.count("500 - down") and ", retried" not in plain
    assert (1, 2) == (kept.count("429, retried"), kept.count("500, retried"))
    assert "<details>" in kept and "<details open" not in kept.partition("2nd try")[0]
    assert plain.index("2nd try") < plain.index("3rd try")


def test_attempts_add_up():
    """What an attempt used is in the sum of the step above it, and not in the row of the call."""
    run = make_run()
    add(run, "s", name="step")
    for attempt in (1, 2):
        chat(run, f"c{attempt}", "s", usage=Usage(5, None, None, 1), cost=priced("0.25"), retry_group=1, attempt=attempt, retried="repaired" if attempt == 1 else None)
    above, call = text.tree(end(run, "ok", 1.0)).splitlines()[2:]
    assert "10 → 2" in above and "$0.5000" in above
    assert "5 → 1" in call and "$0.2500" in call


def test_the_page_is_held_against_the_saved_form():
    """trees.json, by which node holds the page's rows against those of the saved form, has what the code gives."""
    assert trees.written() == json.loads(trees.FILE.read_text("utf-8")), "python -m tests.views.trees"


def test_four_are_no_group():
    """Fewer than five equal requests have a row each; attempts that were repaired are no requests more."""
    run = fan_out(4, failed=(), retried=(1, 2))
    assert "×" not in text.tree(run) + words_of(run)
    assert "× 5" in text.tree(fan_out(5, failed=(), retried=(1,)))


def test_what_is_not_equal_is_no_group():
    """Calls of other callers, lines or models, and those whose usage has another story, stand for themselves."""
    run = make_run()
    for i in range(20):
        facts = [{"caller": f"f{i}"}, {"caller": "f", "caller_lines": f"line {i}"}, {"model": f"m{i}"}, {"caller": "g", "cached_locally": i % 8 == 3}][i % 4]
        chat(run, f"c{i}", offset=i, cost=priced("0.001"), **facts)
    assert "×" not in text.tree(end(run, "ok", 30))


def test_what_goes_on_in_a_group_is_counted():
    """While calls of a group run, or were cancelled or left, the row says how many."""
    run = make_run()
    for i, status in enumerate(["ok"] * 4 + ["running"] * 3 + ["cancelled", "abandoned", "abandoned"]):
        chat(run, f"c{i}", offset=i, status=status, duration=None if status == "running" else 1.0)
    said = text.tree(run)
    assert "× 10" in said and "3 running · 1 cancelled · 2 abandoned" in said
    assert "running" in next(line for line in said.splitlines() if "× 10" in line)


def test_all_of_a_group_failed():
    """A group of which nothing was answered is marked as failed, and its error stands below it, once."""
    run = make_run()
    for i in range(2_000):
        chat(run, f"c{i}", status="error", error_type="RateLimitError", error="slow down", prompt=f"{i}")
    said = text.tree(end(run, "error", 1.0))
    assert 1 == said.count("slow down") and "2,000 failed" in said
    assert 2 == said.count("× 2,000") and "more:" not in said
    assert 2 == said.count("✕ chat")


def test_a_word_for_the_cost_of_a_group():
    """Where no amount is known, a group has the word that all its calls have."""
    for state, word in (("free", "free"), ("unpriced", "unpriced"), ("no_usage", "no usage")):
        run = make_run()
        for i in range(6):
            chat(run, f"c{i}", offset=i, cost=Cost(state, Decimal(0) if state == "free" else None), usage=Usage(5))
        [row] = [line for line in text.tree(run).splitlines() if "× 6" in line]
        assert row.endswith(word)


def test_a_longer_tree_is_grouped():
    """Any number of equal siblings is one line: how many, their sums, p50, p95 and max."""
    for said in (words_of(loop_of(600)), text.tree(loop_of(600))):
        assert 1 == said.count("× 600")
        assert "each p50 0.50 s · p95 0.95 s · max 1.00 s" in said
        assert "6,000 → 1,200" in said and "$0.6000" in said
        assert "more:" not in said


def test_groups_of_steps():
    """Steps with the same shape below them are one line, and what is below them is grouped too; one that failed stands with all of its own."""
    run = make_run()
    for i in range(200):
        add(run, f"s{i}", name="answer", offset=i, duration=0.5, status="error" if i == 100 else "ok", error="boom" if i == 100 else None)
        for j in range(6):
            chat(run, f"c{i}-{j}", f"s{i}", offset=i + j / 10, duration=0.1, usage=Usage(10), cost=priced("0.001"))
        add(run, f"t{i}", f"s{i}", name="look", offset=i + 0.7, duration=0.01)
    chat(run, "bad", "s100", status="error", error="boom", offset=100.8)
    run = end(run, "error", 200.0)
    said = text.tree(run)
    assert [n in said for n in ("answer  × 199", "gpt-4o × 1,194", "look  × 199", "gpt-4o × 7")] == [True] * 4
    assert "$1.19" in said and "$0.0060" in said
    assert 1 == said.count("boom")
    assert len(said.splitlines()) < 20
    assert said.count("answer") == 2


def test_steps_of_another_shape_are_no_group():
    """Steps in which other things happened stand for themselves: no row says less than the tree knows."""
    run = make_run()
    for i in range(12):
        add(run, f"s{i}", name="answer", offset=i, duration=0.5)
        add(run, f"t{i}", f"s{i}", name=f"tool {i}", offset=i + 0.1)
    assert "×" not in text.tree(end(run, "ok", 20))


def test_a_repaired_attempt_parts_no_steps():
    """A step in which a refused call was answered at its second attempt is as the others are."""
    run = make_run()
    for i in range(10):
        add(run, f"s{i}", name="answer", offset=i, duration=0.5)
        if i == 3:
            chat(run, "first", "s3", status="error", error="429", retried="repaired", offset=i)
        chat(run, f"c{i}", f"s{i}", offset=i + 0.1, cost=priced("0.001"))
    said = text.tree(end(run, "ok", 20))
    assert "answer  × 10" in said and "gpt-4o × 10" in said and "1 retried" in said


def test_beyond_500_rows():
    """What is too much even in groups is counted, and every error of it is listed."""
    run = make_run()
    for i in range(20_000):
        bad = i % 97 == 5
        add(run, f"s{i}", name=f"step {i}", offset=i / 50, status="error" if bad else "ok", error=f"500 at {i}" if bad else None)
    run = end(run, "error", 500)
    said, plain = words_of(run), text.tree(run)
    left = int(re.search(r"([\d,]+) more: %ai_spans", said)[1].replace(",", ""))
    assert f"{left:,} more: %ai_spans" in plain
    assert 19_500 == left
    for i in range(5, 20_000, 97):
        assert f"500 at {i} " in said + " ", i
        assert f"500 at {i}\n" in plain + "\n", i


def test_thousands_of_items():
    """Items with a step each and errors among their calls: every error is there, and nothing is cut that a group holds."""
    run = many(5_000)
    said = text.tree(run)
    for i in range(5, 5_000, 97):
        assert i % 8 == 0 or f"500 at {i}\n" in said + "\n", i


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


@pytest.mark.parametrize("name", ["summarise", "answers = [answer(q, notes) for q in questions if q]; rank(answers)", "検索" * 40])
def test_a_long_name_breaks_no_line(name):
    """The head of the text, of a terminal of 80 columns too, stands on one line with all its numbers: the name gives way."""
    run = agentic()
    run.name, run.totals = name, replace(run.totals, unpriced=0, lower_bound=False)
    for width in (80, 100):
        head = text.tree(run, width=width).split("\n")[0]
        assert text._width(head) <= width
        assert "5.30 s" in head and "12,655 → 1,514 tokens" in head and "$0.0244" in head
    assert name[:4] in head and ("…" in head) == (len(name) > 20) and "72 % cached" in head


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
