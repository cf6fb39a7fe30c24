"""One client in one world and lifecycle, all its modes: a fresh process, a line of JSON a mode."""

import json
import logging
import os
import sys
import time
import traceback
from importlib import import_module


def main(client, world, lifecycle, wanted):
    os.environ.update(OPENAI_API_KEY="sk-none", ANTHROPIC_API_KEY="none", GEMINI_API_KEY="none")
    os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="us-east-1")
    os.environ.update(LANGSMITH_TRACING="false", OPENAI_AGENTS_DISABLE_TRACING="1", LITELLM_LOCAL_MODEL_COST_MAP="True")
    logging.disable(logging.ERROR)
    from aimon_nb.testing import truth_server

    modes = import_module(f"tests.matrix.clients.{client}").modes
    names = [name for name in modes if not wanted or name in wanted]
    with truth_server(latency=0.01, chunk_latency=0.004, chunks=8) as server:
        plain = {name: attempt(modes[name], server) for name in names}
        watch(client, world, lifecycle, modes, names, server, plain)


def watch(client, world, lifecycle, modes, names, server, plain):
    from aimon_nb.api import monitor
    from tests.matrix.judge import judge
    from tests.matrix.modes import step
    from tests.matrix.worlds import Received

    received = Received()
    received.init(world, modes.own, lifecycle)
    step.lifecycle = lifecycle
    import sentry_sdk

    for name in names:
        mode = modes[name]
        server.settled()
        server.clear()
        received.spans.clear()
        opened = monitor.open(name, "none")
        try:
            result = attempt(mode, server)
        finally:
            opened.end(None)
        sentry_sdk.flush(2)
        served = [c for c in server.settled()]
        wrong = judge(mode, opened.run, served, received.spans, result == plain[name])
        if isinstance(result, list) and result[:1] == ["raised"]:
            if result[1] == "ModuleNotFoundError":
                print(json.dumps({"mode": name, "missing": result[2]}), flush=True)
                continue
            wrong += [] if mode.raises else [" ".join(result)]
        if "-v" in sys.argv:
            print(tree(opened.run), file=sys.stderr)
        print(json.dumps({"mode": name, "wrong": wrong, "calls": len(served)}), flush=True)


def attempt(mode, server):
    """What the user's code gets, or what it sees raised."""
    try:
        return mode.use(server)
    except Exception as error:
        if not mode.raises and "-v" in sys.argv:
            traceback.print_exc()
        return ["raised", type(error).__name__, str(error)[:300]]


def tree(run):
    lines = []
    for s in run.spans.values():
        parent = run.spans.get(s.parent_id)
        lines.append(f"  {s.span_id[:4]} < {s.parent_id and s.parent_id[:4]} {s.op} {s.name!r} {s.status} covers={s.covers} call={s.call is not None} {s.attempt} {s.usage.input}/{s.usage.output} {s.origin} {s.sent}")
    return "\n".join([f"--- {run.name}", *lines])


if __name__ == "__main__":
    names = [a for a in sys.argv[4:] if not a.startswith("-")]
    main(*sys.argv[1:4], names)
    sys.stdout.flush()
    os._exit(0)  # some libraries leave threads that wait
