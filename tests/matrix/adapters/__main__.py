"""All ways of one framework, in a process of its own: asked by JSON on stdin, told by a line of JSON a way."""

import importlib
import json
import logging
import os
import sys
import tempfile

# Each framework's own word for "tell nobody, ask nobody, keep nothing".
OFFLINE = {
    "OPENAI_API_KEY": "sk-none", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HAYSTACK_TELEMETRY_ENABLED": "False",
    "CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false", "CREWAI_TESTING": "true", "OTEL_SDK_DISABLED": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}  # fmt: skip
STEPS = ("gen_ai.invoke_agent", "gen_ai.execute_tool", "gen_ai.retrieval", "function")


def tree(run):
    """The run as its views show it: names, and what went wrong."""
    lines = []
    for depth, span in run.walk():
        if span.is_noise or span.is_duplicate:
            continue
        failed = "" if span.status == "ok" else f" [{' '.join(filter(None, [span.status, span.error_type]))}]"
        kind = " (retrieval)" if span.op == "gen_ai.retrieval" else ""
        lines.append(f"{'  ' * depth}{span.name}{kind}{failed}")
    return "\n".join(lines)


def roots(text):
    """The trees that stand beside each other, in an order that does not depend on who was first."""
    return "\n".join(sorted(text.replace("\n ", "\0 ").split("\n"))).replace("\0", "\n")


def is_like(got, wanted):
    """Whether it is what was wanted, where `...` stands for anything there is."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return got.keys() == wanted.keys() and all(is_like(got[key], wanted[key]) for key in got)
    return got is not None if wanted is ... else got == wanted


def track(way, server, monitor):
    server.clear()
    opened, told, wrong = monitor.open("run", "none"), {}, []
    try:
        told["result"] = repr(way.use(server))
    except Exception as error:
        told["result"] = f"{type(error).__name__}: {error}"
        if not way.raises:
            wrong.append("raised")
    finally:
        opened.end(None)
    run, served = opened.run, server.settled()
    told["tree"] = got = tree(run)
    told["spans"] = {s.span_id: (s.parent_id, s.op, s.name) for s in run.spans.values()}
    good = [call for call in served if call.status == 200]
    usage = run.totals.usage
    told["totals"] = [run.totals.calls, usage.input or 0, usage.output or 0]
    told["served"] = [len(served), sum(c.input for c in good), sum(c.output for c in good)]
    if (roots(got) if way.any_order else got) != (roots(way.tree) if way.any_order else way.tree):
        wrong.append("the tree")
    if told["totals"] != told["served"] and not way.left:
        wrong.append("the sums")
    for name, wanted in (way.content or {}).items():
        step = next((s.step for s in run.spans.values() if s.name == name and s.step), None)
        got = [step.input if step and step.has_input else None, step.output if step and step.has_output else None]
        if not all(map(is_like, got, wanted)):
            wrong.append(f"content of {name}: {got}")
    if run.faults or run.notes:
        wrong.append(f"{run.faults} faults, notes {run.notes}")
    return {**told, "wrong": wrong, "expected": way.tree, "steps": sum(s.op in STEPS for s in run.spans.values())}


def main(framework, order, names=(), dsn=None, lifecycle=None, instrument=None):
    import sentry_sdk

    from aimon_nb.ai.instrumentation import instrumentation
    from aimon_nb.app import monitor
    from aimon_nb.testing import truth_server

    if dsn is not None:
        more = {"trace_lifecycle": "stream"} if lifecycle == "stream" else {}
        sentry_sdk.init(dsn, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, **more)
    if order == "load first":
        monitor.install()
        assert framework not in sys.modules
    module = importlib.import_module(f"tests.matrix.adapters.{framework}")
    ways, users_own = module.ways, getattr(module, "users_own", None)
    with truth_server(latency=0.005, chunk_latency=0.001) as server:
        plain = users_own(server) if users_own and order == "import first" else None
        monitor.install()
        if instrument is not None:
            importlib.import_module(instrument[0]).__dict__[instrument[1]]().instrument()
        for name in names or ways:
            say(way=name, **track(ways[name], server, monitor))
        if plain is not None:
            opened = monitor.open("run", "none")
            say(way="his own", heard=users_own(server), plain=plain)
            opened.end(None)
        sentry_sdk.flush(5)
        changed = list(instrumentation._patches._applied)
        monitor.uninstall()
        left = [f"{c.owner} {c.name}" for c in changed if getattr(c.owner, "__dict__", {}).get(c.name) is c.value]
        left += module.left() if hasattr(module, "left") else []
        say(way="unloaded", result=repr(next(iter(ways.values())).use(server)), left=left)


def say(**told):
    print(f"\n{json.dumps(told)}", flush=True)


if __name__ == "__main__":
    os.environ.update(OFFLINE)
    logging.getLogger("aimon_nb").addHandler(logging.StreamHandler())
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, DSPY_CACHEDIR=home, CREWAI_STORAGE_DIR=home)
        main(**json.load(sys.stdin))
        sys.stdout.flush()
        os._exit(0)  # some libraries leave threads that wait
