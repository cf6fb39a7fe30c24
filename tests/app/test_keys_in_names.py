"""No key leaves by a name, tag or datum, wherever it was given; `install(redact=f)` has all of them."""

import json

import pytest

import aimon_nb
from aimon_nb import ai_track, set_ai_pipeline_name, track
from aimon_nb.app import monitor, monitoring
from aimon_nb.capture import context
from aimon_nb.capture.redact import redact_texts
from aimon_nb.notebook.magics import AimonMagics
from tests.app.test_redact_hook import OPTIONS, WAYS, places

# Where somebody can give a name, a tag or a datum: a key of its own for each.
GIVEN = (
    "configured tag", "configured list", "long", "tag", "list", "datum", "deep datum", "datum name",
    "run", "op", "pipeline", "default pipeline", "notebook", "step", "step tag", "step tag name", "step datum", "step op",
)  # fmt: skip
KEYS = {where: f"sk-{number:02}canary0123456789abcdef" for number, where in enumerate(GIVEN)}


@pytest.fixture(autouse=True)
def taken_off(monkeypatch):
    yield
    aimon_nb.install(redact=False)
    context.default_pipeline = None
    context.current_pipeline.set(None)
    monitor.uninstall()


def tracked_run(monkeypatch, words):
    """A failed run with a word, or a key, at each of the places above."""
    monkeypatch.setattr(monitoring, "notebook_name", lambda _: aimon_nb.app.notebook_name._file_name(f"/home/ada/{words['notebook']}.ipynb"))
    magics = AimonMagics(None, tracker=None, monitor=monitor)
    magics.tags = {"key": words["configured tag"], "many": [words["configured list"]], "long": "x" * 189 + " " + words["long"]}
    context.default_pipeline = None
    AimonMagics.ai_pipeline(magics, words["default pipeline"])

    @ai_track(f"step {words['step']}", op=f"ai.{words['step op']}", sentry_tags={"t": words["step tag"], words["step tag name"]: "x"}, sentry_data={"d": {"e": words["step datum"]}})
    def step():
        pass

    tags = {"team": words["tag"], "list": [words["list"]]}
    data = {"d": words["datum"], "deep": [{"a": words["deep datum"]}], words["datum name"]: 1}
    with pytest.raises(ValueError), track(f"cell {words['run']}", view="none", op=f"ai.{words['op']}", tags=tags, data=data) as view:
        step()
        set_ai_pipeline_name(f"pipe {words['pipeline']}")
        step()
        set_ai_pipeline_name(None)
        step()
        raise ValueError("no luck")
    return view


@pytest.mark.parametrize("lifecycle", WAYS)
def test_keys(lifecycle, receiver, tmp_path, monkeypatch):
    """A key in one of them stands nowhere: not in a table, a file or the notebook, and not at Sentry; nor does the beginning of one."""
    receiver.init(**OPTIONS[lifecycle])
    view = tracked_run(monkeypatch, KEYS)
    texts = places(view, receiver, tmp_path) | {"to_dict": json.dumps(view._run.to_dict(content=True))}
    found = [(where, place) for where, key in KEYS.items() for place, text in texts.items() if key[:12] in text]
    assert [] == found
    assert "team=…" in texts["table"] and r"cell \u2026" in texts["sentry"]


HOOKED = [where for where in GIVEN if "name" not in where and "op" not in where.split()]


@pytest.mark.parametrize("lifecycle", WAYS)
def test_the_users_own_say(lifecycle, receiver, tmp_path, monkeypatch):
    """What `install(redact=f)` replaces stands nowhere either, wherever it was given; names of tags, of data and ops are left as they are."""
    receiver.init(**OPTIONS[lifecycle])
    aimon_nb.install(redact=lambda destination, kind, value: value.replace("Zebra", "Horse"))
    words = {where: f"Zebra{number:02}z" if where in HOOKED else f"w{number}" for number, where in enumerate(GIVEN)}
    view = tracked_run(monkeypatch, words)
    texts = places(view, receiver, tmp_path)
    assert [] == [(where, place) for where in HOOKED for place, text in texts.items() if words[where] in text]
    assert "Horse" in texts["sentry"] and words["step tag name"] in texts["sentry"]


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("api_key", "a plain pass phrase", "[filtered]"), ("API-Key", "abcdef", "[filtered]"), ("password", "correct horse", "[filtered]"),
    ("token", "0123456789abcdef", "[filtered]"), ("key", "0123456789abcdef", "[filtered]"),
    ("token", "short", "short"), ("key", "value", "value"), ("session", "morning", "morning"), ("max_token", "1000", "1000"),
    ("secretary", "Anna Maria", "Anna Maria"), ("cookies", "strict", "strict"), ("password", 123456, "[filtered]"), ("secret", 3, 3), ("max_tokens", 100000, 100000), ("n", 12, 12), ("text", "sk-0123456789abcdef", "…"),
])  # fmt: skip
def test_by_its_name(name, value, shown):
    """A text under the name of a password or a key is one, whatever it looks like."""
    assert {name: shown} == redact_texts({name: value})
