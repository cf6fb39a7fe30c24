"""The real parts themselves work, before anything is tested with them."""

import asyncio
import json
import os
import subprocess
import sys
import time

import nbformat
import pytest


class TestKernel:
    def test_a_value_an_error_and_an_interrupt(self, kernel):
        """A kernel gives values, errors and interrupts as a front-end sees them."""
        value, error = kernel.run(["1+1", "print('before')\n1/0"])
        assert ("ok", ["2"]) == (value.status, value.data())
        assert ("error", "ZeroDivisionError", "before\n") == (error.status, error.ename, error.text)
        assert any("----> 2 1/0" in line for line in error.traceback)

        stopped = kernel.cell("import time\nfor _ in range(200): time.sleep(0.1)", interrupt_after=0.3)
        assert "KeyboardInterrupt" == stopped.ename
        assert stopped.seconds < 10
        assert ["3"] == kernel.cell("1+2").data()

    def test_displays_are_held_as_a_saved_notebook_holds_them(self, kernel, tmp_path):
        """A display updated by id from a later cell, and cleared output, are as in a saved file."""
        first, _second, third = kernel.run(
            [
                "from IPython.display import display\nh = display('old', display_id='x')\nprint('kept')",
                "h.update('new')",
                "from IPython.display import clear_output\nprint('a'); clear_output(wait=True); print('b')",
            ]
        )
        assert ["'new'"] == first.data()
        assert "b\n" == third.text
        saved = nbformat.read(kernel.save(tmp_path / "n.ipynb"), 4)
        assert "b\n" == saved.cells[2].outputs[0].text

    def test_late_output_of_a_task_finds_its_cell(self, kernel):
        """What a task prints after its cell has ended stands under the cell that made it."""
        first, _ = kernel.run(
            [
                "import asyncio\nasync def f():\n    await asyncio.sleep(0.3); print('late')\nt = asyncio.create_task(f())",
                "await asyncio.sleep(0.6)",
            ]
        )
        assert "late\n" == first.text

    def test_silent(self, kernel):
        """A silent request runs, shows nothing and counts no cell."""
        kernel.cell("x = 41", silent=True)
        assert 42 == kernel.value("x + 1")
        assert ["42"] == kernel.cell("x + 1").data()
        assert 1 == len(kernel.notebook.cells)

    def test_environment(self, kernel, home):
        """A kernel knows no key, no DSN and no folder of the person who runs the tests."""
        names = kernel.value("[n for n in __import__('os').environ if n.startswith(('SENTRY_', 'OPENAI_'))]")
        assert [] == names
        assert str(home) == kernel.value("__import__('os').path.expanduser('~')")


class TestNetwork:
    def test_another_machine_cannot_be_reached(self, no_network):
        """A guarded process cannot leave the machine, and its try is on record."""
        code = (
            "import socket\n"
            "for host in ('192.0.2.1', 'example.com'):\n"
            "    try: socket.create_connection((host, 80), 1)\n"
            "    except OSError as error: print(error)\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **no_network.env}, capture_output=True, text=True, timeout=30
        )
        assert 2 == run.stdout.count("network guard"), run
        assert {"192.0.2.1", "example.com"} == {a["host"] for a in no_network.attempts}

    def test_a_kernel_and_loopback_work(self, no_network, kernels, truth):
        """A guarded kernel starts and reaches a server on this machine, and tries nothing else."""
        kernel = kernels(env={**no_network.env, "U": truth.url})
        cell = kernel.cell("import os, urllib.request as u\nu.urlopen(os.environ['U'] + '/models').status")
        assert ["200"] == cell.data()
        assert [] == no_network.attempts


class TestReceiver:
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

    def test_a_transaction_and_an_error_from_a_kernel(self, receiver, kernels):
        """What a kernel sends arrives, error events too."""
        kernel = kernels(env={"SENTRY_DSN": receiver.dsn})
        kernel.run(
            [
                "import sentry_sdk\nsentry_sdk.init(traces_sample_rate=1.0, default_integrations=False)",
                "with sentry_sdk.start_transaction(op='x', name='k'): pass\n"
                "sentry_sdk.capture_exception(ValueError('v')); sentry_sdk.flush(5)",
            ]
        )
        assert ["k"] == [t["transaction"] for t in receiver.wait("transaction")]
        assert ["ValueError"] == [e["exception"]["values"][0]["type"] for e in receiver.wait("event")]


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
        """A stream has as many pieces as promised, spread over time, and usage only if asked for."""
        options = {"stream_options": {"include_usage": True}} if told else {}
        begun = time.monotonic()
        chunks = list(client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True, **options))
        seconds = time.monotonic() - begun
        (call,) = truth.settled()
        pieces = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
        assert 12 == len(pieces)
        assert 0.05 + 13 * 0.02 < seconds
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
        (call,) = truth.settled(2)
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
            client.images.generate(prompt="x", model="y")
        *_, failed, cut, _unknown = truth.settled()
        assert (500, 0, "finished") == (failed.status, failed.total, failed.outcome)
        assert ("cut", False) == (cut.outcome, cut.usage_told)

    def test_wait(self, client):
        """A request can ask for a slow answer."""
        begun = time.monotonic()
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "[wait 0.4]"}])
        assert 0.4 < time.monotonic() - begun < 3

    def test_many_at_once(self, truth):
        """Forty calls at once are answered side by side, each on the books once."""
        import openai

        async def ask():
            async with openai.AsyncOpenAI(base_url=truth.url, api_key="none") as client:
                one = [client.chat.completions.create(model="gpt-4o", messages=ASK) for _ in range(40)]
                return await asyncio.gather(*one)

        begun = time.monotonic()
        answers = asyncio.run(ask())
        assert time.monotonic() - begun < 10
        assert sum(a.usage.total_tokens for a in answers) == sum(c.total for c in truth.settled())
        assert 40 == len(truth.calls)

    def test_models(self, client):
        """The models that the examples use are listed."""
        assert {"gpt-4o-mini", "gpt-5-mini"} <= {m.id for m in client.models.list()}


class TestLab:
    @pytest.mark.parametrize("app", ["lab", "notebook"])
    def test_cells(self, lab, app, tmp_path):
        """A cell prints; one blocked in sleep shows [*]; Stop interrupts; the file has it all."""
        page = lab.open(["print('hel' + 'lo')", "import time; print('in'); time.sleep(60)"], app=app)
        page.run(0)
        page.wait_idle()
        assert "hello" == page.text(0).strip()
        page.run(1)
        page.output(1).get_by_text("in", exact=True).wait_for()
        assert "[*]:" == page.prompt(1)
        page.interrupt()
        page.wait_idle()
        assert "KeyboardInterrupt" in page.text(1)
        saved = nbformat.read(page.save(), 4)
        assert "hello\n" == saved.cells[0].outputs[0].text

        again = lab.reopen(page.path, app=app)
        assert "hello" == again.text(0).strip()
        assert [] == lab.attempts

    def test_themes(self, lab, tmp_path):
        """A page opens in a theme, changes it, and has its picture taken."""
        page = lab.open(["1"], theme="dark", env={"SEEN": "1"})
        assert "false" == page.raw.evaluate("document.body.dataset.jpThemeLight")
        light = page.screenshot(tmp_path / "light.png", theme="light")
        assert light.stat().st_size > 1000
        assert "true" == page.raw.evaluate("document.body.dataset.jpThemeLight")
        assert "ok" == page.execute("import os; assert os.environ['SEEN'] == '1'")
