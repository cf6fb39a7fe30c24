"""One framework with an agent, a tool and a model, in a process of its own.

Asked by JSON on stdin: the framework; whether its library is imported before or
after we load; the user's client. Prints JSON: the tree, and what was left behind.
"""

import asyncio
import json
import os
import sys

TELEMETRY = os.environ.get("TESTS_TELEMETRY") == "on"
os.environ.update(dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY"), "none"))
os.environ.update({"LANGSMITH_TRACING": "true"} if TELEMETRY else {"LANGSMITH_TRACING": "false", "OPENAI_AGENTS_DISABLE_TRACING": "1"})

# At its import, what the user writes; its agent asks the model, looks, and asks again.
LIBRARIES = {
    "langchain": "langchain_openai",
    "langgraph": "langchain.agents",
    "openai_agents": "agents",
    "pydantic_ai": "pydantic_ai",
    "mcp": "mcp.server",
}


def langchain(server):
    from tests.matrix.clients.langchain_openai import modes

    return modes["tool-loop"].use(server)


def langgraph(server):
    from tests.matrix.clients.langgraph import modes

    return modes["tool-loop"].use(server)


def openai_agents(server):
    from tests.matrix.clients.openai_agents import modes

    return modes["tool-loop"].use(server)


def pydantic_ai(server):
    from tests.matrix.clients.pydantic_ai import modes

    return modes["tool-loop"].use(server)


def mcp(server):
    """A server with a tool that asks a model, and a client of it in the same process."""
    import openai
    from mcp.server import MCPServer

    from mcp.client.client import Client

    app, model = MCPServer("shop"), openai.AsyncOpenAI(base_url=server.url, api_key="none")

    @app.tool()
    async def look(word: str) -> str:
        said = await model.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": word}])
        return said.choices[0].message.content

    async def use():
        async with Client(app) as client:
            return str(await client.call_tool("look", {"word": "plain"}))

    return asyncio.run(use())


def init(client, dsn, framework):
    """The user's own `sentry_sdk.init`."""
    import sentry_sdk
    from sentry_sdk.integrations.threading import ThreadingIntegration

    options = {"traces_sample_rate": 1.0}
    if client == "bare":
        sentry_sdk.init(dsn, **options)
        return
    options |= {"default_integrations": False, "integrations": [ThreadingIntegration()]}
    if client == "stream":
        options["trace_lifecycle"] = "stream"
    if client == "refused":
        options["disabled_integrations"] = [integration(framework)]
    if client == "chosen":
        options["integrations"].append(integration(framework)())
    sentry_sdk.init(dsn, **options)


def integration(framework):
    from importlib import import_module

    from aimon_nb.sentry.integrations import FRAMEWORKS

    [found] = [f for f in FRAMEWORKS if f.name == framework]
    return getattr(import_module(f"sentry_sdk.integrations.{framework}"), found.integration)


class Telemetry:
    """Takes what frameworks tell their makers, at the makers' own hosts; `seen` are the paths."""

    def __init__(self):
        import socket
        import threading
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        seen = self.seen = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length") or 0))
                seen.append(self.path)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_PATCH = do_GET = do_POST

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._port, real = server.server_address[1], socket.getaddrinfo
        socket.getaddrinfo = lambda host, port, *a, **k: real("127.0.0.1", port, *a, **k)
        os.environ |= {"LANGSMITH_ENDPOINT": f"http://api.smith.langchain.com:{self._port}", "LANGSMITH_API_KEY": "none"}

    def flush(self, framework):
        """Send all that waits, so that it leaves while the run is open."""
        if framework in ("langchain", "langgraph"):
            from langchain_core.tracers.langchain import wait_for_all_tracers

            wait_for_all_tracers()
        if framework == "openai_agents":
            from agents.tracing.processors import default_processor

            default_processor().force_flush()

    def lead(self, framework):
        if framework == "openai_agents":
            from agents.tracing.processors import default_exporter

            default_exporter().endpoint = f"http://api.openai.com:{self._port}/v1/traces/ingest"


def main(framework, order, client, dsn):
    import sentry_sdk

    from aimon_nb.ai.instrumentation import instrumentation
    from aimon_nb.app import monitor
    from aimon_nb.testing import truth_server

    use, told = globals()[framework], {}
    if TELEMETRY:
        telemetry, ask = Telemetry(), use

        def use(server):
            telemetry.lead(framework)
            try:
                return ask(server)
            finally:
                telemetry.flush(framework)
                told["telemetry"] = telemetry.seen
    if client == "dsn":
        os.environ["SENTRY_DSN"] = dsn
    if client not in ("none", "dsn") and order == "load last":
        init(client, dsn, framework)
    if order != "load first":
        __import__(LIBRARIES[framework])
    before = set(sys.modules)
    monitor.install()
    told["imported by loading"] = sorted({m.partition(".")[0] for m in set(sys.modules) - before} - {"sentry_sdk", "aimon_nb"} - set(sys.stdlib_module_names))
    if client not in ("none", "dsn") and order != "load last":
        init(client, dsn, framework)
    with truth_server(latency=0.005, chunk_latency=0.001) as server:
        use(server)  # outside a run
        sentry_sdk.flush(5)
        told["outside"] = len(server.settled())
        server.clear()
        told["result"] = tracked(use, server, told, monitor)
        sentry_sdk.flush(5)
        changed = [change for p in (*instrumentation.integrations._patches.values(), instrumentation.heard._patches, instrumentation._patches) for change in p._applied]
        told["set up"] = sorted(instrumentation.integrations._ours)
        monitor.uninstall()
        told["left"] = [f"{c.owner} {c.name}" for c in changed if c.owner.__dict__.get(c.name) is c.value]
        told["after"] = bool(use(server))
    print(json.dumps(told))


def tracked(use, server, told, monitor):
    import sentry_sdk

    opened = monitor.open("run", "none")
    told["initialized"] = sentry_sdk.is_initialized()
    try:
        result = use(server)
    finally:
        opened.end(None)
    run, served = opened.run, server.settled()
    told["tree"] = [(depth, s.op, s.name) for depth, s in run.walk() if not s.is_noise and not s.is_duplicate]
    told["spans"] = [(s.span_id, s.parent_id, s.op, s.sent) for s in run.spans.values()]
    told["totals"] = [run.totals.calls, run.totals.usage.input, run.totals.usage.output]
    told["served"] = [len(served), sum(c.input for c in served), sum(c.output for c in served)]
    told["faults"], told["notes"], told["uncounted"] = run.faults, run.notes, run.unread
    return result


if __name__ == "__main__":
    main(**json.load(sys.stdin))
