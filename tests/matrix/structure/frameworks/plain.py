"""Plain code: the functions that asked, decorators of ours, and OpenTelemetry steps by hand."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tests.matrix.structure.ways import Ways, asked, async_client, error_of, in_loop, openai_client

ways = Ways("structure")


def text(answer):
    return answer.choices[0].message.content


def of(text):
    """The arguments of a call: the ways about callers ask by themselves."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}


@ways("functions", callers=True, tree="""
    call gpt-4o by route > ask
    call gpt-4o by route > ask
    call gpt-4o by route > ask
    call gpt-4o by route > ask
    """)
def _(server):
    client = openai_client(server)

    def ask(p):
        return text(client.chat.completions.create(**of(p)))

    def route(p):
        ask("which? " + p)
        return ask("answer " + p)

    return [route(t) for t in ("a", "b")]


@ways("lambda-and-comprehension", callers=True, tree="""
    call gpt-4o by chain > ask
    call gpt-4o by chain > ask
    """)
def _(server):
    client = openai_client(server)

    def ask(p):
        return text(client.chat.completions.create(**of(p)))

    def chain():
        return [(lambda p: ask(p))(p) for p in ("a", "b")]

    return chain()


@ways("gather", callers=True, tree="""
    call gpt-4o by fan > ask
    call gpt-4o by fan > ask
    call gpt-4o by fan > ask
    """)
def _(server):
    client = async_client(server)

    async def ask(n):
        return text(await client.chat.completions.create(**of(f"number {n}")))

    async def fan():
        return await asyncio.gather(*(ask(n) for n in range(3)))

    return in_loop(fan())


@ways("threads", callers=True, tree="""
    call gpt-4o by fan > ask
    call gpt-4o by fan > ask
    call gpt-4o by fan > ask
    """)
def _(server):
    client = openai_client(server)

    def ask(n):
        return text(client.chat.completions.create(**of(f"number {n}")))

    def fan():
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(ask, range(3)))

    return fan()


@ways("generator", callers=True, tree="""
    call gpt-4o by read > words
    """)
def _(server):
    client = openai_client(server)

    def words(p):
        for chunk in client.chat.completions.create(**of(p), stream=True, stream_options={"include_usage": True}):
            yield from (c.delta.content for c in chunk.choices)

    def read():
        return list(words("streamed"))

    return read()


@ways("stream-left-early", left=True, tree="call gpt-4o !abandoned")
def _(server):
    with asked(openai_client(server), "left early", stream=True) as stream:
        for chunk in stream:
            return len(chunk.choices)


@ways("error", tree="call gpt-4o !error")
def _(server):
    return error_of(lambda: asked(openai_client(server), "[status 400]"))


def tracer():
    """What a user's module has at its top."""
    from opentelemetry import trace

    return trace.get_tracer("mine")


@ways("otel-steps", tree="""
    step plan
      step look it up
        call gpt-4o
      call gpt-4o
    call gpt-4o
    """)
def _(server):
    client, t = openai_client(server), tracer()
    with t.start_as_current_span("plan", attributes={"note": "a"}):
        with t.start_as_current_span("look it up"):
            asked(client, "one")
        asked(client, "two")
    return text(asked(client, "three"))


@ways("otel-decorator", tree="""
    step outer
      step inner
        call gpt-4o
    """)
def _(server):
    client, t = openai_client(server), tracer()

    @t.start_as_current_span("inner")
    def inner():
        return text(asked(client, "one"))

    @t.start_as_current_span("outer")
    def outer():
        return inner()

    return outer()


@ways("otel-gather", unordered=True, tree="""
    step fan
      step task 0
        call gpt-4o
      step task 1
        call gpt-4o
      step task 2
        call gpt-4o
    """)
def _(server):
    client, t = async_client(server), tracer()

    async def ask(n):
        with t.start_as_current_span(f"task {n}"):
            return text(await asked(client, f"number {n}"))

    async def fan():
        with t.start_as_current_span("fan"):
            return await asyncio.gather(*(ask(n) for n in range(3)))

    return in_loop(fan())


@ways("otel-threads", unordered=True, tree="""
    step fan
      step task 0
        call gpt-4o
      step task 1
        call gpt-4o
      step task 2
        call gpt-4o
    """)
def _(server):
    client, t = openai_client(server), tracer()

    def ask(n):
        with t.start_as_current_span(f"task {n}"):
            return text(asked(client, f"number {n}"))

    with t.start_as_current_span("fan"), ThreadPoolExecutor(3) as pool:
        return list(pool.map(ask, range(3)))


@ways("otel-error", tree="""
    step plan !error
      step look !error
        call gpt-4o !error
    """)
def _(server):
    client, t = openai_client(server), tracer()

    def use():
        with t.start_as_current_span("plan"), t.start_as_current_span("look"):
            asked(client, "[status 400]")

    return error_of(use)


@ways("otel-caught-error", tree="""
    step plan
      step look !error
      call gpt-4o
    """)
def _(server):
    client, t = openai_client(server), tracer()
    with t.start_as_current_span("plan"):
        try:
            with t.start_as_current_span("look"):
                raise ValueError("nothing there")
        except ValueError:
            return text(asked(client, "instead"))


@ways("otel-not-current", tree="""
    step plan
      call gpt-4o
    call gpt-4o
    """)
def _(server):
    """A span that is begun and made current by hand, as instrumentations do."""
    from opentelemetry import trace

    client, t = openai_client(server), tracer()
    span = t.start_span("plan")
    with trace.use_span(span):
        asked(client, "one")
    span.end()
    return text(asked(client, "two"))


@ways("otel-explicit-parent", tree="""
    step outer
      step below
        call gpt-4o
    step other
    """)
def _(server):
    from opentelemetry import trace

    client, t = openai_client(server), tracer()
    outer = t.start_span("outer")
    with t.start_as_current_span("other"), t.start_as_current_span("below", context=trace.set_span_in_context(outer)):
        said = text(asked(client, "one"))
    outer.end()
    return said


@ways("otel-async-generator", tree="""
    step reading
      call gpt-4o
    call gpt-4o
    """)
def _(server):
    client, t = async_client(server), tracer()

    async def words():
        with t.start_as_current_span("reading"):
            stream = await asked(client, "streamed", stream=True, stream_options={"include_usage": True})
            async for chunk in stream:
                for choice in chunk.choices:
                    yield choice.delta.content

    async def use():
        said = [word async for word in words()]
        return said, text(await asked(client, "after"))

    return in_loop(use())


@ways("otel-genai-by-hand", tree="""
    agent helper
      call gpt-4o
      tool look
      call gpt-4o
    """)
def _(server):
    """The conventions of OpenTelemetry, written by hand."""
    client, t = openai_client(server), tracer()
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    with t.start_as_current_span("invoke_agent helper", attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}):
        with t.start_as_current_span("chat gpt-4o", attributes=chat):
            asked(client, "one")
        with t.start_as_current_span("execute_tool look", attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"}):
            pass
        with t.start_as_current_span("chat gpt-4o", attributes=chat) as span:
            said = asked(client, "two")
            span.set_attribute("gen_ai.usage.input_tokens", said.usage.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", said.usage.completion_tokens)
    return text(said)


@ways("otel-private-provider", tree="""
    step plan
      call gpt-4o
    """)
def _(server):
    from opentelemetry.sdk.trace import TracerProvider

    with TracerProvider().get_tracer("private").start_as_current_span("plan"):
        return text(asked(openai_client(server), "one"))


@ways("otel-unsampled", setups=("bare",), tree="""
    step plan
      call gpt-4o
    """)
def _(server):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    with TracerProvider(sampler=ALWAYS_OFF).get_tracer("private").start_as_current_span("plan"):
        return text(asked(openai_client(server), "one"))


@ways("otel-propagation", tree="""
    step plan
      call gpt-4o
    """)
def _(server):
    """What the user's program can see of a span is what it sees without us."""
    from opentelemetry import propagate, trace

    with tracer().start_as_current_span("plan") as span:
        carrier = {}
        propagate.inject(carrier)
        asked(openai_client(server), "one")
        context = trace.get_current_span().get_span_context()
        return carrier, context.is_valid, context.trace_flags, span.get_span_context().span_id, span.is_recording()
