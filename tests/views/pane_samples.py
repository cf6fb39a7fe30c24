"""What the pane of details shows at most, as the page is told it: messages of a page's own making, for which no run is needed."""

import json

from aimon_nb.views.present import detail
from tests.views import samples

ANSWER = """## Why the retry budget ran out

The worker **retries five times** with a *fixed* delay of 200 ms; the provider asks for `Retry-After: 2`.
See [the handbook](https://example.com/handbook) or https://example.com/x_(y).

| setting | today | proposed |
|---|---:|:---:|
| `max_retries` | 5 | 8 |
| base_delay | 0.2 s | 1.0 s |

1. Raise the limit:
   ```python
   client = OpenAI(max_retries=8)
   ```
2. Then
   - watch the dashboards
   - say so in the channel

> Retries are no plan.

---
![a diagram](https://example.com/diagram.png)"""
SYSTEM = "You are the assistant of an on-call engineer.\n## Rules\n- Answer from the notes alone; cite them as [n].\n" + "\n".join(f"- rule {n}" for n in range(3, 12))
NOTES = "Notes from the handbook:\n\n" + "\n".join(f"[{n}] Team handbook, section {n}. The retry policy of the worker says so in sentence {n}." for n in range(60))
SCHEMA = json.dumps({"type": "object", "properties": {"q": {"type": "string", "description": "what to look for"}, "k": {"type": "integer", "default": 3}}, "required": ["q"]})
FORMAT = json.dumps({"type": "json_schema", "json_schema": {"name": "Answer", "schema": {"type": "object", "properties": {"answer": {"type": "string"}}}}})


def turn(side, role, text, calls=(), media=()):
    return {"side": side, "role": role, "text": text, "calls": [list(call) for call in calls], "media": list(media)}


def media(id, kind, type, size, name="", detail="", missing=""):
    return {"id": id, "kind": kind, "type": type, "size": size, "name": name, "detail": detail, "missing": missing}


def item(span_id, messages, **more):
    """The details of a call of the sample "finished", with these messages in place of its own."""
    made = detail.detail(samples.agentic().spans["c1"])
    return {**made, "id": span_id, "messages": messages, "raw": None, **more}


FIRST = [turn("in", "system", SYSTEM), turn("in", "user", "Why did the retry budget run out?")]
ASKS = turn("out", "assistant", "", [("search_docs", '{"q": "retry", "k": 3}')])
THEN = [*FIRST, {**ASKS, "side": "in"}, turn("in", "tool", '[{"title": "Retries", "score": 0.83}, {"title": "Budgets", "score": 1.0}]'), turn("in", "user", NOTES)]
SETTINGS = [["temperature", "0.2"], ["max_tokens", "900"], ["tool_choice", "auto"], ["response_format", FORMAT]]
TOOLS = [
    {"name": "search_docs", "description": "Look for passages in the handbook.", "schema": SCHEMA},
    {"name": "measure", "description": "", "schema": ""},
]


def agent():
    """Two chats of one agent, of which the second repeats the first: by the ids of "finished"."""
    return {
        "c1": item("c1", [*FIRST, ASKS], tools=TOOLS, parameters=SETTINGS),
        "c4": item("c4", [*THEN, turn("out", "assistant", ANSWER)], tools=TOOLS, parameters=SETTINGS),
    }
