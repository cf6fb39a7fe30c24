"""Traceloop: its decorators, and its instrumentation of the OpenAI client."""

from tests.matrix.structure.ways import Ways, asked, async_client, in_loop, openai_client

ways = Ways("traceloop", provider=False, drawn_ids=True)
del ways.setups["bare"]


@ways.setup("traceloop")
def _(exported):
    from traceloop.sdk import Traceloop

    Traceloop.init(app_name="mine", processor=exported.processor(), telemetry_enabled=False)


@ways("decorators", tree="""
    step story
      step outline
        call gpt-4o
      call gpt-4o
    """)
def _(server):
    from traceloop.sdk.decorators import task, workflow

    client = openai_client(server)

    @task(name="outline")
    def outline():
        return asked(client, "one")

    @workflow(name="story")
    def story():
        outline()
        return asked(client, "two").choices[0].message.content

    return story()


@ways("agent-and-tool", tree="""
    agent helper
      call gpt-4o
      tool look
    """)
def _(server):
    from traceloop.sdk.decorators import agent, tool

    @tool(name="look")
    def look():
        return "found"

    @agent(name="helper")
    def helper():
        said = asked(openai_client(server), "one")
        look()
        return said.choices[0].message.content

    return helper()


@ways("async", tree="""
    step story
      call gpt-4o
    """)
def _(server):
    from traceloop.sdk.decorators import workflow

    @workflow(name="story")
    async def story():
        return (await asked(async_client(server), "one")).choices[0].message.content

    return in_loop(story())


@ways("stream", tree="""
    step story
      call gpt-4o
    """)
def _(server):
    from traceloop.sdk.decorators import workflow

    @workflow(name="story")
    def story():
        return len(list(asked(openai_client(server), "one", stream=True, stream_options={"include_usage": True}))) > 2

    return story()


@ways("error", raises=True, tree="""
    step story !error
      call gpt-4o !error
    """)
def _(server):
    from traceloop.sdk.decorators import workflow

    @workflow(name="story")
    def story():
        return asked(openai_client(server), "[status 400]")

    return story()
