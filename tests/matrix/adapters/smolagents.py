"""smolagents: both kinds of agent, a managed one, streams, tools that fail, a stream left early."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

from smolagents import ChatMessage, CodeAgent, LogLevel, OpenAIServerModel, ToolCallingAgent, tool
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction

from tests.matrix.adapters import Ways

ways = Ways()
QUIET = {"verbosity_level": LogLevel.OFF}


@tool
def look(word: str) -> str:
    """Look a word up.

    Args:
        word: what is looked for
    """
    if word == "bad":
        raise ValueError("no such word")
    return f"found {word}"


def model(server):
    return OpenAIServerModel("gpt-4o", api_base=server.url, api_key="none")


def coder(server, **more):
    """The truth server says a prompt's first words: the code in it is what the model "writes"."""
    return CodeAgent(tools=[look], model=model(server), **QUIET, **more)


def caller(server, made=None, **more):
    return ToolCallingAgent(tools=[look], model=made or model(server), max_steps=1, **QUIET, **more)


class Chosen(OpenAIServerModel):
    """Asks the server as ever, and calls the tool that the test has chosen."""

    def __init__(self, name, arguments, server, times=1):
        super().__init__("gpt-4o", api_base=server.url, api_key="none")
        self.calls = [ChatMessageToolCall(id=str(n), type="function", function=ChatMessageToolCallFunction(name=name, arguments=arguments)) for n in range(times)]

    def generate(self, messages, **more):
        said = super().generate(messages, **more)
        if more.get("tools_to_call_from"):
            said.tool_calls = self.calls
        return said


CODE = "<code>final_answer(look('x'))</code>"


@ways("code", """
    invoke_agent CodeAgent
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look
""", content={
    "invoke_agent CodeAgent": [{"task": CODE}, "found x"],
    "execute_tool python_interpreter": [{"code": "final_answer(look('x'))"}, ...],
    "execute_tool look": [{"word": "x"}, "found x"],
})
def _(server):
    return coder(server).run(CODE)


@ways("tool-calling", """
    invoke_agent ToolCallingAgent
      chat gpt-4o
      execute_tool look
      chat gpt-4o
""")
def _(server):
    return caller(server).run("use the tool")


@ways("named, full result", """
    invoke_agent finder
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look
""")
def _(server):
    return coder(server, name="finder", description="finds").run(CODE, return_full_result=True).output


@ways("nested", """
    invoke_agent CodeAgent
      chat gpt-4o
      execute_tool python_interpreter
        invoke_agent helper
          chat gpt-4o
          execute_tool look
          chat gpt-4o
""")
def _(server):
    helper = caller(server, name="helper", description="helps")
    return coder(server, managed_agents=[helper]).run("<code>final_answer(len(helper('use the tool')))</code>")


@ways("nested by a tool call", """
    invoke_agent ToolCallingAgent
      chat gpt-4o
      invoke_agent helper
        chat gpt-4o
        execute_tool look
        chat gpt-4o
      chat gpt-4o
""")
def _(server):
    helper = caller(server, name="helper", description="helps")
    return ToolCallingAgent(tools=[], managed_agents=[helper], model=Chosen("helper", {"task": "use the tool"}, server), max_steps=1, **QUIET).run("go")


@ways("stream", """
    invoke_agent CodeAgent
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look
    chat gpt-4o
""")
def _(server):
    """What the code between two items asks is no part of the agent."""
    agent, kinds = coder(server), []
    for item in agent.run(CODE, stream=True):
        if not kinds:
            agent.model.generate([ChatMessage(role="user", content="beside")])
        kinds.append(type(item).__name__)
    return kinds


@ways("streamed answers", """
    invoke_agent CodeAgent
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look
""")
def _(server):
    return len(list(coder(server, stream_outputs=True).run(CODE, stream=True)))


@ways("left early", """
    invoke_agent CodeAgent [abandoned GeneratorExit]
      chat gpt-4o
    chat gpt-4o
""")
def _(server):
    agent = coder(server)
    items = agent.run(CODE, stream=True)
    next(items)
    with contextlib.suppress(RuntimeError):  # smolagents yields on, whoever closes it
        items.close()
    agent.model.generate([ChatMessage(role="user", content="after")])


@ways("two streams at once", """
    invoke_agent one
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look
    invoke_agent two
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look
""")
def _(server):
    one, two = (coder(server, name=name, description="d").run(CODE, stream=True) for name in ("one", "two"))
    return len(list(zip(one, two, strict=True)))


@ways("a tool fails", """
    invoke_agent CodeAgent
      chat gpt-4o
      execute_tool python_interpreter [error InterpreterError]
        execute_tool look [error ValueError]
      chat gpt-4o
""")
def _(server):
    return coder(server, max_steps=1).run("<code>look('bad')</code>")


@ways("a tool call fails", """
    invoke_agent ToolCallingAgent
      chat gpt-4o
      execute_tool look [error ValueError]
      chat gpt-4o
""")
def _(server):
    return caller(server, Chosen("look", {"word": "bad"}, server)).run("go")


@ways("the model fails", """
    invoke_agent CodeAgent [error AgentGenerationError]
      chat gpt-4o [error HTTP 400]
""", raises=True)
def _(server):
    return coder(server).run("[status 400]")


@ways("tools side by side", """
    invoke_agent ToolCallingAgent
      chat gpt-4o
      execute_tool look
      execute_tool look
      execute_tool look
      chat gpt-4o
""")
def _(server):
    return caller(server, Chosen("look", {"word": "x"}, server, times=3)).run("go")


@ways("threads", "\n".join(f"""
    invoke_agent agent_{n}
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look""" for n in range(3)), any_order=True)
def _(server):
    agents = [coder(server, name=f"agent_{n}", description="d") for n in range(3)]
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda agent: agent.run(CODE), agents))


@ways("gather", "\n".join(f"""
    invoke_agent agent_{n}
      chat gpt-4o
      execute_tool python_interpreter
        execute_tool look""" for n in range(3)), any_order=True)
def _(server):
    agents = [coder(server, name=f"agent_{n}", description="d") for n in range(3)]

    async def use():
        return await asyncio.gather(*(asyncio.to_thread(agent.run, CODE) for agent in agents))

    return asyncio.run(use())


@ways("a tool by hand", """
    execute_tool look
""")
def _(server):
    return look("x")


def users_own(server):
    """What he can save of an agent is the same: its tools' code among it."""
    return coder(server).to_dict()
