"""A model call as Python: valid whatever was sent, and laid out as a person would write it."""

import ast
import json
import math

import pytest
from hypothesis import given, strategies as st

from aimon_nb.views.as_code.code import as_code, messages_as_json
from aimon_nb.views.as_code.literal import WIDTH, literal
from aimon_nb.views.as_code.request import Request

CHAT = "https://api.openai.com/v1/chat/completions"
USER = {"role": "user", "content": "Why is the tide high?"}
TEXTS = st.text(st.characters(exclude_categories=()), max_size=300) | st.sampled_from(
    ['"', "'", '"""', "'''", '\\"""', '""""""', "\n", "a\n", "a\nb\"", 'a\nb"""', "a\nb\\", "\\\n\\", "a\r\nb", "\ud83d", "\u202e", "{x}", "%s", "\x00", "é\nü", "!ls\n%cd\n?x", "x" * 300]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS | st.sampled_from([10**400, -0.0, 1e308]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
)


def request(body, url=CHAT, **headers):
    return Request(url, body if isinstance(body, bytes) else json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


@given(VALUES, st.integers(0, 40))
def test_the_source_of_a_value_is_that_value(value, indent):
    """Whatever JSON can hold, at any depth and column: Python reads the source as the same value."""
    source = literal(value, indent, indent)
    assert value == ast.literal_eval(source)
    assert repr(value) == repr(ast.literal_eval(source))  # True is no 1, -0.0 no 0.0


def test_a_long_text_is_wrapped():
    """However deep it stands: no line is longer than a formatter's."""
    lines = literal([[[{"text": "word and\tword, " * 400, "one": "x" * 5_000}]]]).split("\n")
    assert len(lines) > 100 and max(map(len, lines)) <= WIDTH + 16


@given(VALUES)
def test_it_is_the_same_each_time(value):
    """The same call is the same code."""
    assert as_code(request({"model": "m", "messages": value})) == as_code(request({"model": "m", "messages": value}))


@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.sampled_from([CHAT, CHAT + "?a=b%22", "https://api.anthropic.com/v1/messages", "https://api.cohere.com/v2/chat", "http://127.0.0.1:9/v1/responses"]))
def test_the_code_is_python(body, url):
    """Whatever the body holds: the code can be compiled."""
    compile(as_code(request({"model": "m", "max_tokens": 5, "messages": [], **body}, url)), "code", "exec")


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe\x00", b"no JSON", b"[1, 2]", b'"text"', b"NaN", b'{"a": NaN, "b": -Infinity}', b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"n": ' + b"9" * 5000 + b"}", b'{"a": 1, "a": 2}', b'{"messages": "x", "model": []}'],
    ids=range(11),
)
def test_a_body_that_no_client_would_send(body):
    """Bytes that are no JSON, or JSON that Python's own parser or a client refuses: the code is Python all the same, and says what was sent."""
    code = as_code(request(body))
    compile(code, "code", "exec")
    if b"NaN" in body[:20] and body.startswith(b"{"):
        assert 'float("nan")' in code and "content=json.dumps(body)" in code


def test_as_a_person_would_write_it():
    """Short things on a line, a long text wrapped at its words, one of several lines in triple quotes, a parameter that the client lacks as extra_body."""
    code = as_code(
        request(
            {
                "model": "gpt-4o-mini",
                "messages": [{"role": "system", "content": 'You are brief. Say what you know.\nAnd where you know nothing,\n\nsay "no" \\ "yes".'}, {**USER, "content": "Summarise the three reports below for a board member. Name every number you use, and which you doubt."}],
                "temperature": 0.2,
                "top_k": 5,
            }
        )
    )
    assert code == '''from openai import OpenAI

client = OpenAI()  # its key: OPENAI_API_KEY

response = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[
        {
            "role": "system",
            "content": """\\
You are brief. Say what you know.
And where you know nothing,

say "no" \\\\ "yes".""",
        },
        {
            "role": "user",
            "content": (
                "Summarise the three reports below for a board member. Name every number "
                "you use, and which you doubt."
            ),
        },
    ],
    temperature=0.2,
    extra_body={"top_k": 5},
)
print(response.choices[0].message.content)
'''


@pytest.mark.parametrize(
    "url, headers, body, words",
    [
        ("https://api.groq.com/openai/v1/chat/completions", {}, {"model": "m", "messages": [USER]}, ['base_url="https://api.groq.com/openai/v1"', 'api_key=os.environ["GROQ_API_KEY"]']),
        ("http://localhost:11434/v1/chat/completions", {}, {"model": "m", "messages": [USER]}, ['base_url="http://localhost:11434/v1"', 'os.environ.get("API_KEY", "none")']),
        ("https://llm.my-team.example/v1/responses", {}, {"model": "m", "input": "hi"}, ['api_key=os.environ["API_KEY"]', "client.responses.create(", "response.output_text"]),
        ("https://me.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", {}, {"model": "gpt-4o", "messages": [USER]}, ["AzureOpenAI(", 'azure_endpoint="https://me.openai.azure.com"', 'api_version="2024-10-21"', "# its key: AZURE_OPENAI_API_KEY"]),
        ("https://me.openai.azure.com/openai/deployments/mine/chat/completions?api-version=1", {}, {"model": "gpt-4o", "messages": [USER]}, ['azure_deployment="mine"']),
        ("https://api.anthropic.com/v1/messages", {"anthropic_beta": "files-1", "anthropic_version": "2023-06-01"}, {"model": "c", "max_tokens": 5, "messages": [USER]}, ["Anthropic()", 'extra_headers={"anthropic-beta": "files-1"}']),
        ("https://api.anthropic.com/v1/messages?beta=true", {"anthropic_beta": "a,b"}, {"model": "c", "max_tokens": 50_000, "messages": [USER]}, ["client.beta.messages.create(", 'betas=["a", "b"]', "timeout=600"]),
        ("https://eu-aiplatform.googleapis.com/v1beta1/projects/p/locations/eu/publishers/google/models/gemini-2.5-pro:generateContent", {}, {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, ['genai.Client(vertexai=True, project="p", location="eu")', 'contents="hi"']),
        ("https://generativelanguage.googleapis.com/v1beta/models/g:generateContent", {}, {"contents": [{"parts": [{"new": 1}]}]}, ["httpx.post(", '"x-goog-api-key": os.environ["GEMINI_API_KEY"]']),
        ("https://api.mistral.ai/v1/agents/completions", {}, {"agent_id": "a", "messages": [USER], "stream": True}, ["httpx.stream(", '"Bearer " + os.environ["MISTRAL_API_KEY"]']),
        ("https://api.openai.com/v1/embeddings", {}, {"model": "m", "input": ["a"]}, ["httpx.post(", '"Bearer " + os.environ["OPENAI_API_KEY"]']),
    ],
    ids=range(11),
)  # fmt: skip
def test_the_client_of_each_api(url, headers, body, words):
    """Each API by its own client, with its address where that is another and a variable for the key; all else by httpx."""
    code = as_code(request(body, url, **headers))
    assert [] == [word for word in words if word not in code], code
    assert "sk-" not in code


def test_media():
    """Small media stand in the code; of large ones the code says what to put into which file, each once."""
    small, large = "data:image/png;base64," + "aGVsbG8h" * 10, "data:image/jpeg;base64," + "aGVsbG8h" * 1000
    images = [{"type": "image_url", "image_url": {"url": url}} for url in (small, large, large)]
    sound = {"type": "input_audio", "input_audio": {"data": "aGVsbG8h" * 900, "format": "wav"}}
    code = as_code(request({"model": "m", "messages": [{"role": "user", "content": [*images, sound]}]}))
    assert "aGVsbG8h" * 10 + '"' in code.replace('"\n', "") or "aGVsbG8h" * 5 in code
    assert code.count('image_1 = base64.b64encode(Path("image_1.jpg").read_bytes()).decode()') == 1
    assert code.count('"data:image/jpeg;base64," + image_1') == 2
    assert "# the image/jpeg of 6,000 bytes that was sent" in code and '"data": audio_2' in code and 'Path("audio_2.wav")' in code
    assert len(code) < 2_500


def test_what_only_looks_like_media():
    """A long text of letters, the signature of a thought and base64 that is written otherwise stand in the code as they are."""
    for text in ("a" * 5_000, "data:image/png;base64," + "aGVsbG8h" * 1000 + "=", "data:text/html;base64,<script>" * 200):
        code = as_code(request({"model": "m", "messages": [{"role": "user", "content": text, "signature": "aGVsbG8h" * 1000}]}))
        assert "Path(" not in code
        assert text in ast.unparse(ast.parse(code))


@pytest.mark.parametrize(
    "body, told",
    [
        ({"messages": [USER], "model": "m"}, [USER]),
        ({"input": "hi", "model": "m"}, "hi"),
        ({"system": "brief", "messages": [USER]}, {"system": "brief", "messages": [USER]}),
        ({"contents": [1], "systemInstruction": {"parts": []}}, {"contents": [1], "systemInstruction": {"parts": []}}),
        ({"model": "m", "x": 1}, None),
    ],
)
def test_messages_as_the_api_takes_them(body, told):
    """The messages as JSON; with what stands beside them where an API has instructions apart."""
    text = messages_as_json(request(body))
    assert told == (None if text is None else json.loads(text))


def test_no_number_is_changed():
    """A number is as it was sent: no float for an int, no digit less."""
    body = {"messages": [], "model": "m", "seed": 2**70, "temperature": 1.0, "top_p": 0.1 + 0.2}
    tree = ast.parse(as_code(request(body)))
    told = {k.arg: ast.literal_eval(k.value) for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords}
    assert body | {"x": 1} == told | {"x": 1}
    assert isinstance(told["temperature"], float) and math.isclose(told["top_p"], 0.30000000000000004, rel_tol=0)


def test_a_large_prompt():
    """Megabytes are written too, each line of them short."""
    text = "word and\tword " * 200_000
    code = as_code(request({"model": "m", "messages": [{"role": "user", "content": text}]}))
    assert text in ast.unparse(ast.parse(code)).replace("\\t", "\t") and max(map(len, code.splitlines())) <= 120
