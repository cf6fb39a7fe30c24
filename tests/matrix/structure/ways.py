"""How a way is written down, and the one plain form of a tree."""

import asyncio
import textwrap
from dataclasses import dataclass, field
from typing import Any, Callable

WORDS = {"model": "call", "embedding": "embedding", "agent": "agent", "tool": "tool", "retrieval": "retrieval", "other": "step"}


@dataclass
class Way:
    """One way of running a framework.

    `trees` has the tree by setup where it is another than `tree`. `left` if an answer is not
    read to its end; `raises` if the user's code sees an error; `unordered` if rows beside each
    other come in no sure order; `varies` if two runs without us export different spans, so
    that only their count is compared.
    """

    name: str
    use: Callable[[Any], Any]
    tree: str
    trees: dict[str, str] = field(default_factory=dict)
    setups: tuple[str, ...] | None = None
    left: bool = False
    raises: bool = False
    unordered: bool = False
    varies: bool = False
    callers: bool = False
    cached: int = 0

    def expected(self, setup):
        text = textwrap.dedent(self.trees.get(setup, self.tree)).strip("\n")
        return in_order(text) if self.unordered else text

    def got(self, run):
        text = tree_text(run, callers=self.callers)
        return in_order(text) if self.unordered else text


class Ways(dict):
    """The ways of a framework: `@ways("run", tree=...)` above a function of the truth server.

    Args:
        environment: A name of `tests.matrix.environments`.
        provider: Whether there is a setup with a global provider of the user's.
        drawn_ids: Whether its provider draws ids, so that spans are compared without them.
        environ: Variables of its processes; `HOST` stands for the server's.

    """

    def __init__(self, environment, *, provider=True, drawn_ids=False, environ=None):
        self.environment, self.drawn_ids, self.environ = environment, drawn_ids, environ or {}
        self.setups = {"bare": None, **({"provider": _use_provider} if provider else {})}

    def __call__(self, name, *, tree, **more):
        def note(use):
            self[name] = Way(name, use, tree, **more)
            return use

        return note

    def setup(self, name):
        """`@ways.setup("openinference")` above a function of an `Exported`: what the user writes to switch it on."""

        def note(use):
            self.setups[name] = use
            return use

        return note

    def of(self, setup):
        """The ways that a setup has."""
        return {name: way for name, way in self.items() if way.setups is None or setup in way.setups}


def _use_provider(exported):
    from opentelemetry import trace

    trace.set_tracer_provider(exported.provider())


def tree_text(run, *, callers=False):
    """The rows that views show, a line each: what it is and its name; what is not `ok` says so."""
    lines = []
    for depth, span in run.walk():
        told = f"{WORDS[span.kind]} {_name(span)}"
        told += f" by {span.caller}" if callers and span.caller else ""
        told += f" !{span.status}" if span.status != "ok" else ""
        lines.append("  " * depth + told)
    return "\n".join(lines)


def _name(span):
    if span.kind in ("model", "embedding"):
        return span.request_model or span.model or span.name
    if span.kind == "agent":
        return span.agent or span.name.removeprefix("invoke_agent ")
    if span.kind == "tool":
        return span.tool or span.name.removeprefix("execute_tool ")
    return span.name


def in_order(text):
    """The same tree with the rows beside each other in the order of their text."""
    blocks = []
    for line in text.splitlines():
        if line.startswith("  ") and blocks:
            blocks[-1].append(line[2:])
        else:
            blocks.append([line])
    whole = ["\n".join([head, *("  " + line for line in in_order("\n".join(rest)).splitlines())]) for head, *rest in blocks]
    return "\n".join(sorted(whole))


_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)


def in_loop(told):
    """Wait for a coroutine in the one loop of this process, as a notebook does."""
    return _loop.run_until_complete(told)


def openai_client(server, **more):
    import openai

    return openai.OpenAI(base_url=server.url, api_key="none", max_retries=0, **more)


def async_client(server, **more):
    import openai

    return openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, **more)


def asked(client, text, **more):
    """One chat completion; a coroutine of an async client."""
    return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], **more)


def error_of(use):
    """The type of what the user's own code catches."""
    try:
        use()
    except Exception as error:
        return type(error).__name__
    return None
