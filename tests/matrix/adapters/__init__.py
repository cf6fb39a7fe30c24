"""Frameworks that tell nobody of their steps, in the ways they run; the tree of each as text."""

import textwrap
from dataclasses import dataclass
from typing import Any, Callable


@dataclass
class Way:
    """One way: what runs, and the tree that it must make; `raises` if the user's code gets an error,
    `any_order` if nobody knows which of its roots begins first,
    `left` if the server told more than was read;
    `content` is what went in and came out by the name of a row, `...` standing for anything."""

    use: Callable[[Any], Any]
    tree: str
    raises: bool = False
    any_order: bool = False
    left: bool = False
    content: Any = None


class Ways(dict):
    """The ways of a framework: `@ways("plain", '''…''')` above a function of the truth server."""

    def __call__(self, name, tree, **more):
        def note(use):
            lines = [line for line in textwrap.dedent(tree).splitlines() if line.strip()]
            self[name] = Way(use, "\n".join(lines), **more)
            return use

        return note
