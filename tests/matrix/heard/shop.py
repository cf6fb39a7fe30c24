"""An MCP server on stdin and stdout, with one tool that asks nobody."""

from mcp.server import MCPServer

app = MCPServer("shop")


@app.tool()
def look(word: str) -> str:
    return f"found {word}"


if __name__ == "__main__":
    app.run()
