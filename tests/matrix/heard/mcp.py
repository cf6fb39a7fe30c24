"""MCP: a client of the user's own, and a framework that calls tools of a server in another process."""

import os
import sys

from tests.matrix.heard import openai_agents
from tests.matrix.heard.running import Ways
from tests.matrix.modes import in_loop

ways = Ways()


def shop(server):
    """A server with a tool that asks a model, and one that fails."""
    import openai
    from mcp.server import MCPServer

    app, model = MCPServer("shop"), openai.AsyncOpenAI(base_url=server.url, api_key="none")

    @app.tool()
    async def look(word: str) -> str:
        said = await model.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": word}])
        return said.choices[0].message.content

    @app.tool()
    async def fails(word: str) -> str:
        await look(word)
        raise ValueError("nothing is left")

    return app


def called(server, name):
    from mcp.client.client import Client

    async def use():
        async with Client(shop(server)) as client:
            return await client.call_tool(name, {"word": "plain"})

    return in_loop(use())


@ways
def by_hand(server):
    """
    tool look
      chat
    """
    called(server, "look")


@ways
def failed(server):
    """
    tool fails [error: ToolError]
      chat
    """
    called(server, "fails")


@ways
def by_openai_agents(server):
    """
    agent helper
      chat
      tool look
      chat
    """

    async def use():
        from agents import Runner
        from agents.mcp import MCPServerStdio

        params = {"command": sys.executable, "args": ["-m", "tests.matrix.heard.shop"], "env": dict(os.environ)}
        async with MCPServerStdio(params=params, client_session_timeout_seconds=60) as shop:
            await Runner.run(openai_agents.agent(server, mcp_servers=[shop]), "use the tool")

    in_loop(use())
