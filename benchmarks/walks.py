"""Which files a model call walks through, and which functions a price: `python benchmarks/walks.py`.

Not a test: it counts what a reader has to open. A profile hook in all threads notes each way
in which a file of the package is entered from another one, or from outside of it. Rooms have
an order, the arrows of `tests/test_house.py` beside the package. A file is *entered
again from below* if a file of a lower room calls into it after it has been entered in another
way: whoever reads the walk has to go back up. With opening and closing the run one such
entry is by design, the recorder's listener in `app`.

It uses public names and the form of the page's messages alone, so it runs on older commits:
`PYTHONPATH=/path/to/a/worktree python benchmarks/walks.py`. The figures of a whole run differ
by a file or two from run to run, as the thread of ours finds more or less to do at a time.
"""

import ast
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

WAIT = 20  # seconds for the row's message


@dataclass
class Entry:
    """The first time that a file was entered from one other file (None: from outside)."""

    thread: str
    file: str
    caller: str | None


@dataclass
class Walk:
    """What was entered while it was recorded: in order, each way into a file once a thread."""

    entries: dict[tuple, Entry] = field(default_factory=dict)
    functions: dict[tuple, int] = field(default_factory=dict)

    @property
    def files(self):
        return list(dict.fromkeys(entry.file for entry in self.entries.values()))

    @property
    def threads(self):
        return list(dict.fromkeys(entry.thread for entry in self.entries.values()))

    def again_from_below(self, below):
        """(file, calling file) where a lower room enters a file that was entered otherwise before."""
        seen, found = {}, []
        for entry in self.entries.values():
            callers = seen.setdefault(entry.file, set())
            upwards = entry.caller is not None and room(entry.caller) in below.get(room(entry.file), ())
            if upwards and callers - {entry.caller} and (entry.file, entry.caller) not in found:
                found.append((entry.file, entry.caller))
            callers.add(entry.caller)
        return found


class Recorder:
    """The profile hook: it follows each thread from its start, and writes down while `walk` is set."""

    def __init__(self):
        self.walk = None
        self.root = ""  # the package's folder, known once it is imported
        self._own = threading.local()

    def __call__(self, frame, event, _):
        if event == "call":
            self._enter(frame)
        elif event == "return":
            stack = self._stack()
            # A frame that was open before the hook was there returns without having been entered.
            if stack and stack[-1][0] is frame:
                stack.pop()

    def _stack(self):
        try:
            return self._own.stack
        except AttributeError:
            stack = self._own.stack = []
            return stack

    def _enter(self, frame):
        code = frame.f_code
        file = code.co_filename
        if not self.root or not file.startswith(self.root) or code.co_name == "<module>":
            return
        file = file[len(self.root) :]
        if file.startswith("testing"):
            return
        stack = self._stack()
        caller = stack[-1][1] if stack else None
        stack.append((frame, file))
        walk = self.walk
        # Whoever takes the next item of a generator expression does not call its file.
        if walk is None or code.co_name == "<genexpr>":
            return
        function = (file, code.co_firstlineno, code.co_name)
        walk.functions[function] = walk.functions.get(function, 0) + 1
        if caller != file:
            thread = threading.current_thread().name
            walk.entries.setdefault((thread, file, caller), Entry(thread, file, caller))


recorder = Recorder()


def room(file):
    return file.removesuffix(".py").partition("/")[0]


def rooms_below(house):
    """By room the rooms that it may import, those of its rooms too, from the arrows of the house test."""
    names = {}
    for node in ast.parse(house.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id in ("ALL", "ARROWS"):
            exec(compile(ast.Module([node], []), str(house), "exec"), names)
    arrows = {one: set(others) for one, others in names["ARROWS"].items()}
    for one in arrows:
        arrows[one].add("providers")
    grown = True
    while grown:
        grown = False
        for one, others in arrows.items():
            more = set().union(*(arrows.get(other, set()) for other in others)) - others
            grown = grown or bool(more)
            others |= more
    # Two that are below each other are on one level.
    return {one: {other for other in others if one not in arrows.get(other, ())} for one, others in arrows.items()}


class Page:
    """Stands in for the page: it knows when the row of a call that has its price is sent."""

    def __init__(self, view, walk_ends):
        self.row, self._walk_ends = threading.Event(), walk_ends
        view.widget.send = self.take

    def take(self, message, buffers=None):
        # A packed row names kind, status and state of cost; no other field has such a word.
        if any({"model", "ok", "priced"} <= {one for one in row if isinstance(one, str)} for row in message.get("rows", [])):
            if self._walk_ends:
                recorder.walk = None
            self.row.set()


def one_call(client, track, whole):
    """A tracked run with one call, and the walk from its request to its row, or of the whole run.

    Returns:
        (the walk, the run's view)

    """
    walk = Walk()
    if whole:
        recorder.walk = walk
    with track("walk", view="none") as view:
        recorder.walk = None  # a notebook has its page already
        page = Page(view, walk_ends=not whole)
        recorder.walk = walk
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Why?"}])
        if not page.row.wait(WAIT):
            raise SystemExit(f"no row of the call came within {WAIT} s")
    recorder.walk = None
    return walk, view


def one_price(price, span):
    walk = Walk()
    recorder.walk = walk
    try:
        cost = price(span)
    finally:
        recorder.walk = None
    assert cost.state == "priced", cost
    named = {key: count for key, count in walk.functions.items() if not key[2].startswith("<") and room(key[0]) in ("pricing", "providers")}
    return named


def main():
    # Before the package is imported: its threads are followed from their start.
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    import openai

    import aimon_nb
    from aimon_nb import pricing, track
    from aimon_nb.testing import truth_server

    folder = Path(aimon_nb.__file__).parent
    recorder.root = f"{folder}/"
    below = rooms_below(folder.parent / "tests" / "test_house.py")
    with truth_server(latency=0, chunk_latency=0) as server:
        pricing.host(server.host, provider="openai")
        client = openai.OpenAI(base_url=server.url, api_key="none")
        one_call(client, track, whole=True)  # what is imported or read once is no part of the walk
        call, _ = one_call(client, track, whole=False)
        whole, view = one_call(client, track, whole=True)
        spans = [span for span in view._run.spans.values() if span.call is not None]
        again = one_price(pricing.price, spans[0])
        # A model of which nothing was priced before: no cache answers.
        spans[0].model = spans[0].request_model = spans[0].call.request_model = spans[0].call.response_model = "gpt-4o"
        first = one_price(pricing.price, spans[0])
    sys.setprofile(None)
    walks = {"a call, from `send` to its row": call, "with opening and closing the run": whole}
    report(folder, below, walks, {"the first of its model": first, "another of its model": again})


def report(folder, below, walks, prices):
    print(f"# The walks of {folder.parent}\n")
    print("| | files | of them in each thread | entered again from below |\n|---|---|---|---|")
    for title, walk in walks.items():
        threads = ", ".join(f"{name} {len({e.file for e in walk.entries.values() if e.thread == name})}" for name in walk.threads)
        again = walk.again_from_below(below)
        print(f"| {title} | {len(walk.files)} | {threads} | {len({file for file, _ in again})} |")
    for title, functions in prices.items():
        calls = sum(functions.values())
        print(f"| a price, {title} | {len({file for file, *_ in functions})} | {len(functions)} functions, {calls} calls | |")
    for title, walk in walks.items():
        print(f"\n## {title[0].upper()}{title[1:]}")
        again = walk.again_from_below(below)
        for thread in walk.threads:
            print(f"\n{thread}:\n")
            callers = {}
            for entry in walk.entries.values():
                if entry.thread == thread:
                    callers.setdefault(entry.file, []).append(entry.caller)
            for number, (file, by) in enumerate(callers.items(), 1):
                marks = [f"**{one}**" if (file, one) in again else one or "outside" for one in by]
                print(f"{number}. `{file}` ← {', '.join(marks)}")
    for title, functions in prices.items():
        print(f"\n## A price, {title}\n")
        for file in dict.fromkeys(file for file, *_ in functions):
            print(f"- `{file}`: {', '.join(name for its, _, name in functions if its == file)}")


if __name__ == "__main__":
    main()
