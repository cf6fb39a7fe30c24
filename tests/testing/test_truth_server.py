"""The model server that knows what it answered, and the receiver that stands for Sentry."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from aimon_nb.testing.counting import steering
from tests.parts import sdk


class TestReceiver:
    @sdk.transactions
    @pytest.mark.parametrize("options", [{}, {"stream_gen_ai_spans": False}])
    def test_a_transaction_from_this_process(self, receiver, options):
        """A transaction with a model span arrives whole, however its spans are sent."""
        import sentry_sdk

        receiver.init(**options)
        with sentry_sdk.start_transaction(op="ai.pipeline", name="root"):
            with sentry_sdk.start_span(op="gen_ai.chat", name="chat m") as span:
                span.set_data("gen_ai.usage.input_tokens", 7)
        assert ["root"] == [t["transaction"] for t in receiver.stored("transaction")]
        spans = {span["op"]: span for span in receiver.spans()}
        assert 7 == spans["gen_ai.chat"]["data"]["gen_ai.usage.input_tokens"]
        assert spans["ai.pipeline"]["span_id"] == spans["gen_ai.chat"]["parent_span_id"]

    def test_spans_of_the_stream_lifecycle(self, receiver):
        """Streamed spans arrive as v2 items, parents known."""
        import sentry_sdk

        receiver.init(trace_lifecycle="stream")
        with sentry_sdk.traces.start_span(name="root", attributes={"sentry.op": "ai.pipeline"}):
            with sentry_sdk.traces.start_span(name="child"):
                pass
        spans = {span["name"]: span for span in receiver.spans()}
        assert spans["root"]["span_id"] == spans["child"]["parent_span_id"]


@pytest.fixture
def client(truth):
    import openai

    return openai.OpenAI(base_url=truth.url, api_key="none")


ASK = [{"role": "system", "content": "be brief please"}, {"role": "user", "content": "what is a cat"}]


def counts(usage):
    """OpenAI's usage of either API in the words of `server.calls`."""
    if hasattr(usage, "prompt_tokens"):
        given, made = usage.prompt_tokens_details, usage.completion_tokens_details
        return usage.prompt_tokens, given.cached_tokens, usage.completion_tokens, made.reasoning_tokens
    given, made = usage.input_tokens_details, usage.output_tokens_details
    return usage.input_tokens, given.cached_tokens, usage.output_tokens, made.reasoning_tokens


def booked(call):
    return call.input, call.cached, call.output, call.reasoning


class TestTruthServer:
    def test_counts_are_words(self, client, truth):
        """A token is a word; instructions are cached; models that reason think a word a word."""
        answer = client.chat.completions.create(model="gpt-5-mini", messages=ASK)
        (call,) = truth.settled()
        said = answer.choices[0].message.content
        assert (7, 3, len(said.split()) + 4, 4) == booked(call) == counts(answer.usage)
        assert ("/v1/chat/completions", "gpt-5-mini", 200, "finished", False) == (
            call.path, call.model, call.status, call.outcome, call.streamed
        )  # fmt: skip

    def test_the_same_question_has_the_same_answer(self, client):
        """Answers are deterministic."""
        said = {
            client.chat.completions.create(model="gpt-4o", messages=ASK).choices[0].message.content
            for _ in range(2)
        }
        assert 1 == len(said)

    def test_new_instructions_are_written_to_the_cache(self, client, truth):
        """Instructions marked new are cache writes, not cache reads."""
        ask = [{"role": "system", "content": "[new] be brief"}, ASK[1]]
        details = client.chat.completions.create(model="gpt-4o", messages=ask).usage.prompt_tokens_details
        (call,) = truth.settled()
        assert (0, 3) == (call.cached, call.cache_write)
        assert (0, 3) == (details.cached_tokens, details.cache_write_tokens)

    @pytest.mark.parametrize("told", [True, False])
    def test_stream(self, client, truth, told):
        """A stream has as many pieces as promised, and usage only if asked for."""
        options = {"stream_options": {"include_usage": True}} if told else {}
        chunks = list(client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True, **options))
        (call,) = truth.settled()
        pieces = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
        assert 12 == len(pieces)
        assert call.output == len("".join(pieces).split())
        assert (True, told, "finished") == (call.streamed, call.usage_told, call.outcome)
        if told:
            assert booked(call) == counts(chunks[-1].usage)
        else:
            assert all(chunk.usage is None for chunk in chunks)

    def test_stream_left_early(self, client, truth):
        """A stream that the client closes is on the books as left early, soon."""
        stream = client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
        next(iter(stream))
        stream.close()
        (call,) = truth.settled()
        assert ("left_early", False) == (call.outcome, call.usage_told)

    def test_stream_helper(self, client, truth):
        """The client's own stream helper understands the events."""
        with client.chat.completions.stream(
            model="gpt-4o", messages=ASK, stream_options={"include_usage": True}
        ) as stream:
            usage = stream.get_final_completion().usage
        assert booked(truth.settled()[0]) == counts(usage)

    def test_parse(self, client, truth):
        """Structured output is valid for its schema, nested and recursive ones too."""
        pydantic = pytest.importorskip("pydantic")
        from typing import Literal

        class Part(pydantic.BaseModel):
            name: str
            weight: float = pydantic.Field(gt=2)
            inner: "Part | None"

        class Whole(pydantic.BaseModel):
            parts: list[Part]
            kind: Literal["cat", "dog"]
            sure: bool
            count: int

        chat = client.chat.completions.parse(model="gpt-4o", messages=ASK, response_format=Whole)
        assert "cat" == chat.choices[0].message.parsed.kind
        response = client.responses.parse(model="gpt-4o", input="what", text_format=Whole)
        assert chat.choices[0].message.parsed == response.output_parsed
        assert [counts(chat.usage), counts(response.usage)] == [booked(c) for c in truth.settled()]

    @pytest.mark.parametrize("stream", [False, True])
    def test_tool_call(self, client, truth, stream):
        """A user who says so gets a call of the first tool; its result gets an answer."""
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
        ask = [{"role": "user", "content": "use the tool for me"}]
        if stream:
            with client.chat.completions.stream(model="gpt-4o", messages=ask, tools=tools) as s:
                message = s.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(model="gpt-4o", messages=ask, tools=tools).choices[0].message
        (call,) = message.tool_calls
        assert ("weather", {"city"}) == (call.function.name, set(json.loads(call.function.arguments)))
        ask += [message.model_dump(include={"role", "content", "tool_calls"})]
        ask += [{"role": "tool", "tool_call_id": call.id, "content": "rain"}]
        final = client.chat.completions.create(model="gpt-4o", messages=ask, tools=tools)
        assert "rain" in final.choices[0].message.content
        assert 2 == len(truth.settled())

    @pytest.mark.parametrize("stream", [False, True])
    def test_tools_by_name(self, client, truth, stream):
        """`[call b, a]` calls these two, said in the last turn whose ever it is, or in the instructions after the user's."""
        tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in "abc"]

        def called(*turns):
            ask = {"model": "gpt-4o", "messages": [{"role": role, "content": text} for role, text in turns], "tools": tools}
            if stream:
                with client.chat.completions.stream(**ask) as s:
                    message = s.get_final_completion().choices[0].message
            else:
                message = client.chat.completions.create(**ask).choices[0].message
            return [call.function.name for call in message.tool_calls or ()]

        assert ["b", "a"] == called(("user", "[call b, a, no]"))
        assert ["c"] == called(("user", "[call a]"), ("assistant", "x"), ("tool", "[call c]"))
        assert ["a"] == called(("system", "[call a]"), ("user", "do"))
        assert [] == called(("system", "[call a]"), ("user", "do"), ("assistant", "x"), ("tool", "y"))

    def test_responses(self, client, truth):
        """The responses API, plain and streamed, tells the same usage."""
        ask = {"model": "gpt-5", "input": "what is a cat", "instructions": "be brief"}
        plain = client.responses.create(**ask)
        events = list(client.responses.create(**ask, stream=True))
        assert "response.completed" == events[-1].type
        assert plain.output_text == events[-1].response.output_text
        deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
        assert (12, plain.output_text) == (len(deltas), "".join(deltas))
        first, second = truth.settled()
        assert booked(first) == booked(second) == counts(plain.usage) == counts(events[-1].response.usage)
        assert (6, 2, 4) == (first.input, first.cached, first.reasoning)

    def test_embeddings(self, client, truth):
        """Embeddings have input tokens only, and the same text has the same vector."""
        one, two = client.embeddings.create(model="text-embedding-3-small", input=["a b", "a b"]).data
        assert one.embedding == two.embedding
        (call,) = truth.settled()
        assert (4, 0, 0, 0) == booked(call)

    def test_errors(self, client, truth):
        """Failures have OpenAI's shape; 429 once is followed by an answer."""
        import openai

        def ask(text):
            return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])

        ask("[busy once] hello")
        assert [429, 200] == [call.status for call in truth.settled()]
        client.max_retries = 0
        with pytest.raises(openai.InternalServerError, match="you asked for status 500"):
            ask("[status 500]")
        with pytest.raises(openai.APIConnectionError):
            ask("[cut]")
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            client.chat.completions.create(model="no-such-model", messages=ASK)
        with pytest.raises(openai.NotFoundError):
            client.moderations.create(input="x")
        *_, failed, cut, _unknown = truth.settled()
        assert (500, 0, "finished") == (failed.status, failed.total, failed.outcome)
        assert ("cut", False) == (cut.outcome, cut.usage_told)

    def test_wait(self):
        """A request can ask for a slow answer."""
        assert 0.4 == steering("please [wait 0.4] a little").wait

    def test_hold(self, client, truth):
        """A request that asks for it, and after `hold()` every one, is answered when the test says so."""
        with ThreadPoolExecutor(2) as pool:
            asks = [pool.submit(client.chat.completions.create, model="gpt-4o", messages=ASK)]
            asks[0].result()
            asks += [pool.submit(client.chat.completions.create, model="gpt-4o", messages=[{"role": "user", "content": "[hold]"}])]
            truth.wait_held()
            truth.hold()
            asks += [pool.submit(client.chat.completions.create, model="gpt-4o", messages=ASK)]
            truth.wait_held(2)
            assert ["finished", "running", "running"] == [call.outcome for call in truth.calls]
            truth.release()
            assert 0 == truth.held
            assert all(ask.result().usage for ask in asks)
        assert ["finished"] * 3 == [call.outcome for call in truth.settled()]

    def test_what_was_released_is_held_no_more(self, client, truth):
        """A second `wait_held()` waits for a new request, though the released one may not be answered yet."""
        truth.hold()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(client.chat.completions.create, model="gpt-4o", messages=ASK)
            truth.wait_held()
            truth.release()
            truth.hold()
            with pytest.raises(TimeoutError, match="0 of 1 requests are held"):
                truth.wait_held(timeout=0.01)
            truth.release()
            assert asked.result().usage

    def test_settled_says_what_does_not_end(self, client, truth):
        """A request that is under way at the end of the time is named, not taken for one that is over."""
        truth.hold()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(client.chat.completions.create, model="gpt-4o", messages=ASK)
            truth.wait_held()
            with pytest.raises(TimeoutError, match="still under way: /v1/chat/completions"):
                truth.settled(0.01)
            truth.release()
            assert asked.result().usage

    def test_a_held_stream(self, client, truth):
        """A stream can stop after some of its events until the test says so, and comes as it is told."""
        ask = [{"role": "user", "content": "[hold after 4] please"}]
        stream = client.chat.completions.create(model="gpt-4o", messages=ask, stream=True)
        first = [next(stream) for _ in range(4)]
        truth.wait_held()
        assert "running" == truth.calls[0].outcome
        truth.release()
        assert "finished" == truth.settled()[0].outcome and first and list(stream)

    def test_every_stream_held(self, client, truth):
        """After `hold(after=2)` every stream stops after two events, and what is no stream before its answer."""
        truth.hold(after=2)
        stream = client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
        first = [next(stream) for _ in range(2)]
        with ThreadPoolExecutor(1) as pool:
            whole = pool.submit(client.chat.completions.create, model="gpt-4o", messages=ASK)
            truth.wait_held(2)
            truth.release()
            assert whole.result().usage and first and list(stream)

    def test_many_at_once(self, truth):
        """Forty calls at once are answered side by side, each on the books once."""
        import openai

        async def ask():
            async with openai.AsyncOpenAI(base_url=truth.url, api_key="none") as client:
                one = [client.chat.completions.create(model="gpt-4o", messages=ASK) for _ in range(40)]
                return await asyncio.gather(*one)

        truth.hold()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(asyncio.run, ask())
            truth.wait_held(40)
            truth.release()
            answers = asked.result()
        assert sum(a.usage.total_tokens for a in answers) == sum(c.total for c in truth.settled())
        assert 40 == len(truth.calls)

    def test_models(self, client):
        """The models that the examples use are listed."""
        assert {"gpt-4o-mini", "gpt-5-mini"} <= {m.id for m in client.models.list()}


class TestFurtherApis:
    """What else the server speaks; its real clients are in tests/wire/providers.py."""

    def test_each_file_of_an_api_is_found(self):
        """An API's file is known by its name, and no two answer at one path."""
        import aimon_nb.testing
        from aimon_nb.testing import answering

        files = sorted(Path(aimon_nb.testing.__file__).parent.glob("*_api.py"))
        found = [import_module(f"aimon_nb.testing.{file.stem}") for file in files]
        paths = [path for api in found for path in getattr(api, "CALLS", {})]
        assert sorted(paths) == sorted(answering.CALLS)
        assert len(paths) > 40

    def test_a_form(self, client, truth):
        """Of a form with a file the fields are read; the call says that it was one."""
        told = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.mp3", b"x" * 100), prompt="two words")
        (call,) = truth.settled()
        assert (True, "gpt-4o-transcribe", 12) == (call.is_form, call.model, call.input)
        assert (10, 2) == (told.usage.input_token_details.audio_tokens, told.usage.input_token_details.text_tokens)
        assert {"bytes": 100} == call.body["file"]

    @pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=b"])
    def test_what_is_no_form(self, truth, kind):
        """A form without a boundary, or with a part that has no name, is refused as other bodies are."""
        import httpx

        told = httpx.post(truth.url + "/audio/transcriptions", content=b"--b\r\n\r\nx\r\n--b--", headers={"content-type": kind})
        assert 400 == told.status_code

    def test_images(self, client, truth):
        """An image has ten tokens, made or sent, and one that is sent is input."""
        made = client.images.generate(model="gpt-image-1.5", prompt="a white cat", n=2).usage
        edited = client.images.edit(model="gpt-image-1.5", prompt="more", image=("a.png", b"png")).usage
        assert (3, 20, 11, 10) == (made.input_tokens, made.output_tokens, edited.input_tokens, edited.output_tokens)
        assert [(3, 20), (11, 10)] == [(call.input, call.output) for call in truth.settled()]

    def test_speech_as_sound(self, client, truth):
        """Sound tells no usage; the books have it all the same."""
        assert b"ID3hello there" == client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="hello there").content
        (call,) = truth.settled()
        assert (2, 2, False) == (call.input, call.output, call.usage_told)
