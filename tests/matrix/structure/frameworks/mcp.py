"""MCP: a server with a tool that asks a model, and its client, in one process."""

from tests.matrix.structure.ways import Ways, asked, async_client, in_loop

ways = Ways("structure")


def shop(server):
    from mcp.server import MCPServer

    app, model = MCPServer("shop"), async_client(server)

    @app.tool()
    async def look(word: str) -> str:
        return (await asked(model, word)).choices[0].message.content

    @app.tool()
    async def broken(word: str) -> str:
        raise ValueError(word)

    return app


def called(server, *names):
    async def use():
        from mcp.client.client import Client

        async with Client(shop(server)) as client:
            return [str(await client.call_tool(name, {"word": "plain"}))[:20] for name in names]

    return in_loop(use())


@ways("server-tool", tree="""
    tool look
      call gpt-4o
    """)
def _(server):
    return called(server, "look")


@ways("server-tool-error", tree="tool broken !error")
def _(server):
    return called(server, "broken")
