"""The code of a call, run in a fresh process with the real client, sends what the call has sent."""

import asyncio
import base64
import inspect
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
import requests
from tests.wire.conftest import calls

from aimon_nb.app import RunView
from aimon_nb.model.redaction import redaction
from aimon_nb.views.as_code import anthropic_code, gemini_code, openai_code

pytestmark = pytest.mark.kernel
TEXT = 'Say "no" to \'all\', \\n is no newline, """this""" neither: {x} %s \u202e é 潮 👩‍🚀\nA second line,\n\n\tand a fourth.\\'
LONG = "Summarise the three reports below for a board member, and name every number that you use. " * 30
PIXEL = "data:image/png;base64," + base64.b64encode(b"\x89PNG small").decode()
PICTURE = os.urandom(9_000)
LOOK = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}, "data": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"type": "function", "function": {"name": "look", "description": TEXT, "parameters": LOOK, "strict": None}}
CALLED = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"city": "Paris"}'}}
USER = {"role": "user", "content": TEXT}
WAYS = {}


def way(form):
    return lambda function: WAYS.setdefault(form, []).append(function) or function


def picture(kind="image/png"):
    return f"data:{kind};base64," + base64.b64encode(PICTURE).decode()


# --- OpenAI ---


def openai(truth):
    from openai import OpenAI

    return OpenAI(base_url=truth.url, api_key="none", max_retries=0)


def chat(truth, messages=(USER,), **more):
    return openai(truth).chat.completions.create(model="gpt-4o-mini", messages=list(messages), **more)


way("chat")(chat)
way("chat")(lambda truth: chat(truth, [{"role": "system", "content": LONG}, USER], temperature=0.1 + 0.2, seed=2**62, stop=None, logit_bias={"50256": -100}))
way("chat")(lambda truth: chat(truth, tools=[FUNCTION], tool_choice={"type": "function", "function": {"name": "look"}}, parallel_tool_calls=False))
way("chat")(lambda truth: chat(truth, response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": LOOK, "strict": True}}))
way("chat")(lambda truth: list(chat(truth, stream=True, stream_options={"include_usage": True})))
way("chat")(lambda truth: chat(truth, [USER, {"role": "assistant", "content": None, "tool_calls": [CALLED]}, {"role": "tool", "tool_call_id": "call_1", "content": '{"rain": 0.5}'}], tools=[FUNCTION]))
way("chat")(lambda truth: chat(truth, extra_body={"top_k": 5, "no identifier!": {"a": [1, None, True]}, "class": 1, "stream": False, "timeout": 3}))
way("chat")(lambda truth: chat(truth, [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, *({"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in (PIXEL, picture(), picture()))]}]))


@way("chat")
def in_a_task(truth):
    from openai import AsyncOpenAI

    async def ask():
        client = AsyncOpenAI(base_url=truth.url, api_key="none")
        async for _ in await client.chat.completions.create(model="gpt-4o-mini", messages=[USER], stream=True):
            pass

    asyncio.run(ask())


def respond(truth, told=TEXT, **more):
    return openai(truth).responses.create(model="gpt-5-mini", input=told, **more)


way("responses")(respond)
way("responses")(lambda truth: list(respond(truth, [USER], instructions=LONG, stream=True)))
way("responses")(lambda truth: respond(truth, tools=[{"type": "function", "name": "look", "parameters": LOOK, "strict": False}], reasoning={"effort": "low"}, text={"format": {"type": "json_schema", "name": "a", "schema": LOOK}}))
way("responses")(lambda truth: respond(truth, [USER, {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c", "output": "rain"}], store=False, include=["reasoning.encrypted_content"]))
way("responses")(lambda truth: respond(truth, [{"role": "user", "content": [{"type": "input_image", "image_url": picture("image/jpeg")}, {"type": "input_image", "image_url": PIXEL}]}], extra_body={"new": {"deep": [TEXT]}}))


# --- Anthropic ---


def message(truth, messages=(USER,), stream=False, **more):
    from anthropic import Anthropic

    client = Anthropic(base_url=truth.root, api_key="none", max_retries=0)
    asked = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": list(messages), **more}
    return list(client.messages.create(**asked, stream=True)) if stream else client.messages.create(**asked)


TOOL = {"name": "look", "description": TEXT, "input_schema": LOOK, "cache_control": {"type": "ephemeral"}}
way("anthropic")(message)
way("anthropic")(lambda truth: message(truth, stream=True, system=[{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}], stop_sequences=["END", TEXT]))
way("anthropic")(lambda truth: message(truth, system=TEXT, tools=[TOOL], tool_choice={"type": "tool", "name": "look"}, extra_body={"temperature": 0.5, "top_k": 3}, max_tokens=30_000, timeout=60))
way("anthropic")(lambda truth: message(truth, [USER, {"role": "assistant", "content": [{"type": "text", "text": "I look."}, {"type": "tool_use", "id": "t", "name": "look", "input": {"city": "Rome", "data": "x" * 3_000}}]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "rain"}]}], tools=[TOOL]))
way("anthropic")(lambda truth: message(truth, [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()}} for data in (b"small", PICTURE)]}]))


@way("anthropic")
def of_the_beta(truth):
    from anthropic import Anthropic

    client = Anthropic(base_url=truth.root, api_key="none")
    client.beta.messages.create(model="claude-haiku-4-5", max_tokens=5, messages=[USER], betas=["a-1", "b-2"], extra_body={"context_management": {"edits": []}})


# --- Gemini ---


def generate(truth, contents=TEXT, stream=False, **config):
    from google import genai

    client = genai.Client(api_key="none", http_options={"base_url": truth.root})
    make = client.models.generate_content_stream if stream else client.models.generate_content
    answer = make(model="gemini-2.5-flash", contents=contents, config=config or None)
    return list(answer) if stream else answer


def declared():
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING", "enum": ["Paris", "Rome"]}, "maxItems": {"type": "ARRAY", "items": {"type": "NUMBER"}}}, "required": ["city"]}
    return {"function_declarations": [{"name": "look", "description": TEXT, "parameters": schema}]}


TALK = [
    {"role": "user", "parts": [{"text": TEXT}]},
    {"role": "model", "parts": [{"function_call": {"name": "look", "args": {"city": "Rome", "data": "no base64", "inlineData": 1}}, "thought_signature": b"\xff\xfe\x00"}]},
    {"role": "user", "parts": [{"function_response": {"name": "look", "response": {"rain": 0.5}}}]},
]
way("gemini")(generate)
way("gemini")(lambda truth: generate(truth, stream=True, system_instruction=LONG, temperature=0.5, max_output_tokens=50, stop_sequences=["END"], seed=4))
way("gemini")(lambda truth: generate(truth, TALK, tools=[declared()], tool_config={"function_calling_config": {"mode": "ANY"}}))
way("gemini")(lambda truth: generate(truth, response_mime_type="application/json", response_schema={"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}, safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]))
way("gemini")(lambda truth: generate(truth, [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": data}} for data in (b"\xfb\xff small", PICTURE)]}, {"role": "model", "parts": [{"text": "a"}, {"text": "b"}]}, {"role": "user", "parts": [{"text": "c"}]}]))


@way("gemini")
def what_its_types_do_not_know(truth):
    """Asked without the client: goes by httpx again."""
    httpx.post(f"{truth.root}/v1beta/models/gemini-2.5-flash:generateContent", json={"contents": [{"role": "user", "parts": [{"text": "hi", "new": 1}]}], "generation_config": {"topK": 4}})


# --- all else ---


def post(truth, path, body):
    return requests.post(f"{truth.root}{path}", data=json.dumps(body), headers={"Content-Type": "application/json"})


way("httpx")(lambda truth: post(truth, "/v2/chat", {"model": "command-a", "messages": [{"role": "user", "content": TEXT}]}))
way("httpx")(lambda truth: requests.post(f"{truth.root}/api/chat", json={"model": "llama3", "messages": [{"role": "user", "content": TEXT}], "stream": True}).text)
way("httpx")(lambda truth: post(truth, "/v1/embeddings", {"model": "text-embedding-3-small", "input": [TEXT, LONG], "encoding_format": "float"}))
way("httpx")(lambda truth: post(truth, "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "half \ud83d of a character"}], "temperature": float("nan"), "top_p": float("-inf")}))
way("httpx")(lambda truth: post(truth, "/v1/chat/completions", {"model": "m", "messages": [USER], "deep": json.loads("[" * 150 + "]" * 150)}))
way("httpx")(lambda truth: post(truth, "/v1/chat/completions", {"messages": [USER]}))

RUNNER = """
import sys
for name in sys.argv[1:]:
    source = open(name, encoding="utf-8").read()
    exec(compile(source, name, "exec"), {"__name__": "__main__"})
"""


def told(served):
    """What the server got, in an order of its own: clients write a body's members as they like."""
    return sorted((call.path, json.dumps(call.body, sort_keys=True)) for call in served)


@pytest.mark.parametrize("form", list(WAYS))
def test_the_same_is_sent(form, truth, track, tmp_path):
    """For tools, schemas, images, streams, turns of tools, what the client does not know, and tasks: the same JSON body, to the same path."""
    with track() as run:
        for ask in WAYS[form]:
            ask(truth)
    sent = truth.settled()
    assert len(sent) == len(WAYS[form])
    spans = calls(run)
    assert len(spans) == len(sent)
    view = RunView(run)
    codes = [view.code(span.span_id) for span in spans]
    for number, code in enumerate(codes):
        (tmp_path / f"{number}.py").write_text(code, "utf-8")
    for name in ("image_1.png", "image_1.jpg"):
        (tmp_path / name).write_bytes(PICTURE)
    truth.clear()
    names = [f"{number}.py" for number in range(len(codes))]
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", RUNNER, *names], cwd=tmp_path, capture_output=True, timeout=120, env={**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"})
    assert ran.returncode == 0, ran.stderr.decode("utf-8", "replace")[-3_000:]
    assert told(sent) == told(truth.settled())


@pytest.mark.parametrize("form, client", [("chat", "client.chat.completions.create("), ("responses", "client.responses.create("), ("anthropic", "messages.create("), ("gemini", "client.models.generate_content")])
def test_by_the_client_of_its_own(form, client, truth, track):
    """Each is written in the form of its own client, but for what that could not send."""
    with track() as run:
        for ask in WAYS[form]:
            ask(truth)
    codes = [RunView(run).code(span.span_id) for span in calls(run)]
    others = [code for code in codes if client not in code]
    assert len(others) == (1 if form == "gemini" else 0), others
    assert all("none" not in code.replace('"API_KEY", "none"', "") or "None" in code for code in codes)


def test_the_parameters_of_each_client():
    """What is given by name the client's method takes; the newest of them an older client does not know yet."""
    from anthropic import Anthropic
    from google.genai import types
    from openai import OpenAI
    from pydantic.alias_generators import to_camel

    client, newer = OpenAI(api_key="none"), {"thinking", "service_tier"}
    assert openai_code.CHAT <= inspect.signature(client.chat.completions.create).parameters.keys()
    assert openai_code.RESPONSES <= inspect.signature(client.responses.create).parameters.keys()
    assert anthropic_code.MESSAGES <= inspect.signature(Anthropic(api_key="none").messages.create).parameters.keys() | newer
    known = {name for kind in (types.GenerateContentConfig, types.Part, types.Schema) for name in map(to_camel, kind.model_fields)}
    assert gemini_code.GENERATION | gemini_code.PARTS | gemini_code.SCHEMA <= known | {"responseJsonSchema", "imageConfig", "thoughtSignature"}


class Azure(BaseHTTPRequestHandler):
    """Answers whatever is asked, and takes down what."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, body, self.headers["api-key"]))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}
        answer = json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def azure():
    with HTTPServer(("127.0.0.1", 0), Azure) as server:
        server.told = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_azure(azure, track):
    """Of Azure the endpoint, the version of its API and the deployment are those of the call; the key is the environment's."""
    from openai import AzureOpenAI

    endpoint = f"http://127.0.0.1:{azure.server_address[1]}"
    with track() as run:
        for deployment in (None, "mine"):
            client = AzureOpenAI(azure_endpoint=endpoint, api_version="2024-10-21", api_key="secret", azure_deployment=deployment)
            client.chat.completions.create(model="gpt-4o", messages=[USER])
    sent, azure.told = azure.told, []
    for span in calls(run):
        code = RunView(run).code(span.span_id)
        assert "secret" not in code
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env={**os.environ, "AZURE_OPENAI_API_KEY": "secret"})
    assert sent == azure.told


def test_no_key_is_in_it(truth, track):
    """Keys of headers, of the URL and of the body are in no code."""
    with track() as run:
        httpx.post(f"{truth.url}/chat/completions?key=CANARY1&api-version=2", json={"model": "m", "messages": [USER], "api_key": "CANARY2"}, headers={"Authorization": "Bearer CANARY3", "x-api-key": "CANARY4", "Cookie": "a=CANARY5"})
    [span] = calls(run)
    code = RunView(run).code(span.span_id)
    assert "CANARY" not in code and '"api-version": "2"' in code
    assert "# not kept of the URL's query, for it may be a key: key" in code and "# keys in the body are not kept" in code


def test_what_is_gone(truth, track):
    """Of what is no call of this run, or no longer in memory, an error says why."""
    with track() as run:
        chat(truth)
    [span] = calls(run)
    view = RunView(run)
    assert view.code(span.span_id) == view.code({"span_id": span.span_id}) == view.code(view.spans().query("span_id == @span.span_id").iloc[0])
    assert repr(view.code(span.span_id)) == view.code(span.span_id)
    for missing in ("no such id", run.root_id):
        with pytest.raises(LookupError, match="no call of this run"):
            view.code(missing)
    with pytest.raises(LookupError, match="not in memory"):
        view.diff(span.span_id)
    span.content_gone = "no longer kept: over the budget"
    with pytest.raises(LookupError, match="over the budget"):
        view.code(span.span_id)


def test_the_users_own_say(truth, track, monkeypatch):
    """What `install(redact=…)` leaves out of tables is left out of the code and of the diff."""
    monkeypatch.setattr(redaction, "hook", lambda destination, kind, value: value.replace("CANARY", f"[{destination}]"))
    with track() as run:
        for text in ("the CANARY is here", "the CANARY was here"):
            chat(truth, [{"role": "user", "content": text}])
    view = RunView(run)
    first, second = (span.span_id for span in calls(run))
    code, diff = view.code(second), view.diff(second)
    assert "CANARY" not in code + diff and "the [table] was here" in code and "the [table] [-is-]{+was+} here" in diff
    assert diff.splitlines()[0].startswith("- ") and view.diff(second, first) == diff
