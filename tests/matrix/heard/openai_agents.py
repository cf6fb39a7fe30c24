"""openai-agents: tools, agents as tools, handoffs, streams, in a loop that runs and in one that does not."""

import asyncio

from tests.matrix.clients.openai_chat import aclient
from tests.matrix.heard.running import Ways
from tests.matrix.modes import in_loop

ways = Ways()


def agent(server, name="helper", **more):
    from agents import Agent, ModelSettings, OpenAIChatCompletionsModel

    return Agent(name=name, model=OpenAIChatCompletionsModel("gpt-4o", aclient(server)), model_settings=ModelSettings(include_usage=True), **more)


def look(**more):
    from agents import function_tool

    def look(word: str) -> str:
        return f"found {word}"

    return function_tool(look, **more)


def run(a, text="use the tool", **more):
    from agents import Runner

    return in_loop(Runner.run(a, text, **more)).final_output


def streamed(a, text="use the tool"):
    async def use():
        from agents import Runner

        result = Runner.run_streamed(a, text)
        return [event.type async for event in result.stream_events()]

    return in_loop(use())


WITH_A_TOOL = """
    agent helper
      chat
      tool look
      chat
"""


def with_a_tool(use):
    use.__doc__ = WITH_A_TOOL
    return ways(use)


@with_a_tool
def tool(server):
    run(agent(server, tools=[look()]))


@with_a_tool
def tool_sync(server):
    from agents import Runner

    Runner.run_sync(agent(server, tools=[look()]), "use the tool")


@with_a_tool
def tool_streamed(server):
    streamed(agent(server, tools=[look()]))


@with_a_tool
def tool_in_a_session(server):
    from agents import Runner, SQLiteSession

    async def use():
        session = SQLiteSession("session-5")
        await Runner.run(agent(server, tools=[look()]), "use the tool", session=session)
        session.close()

    in_loop(use())


def manager(server, **more):
    writer = agent(server, "Writer", **more)
    return agent(server, "Manager", tools=[writer.as_tool(tool_name="write_mail", tool_description="writes")])


NESTED = """
    agent Manager
      chat
      tool write_mail
        agent Writer
          chat
      chat
"""


@ways
def agent_as_tool(server):
    run(manager(server))


@ways
def agent_as_tool_streamed(server):
    streamed(manager(server))


agent_as_tool.__doc__ = agent_as_tool_streamed.__doc__ = NESTED


def both(server, first, second):
    """A model of ours that asks for two tools at once, in the place of the real one's first answer."""
    from agents import OpenAIChatCompletionsModel

    class Both(OpenAIChatCompletionsModel):
        asked = False

        async def get_response(self, *args, **kwargs):
            from openai.types.responses import ResponseFunctionToolCall

            got = await super().get_response(*args, **kwargs)
            if not self.asked:
                type(self).asked = True
                calls = [tool for tool in got.output if tool.type == "function_call"]
                got.output = [ResponseFunctionToolCall(arguments=calls[0].arguments, call_id=f"call_{n}", name=name, type="function_call") for n, name in enumerate((first, second))]
            return got

    return Both("gpt-4o", aclient(server))


@ways
def two_agents_as_tools_at_once(server):
    """
    agent Manager
      chat
      tool write_mail
        agent Writer
          chat
          tool look
          chat
      tool read_mail
        agent Reader
          chat
          tool look
          chat
      chat
    """
    from agents import Agent

    writer, reader = (agent(server, name, tools=[look()], instructions="use the tool") for name in ("Writer", "Reader"))
    tools = [
        writer.as_tool(tool_name="write_mail", tool_description="writes", custom_output_extractor=None),
        reader.as_tool(tool_name="read_mail", tool_description="reads"),
    ]
    for one in tools:
        said = one.on_invoke_tool

        async def invoke(context, arguments, said=said):
            return await said(context, '{"input": "use the tool"}')

        one.on_invoke_tool = invoke
    run(Agent(name="Manager", model=both(server, "write_mail", "read_mail"), tools=tools))


@ways
def parallel_tools(server):
    """
    agent Manager
      chat
      tool look
      tool see [error: ValueError]
      chat
    """
    from agents import Agent, function_tool

    @function_tool
    def see(word: str) -> str:
        raise ValueError("nothing to be seen")

    run(Agent(name="Manager", model=both(server, "look", "see"), tools=[look(), see]))


@ways
def handoff(server):
    """
    agent helper
      chat
      gen_ai.handoff handoff from helper to other
    agent other
      chat
    """
    run(agent(server, handoffs=[agent(server, "other")]))


@ways
def tracked_tool(server):
    """
    agent helper
      chat
      tool find
      chat
    """
    from agents import function_tool

    from aimon_nb import ai_track

    @function_tool
    @ai_track("find a word")
    def find(word: str) -> str:
        return f"found {word}"

    run(agent(server, tools=[find]))


@ways
def tracked_tool_that_asks(server):
    """
    agent helper
      chat
      tool find
        chat
      chat
    """
    import openai
    from agents import function_tool

    from aimon_nb import ai_track

    @function_tool
    @ai_track("find")
    def find(word: str) -> str:
        said = openai.OpenAI(base_url=server.url, api_key="none").chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": word}])
        return said.choices[0].message.content

    run(agent(server, tools=[find]))


@ways
def tool_failed(server):
    """
    agent helper
      chat
      tool look [error: KeyError]
      chat
    """
    from agents import function_tool

    @function_tool
    def look(word: str) -> str:
        raise KeyError("no such word")

    run(agent(server, tools=[look]))


@ways
def tool_failed_and_raised(server):
    """
    agent helper [error: UserError]
      chat
      tool look [error: KeyError]
    """
    from agents import function_tool

    def look(word: str) -> str:
        raise KeyError("no such word")

    run(agent(server, tools=[function_tool(look, failure_error_function=None)]))


@ways
def beside_a_stream(server):
    """
    agent helper
      chat
    chat
    """

    async def use():
        from agents import Runner

        asked = False
        result = Runner.run_streamed(agent(server), "plain words")
        async for event in result.stream_events():
            if not asked and event.type == "raw_response_event":
                asked = True
                await aclient(server).chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "beside"}])

    in_loop(use())


@ways
def gathered(server):
    """
    agent a
      chat
      tool look
      chat
    agent b
      chat
      tool look
      chat
    """

    async def use():
        from agents import Runner

        await asyncio.gather(*(Runner.run(agent(server, name, tools=[look()]), "use the tool") for name in "ab"))

    in_loop(use())
