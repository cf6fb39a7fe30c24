"""What is read from requests and answers in the documented formats."""

import pytest

from aimon_nb.model import Usage
from aimon_nb.wire.dialects import find
from aimon_nb.wire.dialects.known_usage import NOT_FINAL
from aimon_nb.wire.model_request import ModelRequest
from tests.tiers import covering
from tests.wire.answers import CASES
from aimon_nb.wire.dialects.usage_only import UsageOnly
from tests.wire.model_requests import KINDS, frames, heard_by, heard_call, plain, right_or_unknown, sse

BY_NAME = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def turns(messages):
    return [(m.role, m.text, m.tool_calls) for m in messages]


def check(case, call):
    assert case.usage == call.usage
    assert case.said == turns(call.output)
    assert (case.model, case.answered_by) == (call.request_model, call.response_model)
    assert (case.provider, case.operation) == (call.provider, call.operation)
    assert (case.reason, case.tier, case.error) == (call.finish_reason, call.service_tier, call.error)
    assert (case.streaming, case.details, case.tools) == (call.streaming, call.details, call.tools)
    assert ([NOT_FINAL] if case.so_far else []) == call.shortfalls
    assert (case.server_tools, case.conversation) == (call.server_tools, call.conversation)
    assert case.first == next(((turn.role, turn.text) for turn in call.input), None)


@BY_NAME
def test_whole(case):
    """Everything that a request and its answer tell is on the call."""
    check(case, heard_call(case.path, case.asked, case.answer, case.host))


@covering()
@BY_NAME
@pytest.mark.parametrize("size", [1, 7])
def test_byte_by_byte(case, size):
    """It does not matter in which pieces an answer comes."""
    pieces = [case.answer[i : i + size] for i in range(0, len(case.answer), size)]
    check(case, heard_call(case.path, case.asked, pieces, case.host))


@BY_NAME
@pytest.mark.parametrize("is_cut", [False, True])
def test_by_its_usage_alone(case, is_cut):
    """What would be read if nobody had written a dialect is as billed, unknown, or said to be a lower bound."""
    dialect = UsageOnly(case.host, case.path)
    answer = case.answer if not is_cut else case.answer[: len(case.answer) * 2 // 3]
    call = heard_by(dialect, case.host, case.asked, answer)
    assert call.from_usage_alone
    if not call.shortfalls:
        assert all(getattr(call.usage, kind) in (getattr(case.usage, kind), None) for kind in KINDS)
        assert call.details == case.details or not call.usage.known


@BY_NAME
def test_no_body(case):
    """A request whose body is not known still has its answer, and what the path tells."""
    call = heard_call(case.path, None, case.answer, case.host)
    right_or_unknown(case.usage, call)
    assert call.usage == case.usage or not case.reason
    in_path = any(part in case.path for part in ("/models/", "/model/", "/deployments/"))
    assert (case.model if in_path else None) == call.request_model


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/chat/completions", {"error": {"message": "busy", "type": "rate_limit_error", "code": None}}),
        ("/v1/messages", {"type": "error", "error": {"type": "rate_limit_error", "message": "busy"}}),
        ("/v1beta/models/m:generateContent", [{"error": {"code": 429, "message": "busy", "status": "RESOURCE_EXHAUSTED"}}]),
        ("/model/m/converse", {"message": "busy"}),
        ("/v2/chat", {"id": "i", "message": "busy"}),
        ("/v1/chat/completions", {"object": "error", "message": "busy", "type": "x"}),
        ("/api/chat", {"error": "busy"}),
        ("/generate", {"error": "busy", "error_type": "overloaded"}),
    ],
)
def test_refused(path, answer):
    """An answer that refuses has its text, and no usage."""
    call = heard_call(path, {"model": "m"}, plain(answer), status=429)
    assert ("busy", False) == (call.error, call.usage.known)


class TestMessages:
    """The turns of a request, as each provider puts them."""

    def test_anthropic(self):
        """Text, a word for an image, tool calls with their arguments, and the result of a tool, turn by turn."""
        asked = {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image", "source": {}}]},
                {"role": "assistant", "content": [{"type": "text", "text": "b"}, {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "c"}]}]},
            ]
        }  # fmt: skip
        call = heard_call("/v1/messages", asked)
        assert turns(call.input) == [("user", "a\n[image]", []), ("assistant", "b", [("f", '{"x": 1}')]), ("user", "c", [])]
        assert ["", "", "f"] == [one.tools for one in call.input]

    def test_chat(self):
        """The result of a tool has the name of its call, in whatever order they come back; one that answers no call has none."""
        calls = [{"id": one, "type": "function", "function": {"name": name, "arguments": "{}"}} for one, name in (("c1", "stock"), ("c2", "policy"))]
        asked = {
            "model": "m",
            "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": calls}]
            + [{"role": "tool", "tool_call_id": one, "content": one} for one in ("c2", "c1", "c9")],
        }  # fmt: skip
        assert ["", "", "policy", "stock", ""] == [one.tools for one in heard_call("/v1/chat/completions", asked).input]

    def test_responses(self):
        """Instructions are the system turn; a function call and its output are turns; the effort is a parameter."""
        asked = {
            "instructions": "s",
            "reasoning": {"effort": "low"},
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image"}]},
                {"type": "function_call", "call_id": "t", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "t", "output": "c"},
            ],
        }  # fmt: skip
        call = heard_call("/v1/responses", asked)
        said = [("system", "s", []), ("user", "a\n[input_image]", []), ("assistant", "", [("f", "{}")]), ("tool", "c", [])]
        assert (said, {"reasoning_effort": "low"}) == (turns(call.input), call.parameters)
        assert "f" == call.input[-1].tools

    def test_gemini(self):
        """Parts become text, a word for data, calls and their responses; of the configuration the plain values are kept."""
        asked = {
            "system_instruction": {"parts": [{"text": "s"}]},
            "generationConfig": {"temperature": 0.5, "thinkingConfig": {"thinkingBudget": 7}, "responseSchema": {}},
            "contents": [
                {"role": "user", "parts": [{"text": "a"}, {"inlineData": {"data": "…"}}]},
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"y": 2}}}]},
            ],
        }  # fmt: skip
        call = heard_call("/v1beta/models/m:generateContent", asked)
        said = [("system", "s", []), ("user", "a\n[inlineData]", []), ("model", "", [("f", '{"x": 1}')]), ("user", '{"y": 2}', [])]
        assert (said, {"temperature": 0.5, "thinkingBudget": 7}) == (turns(call.input), call.parameters)

    def test_bedrock(self):
        """System texts without cache points, a word for an image, tool use, and results as JSON and text."""
        asked = {
            "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}],
            "messages": [
                {"role": "user", "content": [{"text": "a"}, {"image": {}}]},
                {"role": "assistant", "content": [{"toolUse": {"name": "f", "input": {"x": 1}}}]},
                {"role": "user", "content": [{"toolResult": {"content": [{"json": {"y": 2}}, {"text": "z"}]}}]},
            ],
        }  # fmt: skip
        call = heard_call("/model/m/converse", asked)
        said = [("system", "s", []), ("user", "a\n[image]", []), ("assistant", "", [("f", '{"x": 1}')]), ("user", '{"y": 2}\nz', [])]
        assert said == turns(call.input)

    def test_cohere_v1(self):
        """The preamble is the system turn, and the message follows the history."""
        asked = {"preamble": "s", "chat_history": [{"role": "CHATBOT", "message": "b"}], "message": "c"}
        assert turns(heard_call("/v1/chat", asked).input) == [("system", "s", []), ("chatbot", "b", []), ("user", "c", [])]

    @pytest.mark.parametrize(
        ("path", "asked"),
        [
            ("/v1beta/models/m:generateContent", {"contents": [
                {"role": "model", "parts": [{"functionCall": {"name": name, "args": {}}} for name in ("stock", "policy")]},
                {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {}}} for name in ("policy", "stock")]},
            ]}),
            ("/v1beta/interactions", {"model": "m", "input": [
                {"type": "function_call", "id": "c1", "name": "stock", "arguments": {}},
                {"type": "function_call", "id": "c2", "name": "policy", "arguments": {}},
                {"type": "function_result", "call_id": "c2", "result": "b"},
                {"type": "function_result", "call_id": "c1", "name": "stock", "result": "a"},
                {"type": "function_result", "call_id": "c9", "result": "c"},
            ]}),
            ("/model/m/converse", {"messages": [
                {"role": "assistant", "content": [{"toolUse": {"toolUseId": one, "name": name, "input": {}}} for one, name in (("c1", "stock"), ("c2", "policy"))]},
                {"role": "user", "content": [{"toolResult": {"toolUseId": one, "content": [{"text": one}]}} for one in ("c2", "c1", "c9")]},
            ]}),
            ("/v2/chat", {"model": "m", "messages": [
                {"role": "assistant", "tool_calls": [{"id": one, "function": {"name": name, "arguments": "{}"}} for one, name in (("c1", "stock"), ("c2", "policy"))]},
                *({"role": "tool", "tool_call_id": one, "content": one} for one in ("c2", "c1", "c9")),
            ]}),
            ("/v1/chat", {"model": "m", "message": "q", "tool_results": [
                {"call": {"name": name, "parameters": {}}, "outputs": [{"x": 1}]} for name in ("policy", "stock")
            ]}),
            ("/v1/conversations", {"model": "m", "inputs": [
                {"type": "function.call", "tool_call_id": "c1", "name": "stock", "arguments": "{}"},
                {"type": "function.call", "tool_call_id": "c2", "name": "policy", "arguments": "{}"},
                *({"type": "function.result", "tool_call_id": one, "result": one} for one in ("c2", "c1", "c9")),
            ]}),
        ],
        ids=["gemini", "interactions", "converse", "cohere 2", "cohere 1", "conversations"],
    )  # fmt: skip
    def test_results_name_their_tools(self, path, asked):
        """The result of a tool has the name of its call, in whatever order they come back; one that answers no call has none."""
        named = [name for one in heard_call(path, asked).input if one.tools for name in one.tools.split(", ")]
        assert ["policy", "stock"] == named


class TestGrowing:
    def test_text_grows_while_it_streams(self):
        """What is said so far can be read at any time, JSON lines and lists included."""
        for name in ("ollama chat", "gemini stream as a list", "bedrock converse-stream", "openai stream"):
            case = CASES[name]
            half = heard_call(case.path, case.asked, case.answer[: len(case.answer) * 3 // 4], left=True)
            assert half.output, name

    def test_a_frame_with_a_wrong_checksum(self):
        """A damaged frame is passed over; after a damaged prelude nothing is read."""
        good = frames(("messageStop", {"stopReason": "end_turn"}))
        usage = frames(("metadata", {"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}}))
        damaged = bytearray(usage)
        damaged[-8] ^= 1
        assert not heard_call("/model/m/converse-stream", {}, bytes(damaged) + good).usage.known
        assert "end_turn" == heard_call("/model/m/converse-stream", {}, bytes(damaged) + good).finish_reason
        damaged = bytearray(usage)
        damaged[3] ^= 1
        assert heard_call("/model/m/converse-stream", {}, bytes(damaged) + good).finish_reason is None
        assert 15 == heard_call("/model/m/converse-stream", {}, good + usage).usage.total

    def test_a_count_must_be_a_count(self):
        """A count that is none is unknown, and so is a sum with it."""
        for junk in ("7.5", "+7", "seven", "७", -1, 1.5, True, [7], {"a": 1}, 10**30, float("inf")):
            raw = {"input_tokens": 10, "cache_read_input_tokens": junk, "output_tokens": 5}
            usage = heard_call("/v1/messages", {}, plain({"type": "message", "stop_reason": "end_turn", "usage": raw})).usage
            assert (None, None, 5) == (usage.input, usage.cached, usage.output), junk

    def test_a_count_as_text(self):
        """Some proxies write their counts as text."""
        raw = {"input_tokens": "10", "cache_read_input_tokens": "7", "output_tokens": 5.0}
        usage = heard_call("/v1/messages", {}, plain({"type": "message", "stop_reason": "end_turn", "usage": raw})).usage
        assert (17, 7, 5) == (usage.input, usage.cached, usage.output)

    def test_a_body_of_many_lines(self):
        """A pretty-printed body and braces inside of texts are one answer."""
        body = b'{\n  "usage": {"prompt_tokens": 3},\n  "x": "}{ \\" } \\\\",\n  "choices": []\n}\n'
        assert 3 == heard_call("/v1/chat/completions", {}, [body[:20], body[20:45], body[45:]]).usage.input

    def test_an_event_stream_without_spaces_and_with_carriage_returns(self):
        """Both forms that the standard of event streams allows are read."""
        body = sse({"choices": [], "usage": {"prompt_tokens": 3}}).replace(b"\n", b"\r\n").replace(b"data: ", b"data:")
        assert 3 == heard_call("/v1/chat/completions", {}, body).usage.input


class TestBedrockHeaders:
    PATH = "/model/cohere.command-r-v1%3A0/invoke"
    TOLD = {
        "x-amzn-bedrock-input-token-count": "12",
        "x-amzn-bedrock-output-token-count": "5",
        "x-amzn-bedrock-cache-read-input-token-count": "3",
    }
    ANSWER = b'{"text": "18", "finish_reason": "COMPLETE"}'

    def test_counts_in_headers(self):
        """Where the body tells no usage, Bedrock's own counts do: the cache beside the input."""
        call = heard_call(self.PATH, {"message": "hi"}, self.ANSWER, headers=self.TOLD)
        assert call.usage == Usage(15, 3, None, 5)
        assert call.output[0].text == "18"

    def test_the_body_goes_first(self):
        """What the maker tells of its answer stands, whatever the headers say."""
        body = b'{"generation": "18", "stop_reason": "stop", "prompt_token_count": 9, "generation_token_count": 2}'
        assert heard_call(self.PATH, {}, body, headers=self.TOLD).usage == Usage(9, None, None, 2)

    @pytest.mark.parametrize("text", ["", "-1", "1e3", "12.0", "many", "９x", "9" * 5000, "\u00b2"])
    def test_nonsense_is_unknown(self, text):
        """A header that is no count tells nothing."""
        told = {"x-amzn-bedrock-input-token-count": text}
        assert heard_call(self.PATH, {}, self.ANSWER, headers=told).usage == Usage()

    def test_not_of_an_error(self):
        """A refused call has no counts."""
        assert heard_call(self.PATH, {}, b'{"message": "no"}', status=400, headers=self.TOLD).usage == Usage()

    def test_no_other_header_is_read(self):
        """Only the dialect's own names are asked for and, at hosts of nobody's, those of a gateway."""

        class Asked(dict):
            names = []

            def __contains__(self, name):
                self.names.append(name)
                return False

        for path in (self.PATH, "/v1/chat/completions"):
            dialect = find("api.example.com", path.encode())
            model_request = ModelRequest(dialect, "api.example.com", dialect.path, b"")
            model_request.on_response_head(200, Asked())
        assert sorted(set(Asked.names)) == sorted(
            ["x-litellm-model-id", "x-litellm-version"]
            + [f"x-amzn-bedrock-{kind}-token-count" for kind in ("input", "output", "cache-read-input", "cache-write-input")]
        )
