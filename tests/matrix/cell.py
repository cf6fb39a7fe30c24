"""One client in one world, all its modes: a fresh process; asked by JSON on stdin, a line of JSON a mode."""

import faulthandler
import json
import logging
import os
import sys
import tempfile
import traceback
from importlib import import_module

ENVIRONMENT = {
    **dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "HF_TOKEN", "CO_API_KEY", "MISTRAL_API_KEY"), "none"),
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "none"),
    "AWS_DEFAULT_REGION": "us-east-1",
    "LANGSMITH_TRACING": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


class Cell:
    """The modes of a client, run one after the other against one server."""

    def __init__(self, client, modes, world, plain, verbose):
        self.modes = import_module(f"tests.matrix.clients.{client}").modes
        self.names = [name for name in self.modes if not modes or name in modes]
        self.world, self.plain, self.verbose = world, plain, verbose

    def run(self, server):
        if self.world.observer == "nobody":
            for name in self.names:
                say(mode=name, result=self.attempt(self.modes[name], server))
                server.settled()
                server.clear()
            return
        from tests.matrix.modes import step
        from tests.matrix.worlds import init
        from tests.parts.receiver import receiving

        step.lifecycle = self.world.lifecycle
        with receiving() as receiver:
            init(self.world, self.modes.own, receiver.dsn)
            watch = self.ours if self.world.observer == "ours" else self.sentry
            for name in self.names:
                if self.fails(name):
                    continue
                receiver.forget()
                server.clear()
                wrong = watch(name, self.modes[name], server, receiver)
                say(mode=name, wrong=list(dict.fromkeys(wrong)), calls=len(server.settled()))

    def fails(self, name):
        """Whether the client cannot do it in this environment, with nobody watching."""
        plain = self.plain.get(name)
        return isinstance(plain, list) and plain[:1] == ["raised"] and not self.modes[name].raises

    def ours(self, name, mode, server, receiver):
        from aimon_nb.app import monitor
        from tests.matrix.judge import judge

        opened = monitor.open(name, "none")
        try:
            result = self.attempt(mode, server)
        finally:
            opened.end(None)
        served = server.settled()
        wrong = self.outcome(name, result) + judge(mode, opened.run, served, receiver.spans())
        if self.verbose or wrong:
            print(tree(opened.run), *served, sep="\n", file=sys.stderr)
        return wrong

    def sentry(self, name, mode, server, receiver):
        from tests.matrix.judge import judge_sentry
        from tests.matrix.worlds import root

        with root(self.world.lifecycle, name):
            result = self.attempt(mode, server)
        served = server.settled()
        return self.outcome(name, result) + judge_sentry(mode, served, receiver.spans())

    def outcome(self, name, result):
        plain = self.plain.get(name)
        if result == plain:
            return []
        raised = isinstance(result, list) and result[:1] == ["raised"]
        return [f"raises {result[1]} in the user's code" if raised else "result differs"]

    def attempt(self, mode, server):
        """What the user's code gets, or what it sees raised, as plain JSON."""
        try:
            result = mode.use(server)
        except Exception as error:
            if not mode.raises and self.verbose:
                traceback.print_exc()
            result = ["raised", type(error).__name__, str(error)[:300]]
        return json.loads(json.dumps(result, default=repr).replace(server.host, "HOST"))


def say(**told):
    print(json.dumps(told), flush=True)


def tree(run):
    lines = [f"--- {run.name}"]
    for depth, s in run.walk():
        u = s.usage
        told = f"{u.input}/{u.output} attempt={s.attempt} origin={s.origin} sent={s.sent} call={s.call is not None}"
        told += f" {s.error_type}: {s.error}" if s.error_type else ""
        lines.append(f"{'  ' * depth}{s.op} {s.name!r} {s.status} {told}")
    return "\n".join([*lines, *run.notes])


def main():
    asked = json.load(sys.stdin)
    faulthandler.dump_traceback_later(asked.pop("limit") - 30)  # where it stands, if it does not end
    os.environ.update(ENVIRONMENT)
    logging.disable(logging.ERROR)
    from aimon_nb.testing import truth_server
    from tests.matrix.worlds import World

    world = World(**asked.pop("world"))
    with truth_server(latency=0.01, chunk_latency=0.004, chunks=8) as server, tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, DSPY_CACHEDIR=home)  # caches of an earlier run answer nothing
        Cell(world=world, **asked).run(server)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some libraries leave threads that wait
