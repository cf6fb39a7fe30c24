"""One framework in one setup and world, all its ways: a fresh process; asked by JSON on stdin, a line of JSON a way."""

import contextlib
import faulthandler
import json
import logging
import os
import sys
import tempfile
import traceback
import warnings
from importlib import import_module

from tests.matrix.cell import ENVIRONMENT, tree
from tests.matrix.structure.exported import Exported, differences

# Each framework's own switch against what it tells its maker, and against looking for a network.
SWITCHES = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_TESTING": "true",
    "OTEL_SDK_DISABLED": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "TRACELOOP_TELEMETRY": "false",
    "LOGFIRE_IGNORE_NO_CONFIG": "1",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "AUTOGEN_DISABLE_TELEMETRY": "true",
    "GOOGLE_API_KEY": "none",
    "GOOGLE_GENAI_USE_VERTEXAI": "0",
    "ADK_DISABLE_TELEMETRY": "true",
    "SEMANTICKERNEL_TELEMETRY_OPTOUT": "true",
    "DO_NOT_TRACK": "1",
    "NLTK_DATA": "/nonexistent",
}


class Process:
    """The ways of a framework, run one after the other against one server."""

    def __init__(self, framework, setup, world, ways, plain, verbose):
        self.all = import_module(f"tests.matrix.structure.frameworks.{framework}").ways
        self.setup, self.world, self.plain, self.verbose = setup, world, plain, verbose
        self.ways = {name: way for name, way in self.all.of(setup).items() if not ways or name in ways}
        self.exported = Exported()

    def run(self, server):
        os.environ.update({name: value.replace("HOST", server.host) for name, value in self.all.environ.items()})
        switch_on = self.all.setups[self.setup] or (lambda exported: None)
        if self.world == "nobody":
            switch_on(self.exported)
            for name, way in self.ways.items():
                result = self.attempt(way, server)
                server.settled()
                say(way=name, result=result, exported=self.exported.told(server.host))
                self.forget(server)
            return
        with self.client() as receiver:
            from aimon_nb.app import monitor

            show_faults()
            monitor.install()  # before any library is imported in the world without a client, else after
            if self.world == "none":
                switch_on(self.exported)
            for name, way in self.ways.items():
                say(way=name, **self.watch(way, server, receiver))
                self.forget(server)

    @contextlib.contextmanager
    def client(self):
        """The user's client of Sentry's, and what it sends to; None where he has none."""
        if self.world == "none":
            yield None
            return
        self.all.setups[self.setup] and self.all.setups[self.setup](self.exported)
        from tests.parts.receiver import receiving

        with receiving() as receiver:
            receiver.init(**({"trace_lifecycle": "stream"} if self.world == "stream" else {}))
            yield receiver

    def forget(self, server):
        server.clear()
        self.exported.forget()

    def watch(self, way, server, receiver):
        from aimon_nb.app import monitor
        from tests.matrix.structure.judge import judge

        if receiver is not None:
            receiver.forget()
        opened = monitor.open(way.name, "none")
        try:
            result = self.attempt(way, server)
        finally:
            opened.end(None)
        served = server.settled()
        run = opened.run
        wrong = judge(way, run, served, receiver and receiver.spans())
        got, expected = way.got(run), way.expected(self.setup)
        wrong += self.beside_plain(way, result, self.exported.told(server.host))
        if self.verbose:
            print(tree(run), *served, sep="\n", file=sys.stderr)
        return {"got": got, "expected": expected, "wrong": list(dict.fromkeys(wrong))}

    def beside_plain(self, way, result, exported):
        """What the user's code and his exporter get otherwise than with nobody watching."""
        if self.plain is None:
            raised = isinstance(result, list) and result[:1] == ["raised"] and not way.raises
            return [f"raises {result[1]}"] if raised else []
        plain = self.plain[way.name]
        wrong = [] if result == plain["result"] else [f"the user's code gets {str(result)[:200]} for {str(plain['result'])[:200]}"]
        unordered = way.unordered or self.all.drawn_ids
        return wrong + differences(exported, plain["exported"], unordered=unordered, varies=way.varies)

    def attempt(self, way, server):
        """What the user's code gets, or what it sees raised, as plain JSON."""
        try:
            result = way.use(server)
        except Exception as error:
            if not way.raises:
                traceback.print_exc()
            result = ["raised", type(error).__name__]
        return json.loads(json.dumps(result, default=lambda value: type(value).__name__).replace(server.host, "HOST"))


def show_faults():
    """Our own faults with their tracebacks, on stderr."""
    from aimon_nb.capture.internal_errors import internal_errors

    count = internal_errors.record

    def record(where):
        traceback.print_exc()
        count(where)

    internal_errors.record = record


def say(**told):
    print(json.dumps(told), file=OUT, flush=True)


def main():
    asked = json.load(sys.stdin)
    faulthandler.dump_traceback_later(asked.pop("limit") - 20)  # where it stands, if it does not end
    os.environ.update(ENVIRONMENT | SWITCHES)
    logging.disable(logging.ERROR)
    warnings.simplefilter("ignore")
    from aimon_nb.testing import truth_server

    with truth_server(latency=0, chunk_latency=0.001, chunks=5) as server, tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, DSPY_CACHEDIR=home)
        os.environ.setdefault("CREWAI_STORAGE_DIR", home)
        Process(**asked).run(server)


if __name__ == "__main__":
    OUT, sys.stdout = sys.stdout, sys.stderr  # frameworks print
    main()
    OUT.flush()
    os._exit(0)  # some libraries leave threads that wait
