"""Runs the ways of one library in a process of its own, in a world, and prints what the tree said.

Asked by JSON on stdin: the library, the world (`local`, `static`, `stream`), the receiver's DSN
and perhaps the ways. Prints {way: told} as JSON.
"""

import gc
import importlib
import json
import os
import sys

os.environ.update(dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY"), "none"))
os.environ.update({"LANGSMITH_TRACING": "false", "OPENAI_AGENTS_DISABLE_TRACING": "1"})


class Ways(dict):
    """`@ways` above a function of the truth server, whose docstring is its tree as text."""

    def __call__(self, use):
        self[use.__name__] = use
        return use


def expected(use):
    """The tree of a way: a line a row, an indent of two a level."""
    lines = [line for line in (use.__doc__ or "").splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return [line[margin:].rstrip() for line in lines]


MARKS = {"gen_ai.invoke_agent": "agent", "gen_ai.execute_tool": "tool", "function": "step"}


def row(depth, span):
    """`agent NAME`, `tool NAME`, `step NAME`, `chat`: what a row is, and how it ended if not well."""
    if span.is_call:
        said = "chat"
    else:
        name = span.name.removeprefix("invoke_agent ").removeprefix("execute_tool ")
        said = f"{MARKS.get(span.op, span.op)} {name}".strip()
    if span.status != "ok":
        said += f" [{span.status}{': ' + span.error_type if span.error_type else ''}]"
    return "  " * depth + said


def told(use, server, monitor):
    server.clear()
    opened, raised = monitor.open("run", "none"), None
    try:
        use(server)
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
    finally:
        opened.end(None)
    run, served = opened.run, [call for call in server.settled() if call.status == 200]
    spans = list(run.spans.values())
    return {
        "tree": [row(depth, span) for depth, span in run.walk() if span.op != "gen_ai.create_agent"],
        "raised": raised,
        "totals": [run.totals.calls, run.totals.usage.input, run.totals.usage.output],
        "served": [len(served), sum(c.input for c in served), sum(c.output for c in served)],
        "faults": run.faults,
        "notes": run.notes,
        "spans": [(s.span_id, s.parent_id, s.sent) for s in spans],
        "models of tools": [s.name for s in spans if s.op == "gen_ai.execute_tool" and (s.model or s.provider)],
        "errors": {s.name: s.error for s in spans if s.error},
        "conversations": sorted({s.conversation for s in spans if getattr(s, "conversation", None)}),
        "content": {s.name: [repr(s.step.input), repr(s.step.output)] for s in spans if getattr(s, "step", None)},
    }


def main(library, world, names=(), dsn=None, text=False):
    import sentry_sdk

    if world != "local":
        if dsn is None:
            dsn = "http://a@127.0.0.1:9/1"
        lifecycle = {"trace_lifecycle": "stream"} if world == "stream" else {}
        sentry_sdk.init(dsn, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, **lifecycle)
    from aimon_nb.ai.instrumentation import instrumentation
    from aimon_nb.app import monitor
    from aimon_nb.testing import truth_server

    monitor.install()
    ways = importlib.import_module(f"tests.matrix.heard.{library}").ways
    got = {}
    with truth_server(latency=0.005, chunk_latency=0.001) as server:
        for name in names or ways:
            got[name] = told(ways[name], server, monitor)
        sentry_sdk.flush(5)
        changed = [change for p in (*instrumentation.integrations._patches.values(), instrumentation.heard._patches, instrumentation._patches) for change in p._applied]
        monitor.uninstall()
        left = [f"{c.owner} {c.name}" for c in changed if c.owner.__dict__.get(c.name) is c.value]
        gc.collect()
        graphs, retrievers = instrumentation.heard._graphs, instrumentation.heard._langchain._retrievers
        left += [f"step {span.span_id}" for kept in (retrievers.open, graphs._agents, graphs._open) for span in kept.values()]
    if text:
        from aimon_nb.capture.internal_errors import internal_errors

        for name, one in got.items():
            want = expected(ways[name])
            print(f"=== {name}", "OK" if one["tree"] == want and one["totals"] == one["served"] else "WRONG", {k: v for k, v in one.items() if k not in ("tree", "spans") and v})
            print("\n".join(one["tree"]))
        print("left", left, vars(internal_errors))
    else:
        print(json.dumps({"ways": got, "left": left}))


if __name__ == "__main__":
    main(**json.load(sys.stdin))
