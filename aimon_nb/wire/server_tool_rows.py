"""The rows of tools that a provider ran for an answer: below its call, without a time."""

from __future__ import annotations

from aimon_nb.model.call import ServerTool
from aimon_nb.wire.model_request import ModelRequest


def add_server_tools(request: ModelRequest) -> None:
    """Add a row for each tool of an answer, read to its end, that has none yet."""
    shown, request.tool_rows = request.tool_rows, len(request.call.server_tools)
    for tool in request.call.server_tools[shown:]:
        _add(request, tool)


def _add(request: ModelRequest, tool: ServerTool) -> None:
    above, maker = request.open_span, request.tracker.maker
    open_span = maker.bare(above, "gen_ai.execute_tool", f"execute_tool {tool.name}", above.t0)
    # It ran elsewhere.
    open_span.attributes.pop("thread.name", None)
    open_span.attributes |= {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool.name,
    }
    if above.span is not None and above.span.pipeline is not None:
        open_span.attributes["gen_ai.pipeline.name"] = above.span.pipeline
    open_span.is_unsent = True
    if tool.error is not None:
        open_span.set_error("ToolError", tool.error)
    # How long it took is told by nobody: it ends without a time.
    request.tracker.recorder.log.append(open_span)
