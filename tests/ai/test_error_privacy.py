"""What an error event of ours holds is no more than our own records do; the user's events are his."""

import json
import sys

import pytest
import sentry_sdk

from aimon_nb import ai_track
from aimon_nb.app import monitor

if sys.version_info < (3, 11):  # pytest brings it
    from exceptiongroup import ExceptionGroup

KEY = "AIzaSyA-secret-0123456789-0123456789"
HEX = "0123456789abcdef0123456789abc666"
SECRETS = (KEY, HEX, "hunter2", "sk-secret")
URL = f"http://user:hunter2@model.test/v1/chat/completions?key={KEY}&token={HEX}"


def plain():
    raise ValueError(f"Client error '401 Unauthorized' for url '{URL}'")


def caused():
    try:
        plain()
    except ValueError as error:
        raise RuntimeError(f"Illegal header value b'{HEX}\\n'") from error


def in_passing():
    try:
        plain()
    except ValueError:
        raise KeyError("Incorrect API key provided: sk-secret-0123456789")


def grouped():
    try:
        plain()
    except ValueError as error:
        raise ExceptionGroup("two", [error, ExceptionGroup("more", [OSError(f"Bearer {HEX}")])])


def with_a_message():
    """The SDK reads `message` before it asks for the text."""
    error = ValueError("said")
    error.message = f"401 at {URL}"
    raise error


def with_a_note():
    error = ValueError("said")
    error.__notes__ = [f"asked {URL}"]  # as add_note of Python 3.11 has it
    raise error


@pytest.mark.parametrize("fail", [plain, caused, in_passing, grouped, with_a_message, with_a_note])
def test_no_key_in_any_error_of_the_chain(place, fail):
    """The event holds no key of the error, of its causes, contexts and parts; the error itself is as it was."""
    with pytest.raises(Exception) as caught:
        fail()
    before = told(caught.value)
    with pytest.raises(type(caught.value)) as raised:
        ai_track("work")(fail)()
    assert told(raised.value) == before
    assert any(secret in str(before) for secret in SECRETS)
    events = place.errors()
    assert len(events) == (1 if place.client else 0)
    for event in events:
        assert all(value["type"] and value["value"] for value in event["exception"]["values"])
        assert not [secret for secret in SECRETS if secret in json.dumps(event)]


def told(error):
    """All that an exception says, its causes and parts too."""
    if error is None:
        return None
    parts = [told(part) for part in getattr(error, "exceptions", ())]
    own = str(error), repr(error.args[:1]), getattr(error, "message", None), getattr(error, "__notes__", None)
    return *own, told(error.__cause__), told(error.__context__), parts


CRUMBS = {
    "a request": {"type": "http", "category": "httplib", "data": {"url": "http://m.test/v1", "http.query": f"key={KEY}&token={HEX}", "http.fragment": HEX, "status_code": 401}},
    "a URL": {"type": "http", "category": "aiohttp", "data": {"url": URL, "method": "POST"}},
    "httpx's line": {"category": "httpx", "message": f'HTTP Request: POST {URL} "HTTP/1.1 401 Unauthorized"'},
    "a traceback": {"category": "IPKernelApp", "message": f"Exception in execute request:\n----\nValueError\n----> 1 ask(key='{HEX}')"},
    "a line of a log": {"type": "log", "category": "mine", "message": "anything at all"},
    "deep": {"category": "mine", "message": "ok", "data": {"calls": [{"url": URL}, (URL,)], "n": 3}},
    "an object": {"category": "mine", "message": "ok", "data": {"url": type("Url", (), {"__str__": lambda _: URL, "__repr__": lambda _: URL})()}},
    "a hostile object": {"category": "mine", "message": f"at {URL}", "data": {"url": type("Url", (), {"__str__": plain, "__repr__": plain})()}},
}  # fmt: skip


@pytest.mark.parametrize("crumb", CRUMBS.values(), ids=CRUMBS)
def test_no_key_in_the_breadcrumbs(static, crumb):
    """Of a breadcrumb an event of ours holds place, time and request, and no text; the user's own has it as it was."""
    sentry_sdk.get_isolation_scope().clear_breadcrumbs()
    sentry_sdk.add_breadcrumb({**crumb, "level": "info"})
    sentry_sdk.capture_message("before")
    with pytest.raises(ValueError):
        ai_track("work")(lambda: int("x"))()
    sentry_sdk.capture_message("after")
    before, ours, after = static.receiver.of("event")
    sentry_sdk.get_isolation_scope().clear_breadcrumbs()
    assert not [secret for secret in SECRETS if secret in json.dumps(ours)]
    if crumb.get("type") == "log":  # as the SDK makes it of a line of a log
        assert [] == ours["breadcrumbs"]["values"]
        return
    [sent] = ours["breadcrumbs"]["values"]
    assert "message" not in sent
    assert sent.get("data", {}).keys() <= {"url", "method", "status_code"}
    assert (sent["category"], sent["level"], bool(sent["timestamp"])) == (crumb["category"], "info", True)
    assert before["breadcrumbs"] == after["breadcrumbs"]
    if "message" in crumb:
        assert after["breadcrumbs"]["values"][0]["message"] == crumb["message"]
    if crumb is CRUMBS["a request"]:
        assert after["breadcrumbs"]["values"][0]["data"] == crumb["data"]
        assert (sent["data"]["url"], sent["data"]["status_code"]) == ("http://m.test/v1", 401)
    static.receiver.stored("event")


def test_breadcrumbs_that_cannot_be_read_stay_behind(static, monkeypatch):
    """Where our reading of the breadcrumbs fails, the event goes without them."""
    from aimon_nb.sentry import event_redaction

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(event_redaction, "redact_secrets", fail)
    sentry_sdk.add_breadcrumb({"category": "mine", "message": f"at {URL}"})
    event = {"breadcrumbs": {"values": [{"data": {"url": f"at {URL}"}}]}}
    assert event_redaction.redact_joined(event, {}) == {}


def test_also_after_an_unload(static):
    """A tracked function sends the same when the extension is unloaded."""
    work = ai_track("work")(plain)
    monitor.uninstall()
    sentry_sdk.add_breadcrumb({"category": "mine", "message": f"at {URL}"})
    with pytest.raises(ValueError):
        work()
    events = static.errors()
    sentry_sdk.get_isolation_scope().clear_breadcrumbs()
    assert len(events) == 1
    assert not [secret for secret in SECRETS if secret in json.dumps(events)]


def test_the_users_hook_gets_the_error_itself(receiver):
    """`before_send` of the user's client gets our event redacted, and with it the very exception."""
    got = []
    receiver.init(before_send=lambda event, hint: got.append((event, hint)) or event)
    with pytest.raises(ValueError) as caught:
        ai_track("work")(plain)()
    [(event, hint)] = got
    assert hint["exc_info"][1] is caught.value
    assert KEY not in json.dumps(event, default=str)


def test_no_variables_whatever_the_client_collects(receiver):
    """Of a frame its place alone leaves: no variable, no line of source, and no `__repr__` of a variable runs."""
    ran = []

    class Mine:
        def __repr__(self):
            ran.append(self)
            return "canary value"

    receiver.init(data_collection={"stack_frame_variables": True, "frame_context_lines": 5})

    @ai_track("work")
    def work(mine):
        raise ValueError("no luck")

    with pytest.raises(ValueError):
        work(Mine())
    [event] = receiver.of("event")
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames and not any(frame.keys() & {"vars", "context_line", "pre_context", "post_context"} for frame in frames)
    assert ran == []
