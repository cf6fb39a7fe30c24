"""Tools that a provider runs: rows below the call, which the library's own code never sees."""

from tests.matrix.heard import google_genai as gemini
from tests.matrix.heard import openai_agents
from tests.matrix.heard.running import Ways

ways = Ways()
OPENAI = [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "mcp", "server_label": "shop", "server_url": "http://127.0.0.1:9"}]
BY_OPENAI = """
    chat
      tool web_search
      tool code_interpreter
      tool look [error: ToolError]
"""


def responses(server, **more):
    import openai

    return openai.OpenAI(base_url=server.url, api_key="none").responses.create(model="gpt-5", input="use the tool", tools=OPENAI, **more)


@ways
def openai_plain(server):
    responses(server)


@ways
def openai_streamed(server):
    list(responses(server, stream=True))


openai_plain.__doc__ = openai_streamed.__doc__ = BY_OPENAI


@ways
def openai_conversation(server):
    """
    chat
    """
    import openai

    openai.OpenAI(base_url=server.url, api_key="none").responses.create(model="gpt-5", input="plain words", conversation="conv_9")


@ways
def in_an_agent(server):
    """
    agent helper
      chat
        tool web_search
    """
    from agents import Agent, OpenAIResponsesModel, WebSearchTool

    from tests.matrix.clients.openai_chat import aclient

    openai_agents.run(Agent(name="helper", model=OpenAIResponsesModel("gpt-5", aclient(server)), tools=[WebSearchTool()]))


BY_ANTHROPIC = """
    chat
      tool web_search
      tool code_execution [error: ToolError]
"""


def messages(server):
    import anthropic

    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"type": "code_execution_20250522", "name": "code_execution"}]
    asked = {"model": "claude-opus-4-5", "max_tokens": 100, "tools": tools, "messages": [{"role": "user", "content": "use the tool"}]}
    return anthropic.Anthropic(base_url=server.root, api_key="none").messages, asked


@ways
def anthropic_plain(server):
    made, asked = messages(server)
    made.create(**asked)


@ways
def anthropic_streamed(server):
    made, asked = messages(server)
    with made.stream(**asked) as stream:
        list(stream)


anthropic_plain.__doc__ = anthropic_streamed.__doc__ = BY_ANTHROPIC
BY_GEMINI = """
    chat
      tool google_search
      tool google_search
      tool code_execution [error: ToolError]
"""


def config():
    from google.genai import types

    tools = [types.Tool(google_search=types.GoogleSearch()), types.Tool(code_execution=types.ToolCodeExecution())]
    return types.GenerateContentConfig(tools=tools)


@ways
def gemini_plain(server):
    gemini.client(server).models.generate_content(model="gemini-3-pro", contents="use the tool", config=config())


@ways
def gemini_streamed(server):
    list(gemini.client(server).models.generate_content_stream(model="gemini-3-pro", contents="use the tool", config=config()))


gemini_plain.__doc__ = gemini_streamed.__doc__ = BY_GEMINI
