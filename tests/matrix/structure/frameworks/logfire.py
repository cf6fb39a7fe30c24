"""Logfire: its spans, and its instrumentation of the OpenAI client."""

import asyncio

from tests.matrix.structure.ways import Ways, asked, async_client, in_loop, openai_client

ways = Ways("structure", provider=False)
del ways.setups["bare"]


def configure(exported):
    """What its user writes, with an exporter of his own in the place of its service."""
    import logfire

    advanced = logfire.AdvancedOptions(id_generator=exported.ids)
    processors = [exported.processor()]
    logfire.configure(send_to_logfire=False, console=False, metrics=False, additional_span_processors=processors, advanced=advanced)


@ways.setup("logfire")
def _(exported):
    import logfire

    configure(exported)
    logfire.instrument_openai()


@ways("span", tree="""
    step plan
      step look
        call gpt-4o
      call gpt-4o
    """)
def _(server):
    import logfire

    client = openai_client(server)
    with logfire.span("plan"):
        with logfire.span("look"):
            asked(client, "one")
        return asked(client, "two").choices[0].message.content


@ways("instrument-decorator", tree="""
    step tell a story
      call gpt-4o
    """)
def _(server):
    import logfire

    @logfire.instrument("tell a story")
    def story():
        return asked(openai_client(server), "one").choices[0].message.content

    return story()


@ways("stream", tree="""
    step plan
      call gpt-4o
    """)
def _(server):
    import logfire

    with logfire.span("plan"):
        return len(list(asked(openai_client(server), "one", stream=True, stream_options={"include_usage": True}))) > 2


@ways("gather", unordered=True, varies=True, tree="""
    step fan
      step part
        call gpt-4o
      step part
        call gpt-4o
    """)
def _(server):
    import logfire

    client = async_client(server)

    async def part(n):
        with logfire.span("part"):
            return (await asked(client, f"number {n}")).choices[0].message.content

    async def fan():
        with logfire.span("fan"):
            return await asyncio.gather(part(0), part(1))

    return in_loop(fan())


@ways("error", raises=True, tree="""
    step plan !error
      call gpt-4o !error
    """)
def _(server):
    import logfire

    with logfire.span("plan"):
        return asked(openai_client(server), "[status 400]")
