"""A run as what JSON can hold, and back: history and other processes stand on it."""

import copy
import json
import pickle
from datetime import datetime, timezone

import pytest
from tests.pricing.making import call, run_of, span, tokens
from tests.views.samples import EACH, SECRET

from aimon_nb.model import Frame, Message, Run, Span, Usage
from aimon_nb.model.span import StepContent
from aimon_nb.pricing import price_run
from aimon_nb.views.present import detail
from aimon_nb.views.static import text
from aimon_nb.views.tables import export, frames


def again(thing, **options):
    """A run or span that went through JSON."""
    return type(thing).from_dict(json.loads(json.dumps(thing.to_dict(**options))))


@pytest.mark.parametrize("make", EACH.values(), ids=EACH)
def test_it_counts_prices_and_exports_as_before(make):
    """A run that went through `to_dict()` has the same totals, also priced anew, the same tables and file."""
    run = make()
    other = again(run)
    assert run.totals == other.totals
    for one in (run, other):
        price_run(one, set(one.spans))
    assert run.totals == other.totals
    assert frames.spans([run]).equals(frames.spans([other]))
    assert frames.usage([run]).equals(frames.usage([other]))
    one, two = (export.document([each], None, content=False) for each in (run, other))
    assert (one.runs, one.spans) == (two.runs, two.spans)


@pytest.mark.parametrize("make", EACH.values(), ids=EACH)
def test_with_content_it_shows_as_before(make):
    """`to_dict(content=True)` keeps what was asked and said: the tree and each span's details are the same."""
    run = make()
    other = again(run, content=True)
    assert [detail.detail(span) for span in run.spans.values()] == [detail.detail(span) for span in other.spans.values()]
    assert text.tree(run).split("\n")[1:] == text.tree(other).split("\n")[1:]  # above it the time that a run takes goes on
    assert json.dumps(run.to_dict(content=True)) == json.dumps(other.to_dict(content=True))


@pytest.mark.parametrize("make", EACH.values(), ids=EACH)
def test_no_content_unasked(make):
    """Without `content` no prompt, answer or argument is in it."""
    assert SECRET not in json.dumps(make().to_dict())


def test_arguments_of_tools_are_content():
    """What a tool was called with, in a turn or in an attribute, stays behind; a fact beside it goes along."""
    one = call("gpt-4o", tokens(9, 3), attributes={"gen_ai.tool.call.arguments": "my argument", "mine": 3})
    one.call.output = [Message("assistant", tool_calls=[("search", "my argument")])]
    assert "my argument" not in json.dumps(one.to_dict())
    assert {"mine": 3} == again(one).attributes
    assert [("search", "my argument")] == again(one, content=True).call.output[0].tool_calls


def test_content_in_the_options_of_a_run_stays_behind():
    """What the user put on the root span by `sentry_data` or as a tag is content or not by its name, as attributes are."""
    run = run_of(call("gpt-4o", tokens(9, 3)))
    run.options = {"data": {"gen_ai.input.messages": "my secret", "team": "a"}, "tags": {"prompt": "my secret"}}
    assert "my secret" not in json.dumps(run.to_dict()) and "my secret" in json.dumps(run.to_dict(content=True))
    assert {"data": {"team": "a"}, "tags": {}} == again(run).options


@pytest.mark.parametrize("how", [again, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))], ids=["json", "copy", "pickle"])
def test_where_tokens_come_from_goes_along(how):
    """An estimate stays one in a copy, in another process and in a file: it is in no exact sum."""
    guessed = call("gpt-4o", tokens())
    guessed.call.estimate, guessed.call.estimated_by = Usage(60, output=20), "characters / 4"
    guessed.usage, guessed.usage_source = guessed.call.estimate, "estimate"
    told = call("gpt-4o", tokens(9, 3), span_id="told")
    run = how(run_of(guessed, told))
    price_run(run, set(run.spans))
    assert [True, False] == [run.spans[name].is_estimated for name in ("s", "told")]
    assert (9, 60, True) == (run.totals.usage.input, run.totals.estimate.input, run.totals.lower_bound)


def test_what_a_later_version_added_is_passed_over():
    """A field that is not known here is no error, a version that is later is: it may mean something else."""
    data = span("a", usage=tokens(9, 3)).to_dict()
    assert "a" == Span.from_dict({**data, "new": 1}).span_id
    with pytest.raises(ValueError, match="a span of version 2: this aimon_nb reads version 1"):
        Span.from_dict({**data, "version": 2})
    with pytest.raises(ValueError, match="a run of version None"):
        Run.from_dict({})


def test_frames_come_back_as_frames():
    """A frame of a traceback and the arithmetic of a cost are the same again."""
    run = EACH["finished"]()
    run.spans["c1"].frames = (Frame("a.py", 7, "go"),)
    back = again(run).spans["c1"]
    assert "a.py" == back.frames[0].file
    assert run.spans["c1"].cost.lines and run.spans["c1"].cost == back.cost


def test_what_went_in_and_came_out_of_a_step():
    """It is content: there only where that is asked for, and the same when it comes back."""
    one = Span("s", None, "r", datetime.now(timezone.utc), 0.0, step=StepContent(True, {"city": ["Paris", None, 1.5]}, True, None))
    assert "Paris" not in json.dumps(one.to_dict())
    assert again(one, content=True).step == one.step
    assert again(one).step is None
