"""This call against another one: what differs, word by word, in bounded work."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st
from tests.views import samples

from aimon_nb.model import Message
from aimon_nb.model.call import Media, ToolDefinition
from aimon_nb.views.diff.call_diff import call_diff
from aimon_nb.views.diff.edits import STEPS, Steps, edits
from aimon_nb.views.diff.messages import Said, message_diffs
from aimon_nb.views.diff.others import MOST, others
from aimon_nb.views.diff.text import as_text
from aimon_nb.views.diff.words import folded, word_diff

SOME = st.lists(st.integers(0, 3), max_size=12)
TEXT = st.text(st.sampled_from("ab \n-é潮,\ud83d"), max_size=40)


def shared(a, b):
    """The length of the longest sequence that both have, by the book."""
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if one == other else max(lengths[i][j + 1], lengths[i + 1][j])
    return lengths[-1][-1]


@given(SOME, SOME)
def test_the_shortest_way(a, b):
    """The parts are those of both sequences, whole and in order, and as much as can be is the same."""
    parts = edits(a, b, Steps())
    assert a == [item for part in parts for item in a[part.before]]
    assert b == [item for part in parts for item in b[part.after]]
    assert all(a[part.before] == b[part.after] for part in parts if part.same)
    assert shared(a, b) == sum(len(a[part.before]) for part in parts if part.same)


@given(TEXT, TEXT)
def test_no_character_is_lost(before, after):
    """Both texts can be put together again from the pieces, whatever is in them."""
    pieces = word_diff(before, after, Steps())
    assert before == "".join(text for mark, text in pieces if mark in "=-")
    assert after == "".join(text for mark, text in pieces if mark in "=+")
    assert all(text for _, text in pieces)


def told(before, after):
    marks = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}", "…": "<{}>"}
    return "".join(marks[mark].format(text) for mark, text in folded(word_diff(before, after, Steps())))


@pytest.mark.parametrize(
    "before, after, shown",
    [
        ("Tell me about cats and dogs.", "Tell me of cats and birds, please.", "Tell me [-about-]{+of+} cats and [-dogs-]{+birds, please+}."),
        ("Rewrite this politely, in one sentence.", "Rewrite this kindly, in two short sentences, with an apology.", "Rewrite this [-politely-]{+kindly+}, in [-one sentence-]{+two short sentences, with an apology+}."),
        ("one two three four", "one three three four", "one [-two-]{+three+} three four"),
        ("keep me and old words here", "keep me and new sayings here", "keep me and [-old words-]{+new sayings+} here"),
        ("Name all numbers.\n", "Name all numbers.\nBe brief.\n", "Name all numbers.\n{+Be brief.\n+}"),
        ("nothing of this", "was kept at all", "[-nothing of this-]{+was kept at all+}"),
        ("潮はなぜ高いのですか", "潮はなぜ低いのですか", "潮はなぜ[-高-]{+低+}いのですか"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("same", "same", "same"),
        ("", "", ""),
    ],
)
def test_words(before, after, shown):
    """Words are compared, not characters; lines with little in common stand one after the other."""
    assert shown == told(before, after)


def test_what_is_the_same_is_folded():
    """A long text in which one word changed shows that word and what is around it, and says how much it leaves out."""
    shown = told("word " * 500 + "cat" + " word" * 500, "word " * 500 + "dog" + " word" * 500)
    assert "[-cat-]{+dog+}" in shown and shown.count("<… 2,340 characters are the same …>") == 2 and len(shown) < 500


LONG = "lorem ipsum dolor sit amet consectetur elit sed".split()


def prose(seed, words=36_000, line=12):
    """200 kB of words that repeat, in lines; each seed another text."""
    state, out = seed, []
    for at in range(words):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(LONG[(state >> 16) % len(LONG)] + ("\n" if line and at % line == 0 else " "))
    return "".join(out)


@pytest.mark.parametrize("line", [0, 1, 12])
@pytest.mark.parametrize("change", [lambda text: prose(2), lambda text: text[::-1], lambda text: text.replace("lorem", "ipsum lorem"), lambda text: text * 2], ids=["another", "reversed", "throughout", "twice"])
def test_two_prompts_of_200_kilobytes(line, change):
    """Whatever the texts: the work is bounded, and both are told whole."""
    before = prose(1, line=line)
    after, steps = change(before), Steps()
    assert len(before) > 200_000
    pieces = word_diff(before, after, steps)
    # A search ends with the step that is one too many; what was followed till then is one diagonal.
    assert steps.left > -len(after) and STEPS <= 300_000
    assert before == "".join(text for mark, text in pieces if mark in "=-")


def test_a_word_that_is_another_throughout():
    """A name that was changed in each line of a long prompt is shown as that, not as a prompt that is another."""
    before = "\n".join(f"Line {n} asks Alice what she thinks of it." for n in range(2_000))
    pieces = word_diff(before, before.replace("Alice", "Bob"), Steps())
    assert {("-", "Alice"), ("+", "Bob")} == {piece for piece in pieces if piece.mark in "-+"}


turn = Said


def states(before, after):
    return [(one["state"], one["role"]) for one in message_diffs(before, after, Steps())]


def test_messages_are_aligned_by_role():
    """A changed message stands beside the one of its role, what is new or gone by itself; many that are the same are one line."""
    talk = [turn("system", "be brief"), turn("user", "hello there, you"), turn("assistant", "hi"), turn("user", "and now?")]
    assert [("same", ""), ("added", "assistant"), ("added", "user")] == states(talk, [*talk, turn("assistant", "now"), turn("user", "more")])
    assert [("changed", "system"), ("same", "user"), ("same", "assistant"), ("same", "user")] == states(talk, [turn("system", "be very brief"), *talk[1:]])
    assert [("removed", "system"), ("same", "user"), ("same", "assistant"), ("same", "user")] == states(talk, talk[1:])
    assert [("added", "user")] == states([], [turn("user", "x")])
    many = [turn("user", str(n)) for n in range(3_000)]
    assert 3_000 >= len(states(many, [turn("user", f"{n} more") for n in range(3_000)])) and [] == states([], [])


def calls(run):
    return [span for span in run.spans.values() if span.is_call]


def ids(found):
    return [(one.run.run_id, one.span.span_id) for one in found]


def again(run, run_id, minutes):
    run.run_id, run.started = run_id, run.started + timedelta(minutes=minutes)
    return run


def loop(run_id, n=3, caller="ask", cell="c1", **more):
    run = samples.make_run(cell_id=cell)
    samples.add(run, "root", None)
    for at in range(n):
        samples.chat(run, f"{run_id}-{at}", offset=at, caller=caller, **more)
    return again(run, run_id, int(run_id))


def test_whom_it_is_compared_with():
    """The call before it of the same caller; then those in its place in earlier runs of its cell, the last first; then all others."""
    first, second, elsewhere = loop("1"), loop("2"), loop("3", cell="c2")
    now = loop("4")
    runs = [first, second, elsewhere, now]
    assert [("4", "4-1"), ("2", "2-2"), ("1", "1-2"), ("4", "4-0")] == ids(others(now.spans["4-2"], now, runs))[:4]
    found = others(now.spans["4-0"], now, runs)
    assert [("2", "2-0"), ("1", "1-0"), ("4", "4-1"), ("4", "4-2"), ("2", "2-2"), ("2", "2-1")] == ids(found)[:6]
    assert ids(found)[-3:] == [("3", "3-2"), ("3", "3-1"), ("3", "3-0")] and ("4", "4-0") not in ids(found) and len(set(ids(found))) == len(found) == 11
    assert ["earlier run", "earlier run", "this run"] == [one.label.partition(" · ")[0] for one in found[:3]]
    assert found[-1].label.startswith("run summarise · ")


def test_its_last_run_is_at_hand_in_a_large_fan_out():
    """However many calls stand before it in its run, the one in its place in the run before is the second of the list."""
    before, now = loop("1", n=300), loop("2", n=300)
    assert [("2", "2-249"), ("1", "1-250")] == ids(others(now.spans["2-250"], now, [before, now]))[:2]


def test_whom_it_is_not_compared_with():
    """Another caller's call, one of another kind, an attempt that was repeated, and, where nobody knows who asked, a call of another cell."""
    now = loop("4", n=1)
    samples.chat(now, "other", offset=-3, caller="else")
    samples.chat(now, "tried", offset=-2, caller="ask", retried="repaired")
    samples.chat(now, "embedding", offset=-1, caller="ask").operation = "embeddings"
    assert [] == others(now.spans["4-0"], now, [now])
    assert [] == others(loop("5", n=1, caller=None, cell="c3").spans["5-0"], loop("5", n=1, caller=None, cell="c3"), [loop("4", caller=None)])


def test_the_list_is_short():
    """Of hundreds a reader chooses among the nearest."""
    now = loop("2", n=300)
    assert MOST == len(others(now.spans["2-299"], now, [loop("1", n=300), now]))


def pair():
    run = samples.make_run()
    old = samples.chat(run, "a", prompt="Tell me about cats.", answer="Cats purr.", duration=1.0)
    new = samples.chat(run, "b", prompt="Tell me about dogs.", answer="Dogs bark.", duration=1.5, model="gpt-4o-mini")
    old.call.settings = {"temperature": 0.2, "seed": 4}
    new.call.settings = {"temperature": 0.9, "response_format": '{"type": "json_schema", "schema": ' + '{"a": 1}' * 30 + "}"}
    new.call.definitions = [*new.call.definitions, ToolDefinition("look", "Looks.", "{}")]
    return old, new


def test_what_a_diff_has():
    """Model, status, tokens, cost, duration; parameters that differ, long ones and tools as texts; prompt and answer by words."""
    old, new = pair()
    diff = call_diff(old, new)
    facts = {name: rest for name, *rest in diff["facts"]}
    assert ["gpt-4o", "gpt-4o-mini", ""] == facts["model"] and ["1.00 s", "1.50 s", "+0.50 s"] == facts["duration"]
    assert [["temperature", "0.2", "0.9"], ["seed", "4", ""]] == diff["parameters"]
    assert [["changed", "system"], ["changed", "user"], ["same", "tool search_docs"], ["added", "tool look"], ["added", "response_format"]] == [[one["state"], one["role"]] for one in diff["prompt"]]
    assert [["-", "cats"], ["+", "dogs"]] == [piece for piece in diff["prompt"][1]["pieces"] if piece[0] in "-+"]
    assert [] == diff["notes"] and ["changed"] == [one["state"] for one in diff["answer"]]


def test_what_is_gone_is_said():
    """Of a call whose content is not in memory the numbers are compared, and a line says why there is no more."""
    old, new = pair()
    old.call.input, old.call.output, old.attributes = [], [], {}
    diff = call_diff(old, new)
    assert ["the other call: no messages were heard"] == diff["notes"]
    assert {"added"} == {one["state"] for one in diff["answer"]}


def test_another_picture_of_the_same_size():
    """Pictures are told apart by their bytes, and a call of a tool by its arguments."""
    old, new = pair()
    for span, data in ((old, b"one"), (new, b"two")):
        span.call.input = [Message("user", "what is it?", [("look", f'{{"at": "{data.decode()}"}}')], [Media("image", "image/png", 3, data=data)])]
    [asked] = [one for one in call_diff(old, new)["prompt"] if one["role"] == "user"]
    assert "changed" == asked["state"] and ["one", "two"] == [text for mark, text in asked["pieces"] if mark in "-+" and len(text) == 3]
    assert "[image/png, 3 bytes, crc32 " in "".join(text for _, text in asked["pieces"])


def test_an_unknown_number_is_unknown():
    """No tokens and no cost are no 0, and no difference to a known one."""
    old, new = pair()
    new.usage = new.call.usage = type(new.usage)(input=5)
    facts = {name: rest for name, *rest in call_diff(old, new)["facts"]}
    assert ["", "5", ""] == facts["input tokens"] and "output tokens" not in facts


def test_as_text():
    """The diff as lines that can be read in a terminal, in the marks that git uses for words."""
    text = as_text(call_diff(*pair()), "10:20 gpt-4o", "10:21 gpt-4o-mini")
    lines = text.splitlines()
    assert ["- 10:20 gpt-4o", "+ 10:21 gpt-4o-mini"] == lines[:2]
    assert "duration  1.00 s → 1.50 s       +0.50 s" in lines and "  seed         4 → not set" in lines
    assert "    Tell me about [-cats-]{+dogs+}." in lines and "~ user" in lines and "+ tool look" in lines


def test_hostile_text():
    """What a model wrote is text: nothing in a diff that cannot be sent to a page."""
    run = samples.make_run()
    old, new = (samples.chat(run, name, prompt=samples.HOSTILE + name, answer=samples.HOSTILE) for name in "ab")
    old.call.input.append(Message("user\u202e\ud800", "\ud83d x"))
    str(call_diff(old, new)).encode()
    as_text(call_diff(old, new), "a", "b").encode()
