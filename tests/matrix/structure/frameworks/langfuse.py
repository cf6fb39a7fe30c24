"""Langfuse: its decorator, and its wrapper of the OpenAI client."""

import asyncio

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("structure", provider=False)
del ways.setups["bare"]


@ways.setup("langfuse")
def _(exported):
    from langfuse import Langfuse
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    # What it sends to its service, in batches, is kept here; the user's own exporter stands beside it.
    own = {"base_url": "http://127.0.0.1:9", "span_exporter": InMemorySpanExporter()}
    Langfuse(public_key="pk", secret_key="sk", tracer_provider=exported.provider(), **own)


def create(server, text, **more):
    from langfuse.openai import OpenAI

    client = OpenAI(base_url=server.url, api_key="none", max_retries=0)
    return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], **more)


@ways("observe", tree="""
    step story
      step outline
        call gpt-4o
      call gpt-4o
    """)
def _(server):
    from langfuse import observe

    @observe()
    def outline():
        return create(server, "one").choices[0].message.content

    @observe()
    def story():
        outline()
        return create(server, "two").choices[0].message.content

    return story()


@ways("observe-kinds", tree="""
    agent helper
      call gpt-4o
      tool look
      retrieval papers
      call gpt-4o
    """)
def _(server):
    from langfuse import observe

    @observe(as_type="tool")
    def look():
        return "found"

    @observe(as_type="retriever")
    def papers():
        return ["a"]

    @observe(as_type="agent")
    def helper():
        create(server, "one")
        look()
        papers()
        return create(server, "two").choices[0].message.content

    return helper()


@ways("observe-async", unordered=True, varies=True, tree="""
    step fan
      step part
        call gpt-4o
      step part
        call gpt-4o
    """)
def _(server):
    from langfuse import observe
    from langfuse.openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0)

    @observe()
    async def part(n):
        said = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"n {n}"}])
        return said.choices[0].message.content

    @observe()
    async def fan():
        return await asyncio.gather(part(0), part(1))

    return in_loop(fan())


@ways("stream", tree="""
    step story
      call gpt-4o
    """)
def _(server):
    from langfuse import observe

    @observe()
    def story():
        return len(list(create(server, "one", stream=True, stream_options={"include_usage": True}))) > 2

    return story()


@ways("error", raises=True, tree="""
    step story !error
      call gpt-4o !error
    """)
def _(server):
    from langfuse import observe

    @observe()
    def story():
        return create(server, "[status 400]")

    return story()
