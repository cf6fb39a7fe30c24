"""What a cell's source is at Sentry: its code, without long strings, long comments and keys."""

import ast
import random

import pytest

from aimon_nb.app.cell_source import LONGEST, shown_source

LONG = "a secret prompt that is longer than forty characters, really"
SHORT = "a short one"
CASES = {
    "a string": (f"x = ask({LONG!r})", "x = ask('…')"),
    "a short string": (f"x = ask({SHORT!r})", f"x = ask({SHORT!r})"),
    "of forty characters": (f"x = {'y' * 40!r}", f"x = {'y' * 40!r}"),
    "of forty-one": (f"x = {'y' * 41!r}", "x = '…'"),
    "three quotes": (f'x = """{LONG}\n{LONG}\n"""\ny = 1', "x = '…'\ny = 1"),
    "side by side": (f"x = ({LONG[:30]!r}\n     {LONG[30:]!r}); y = 1", "x = ('…'); y = 1"),
    "by plus": (f"x = {LONG[:30]!r} + {LONG[30:]!r}", "x = '…'"),
    "by plus, with names": (f"x = {LONG[:20]!r} + name + {LONG[20:50]!r} + other", "x = '…'"),
    "times": (f"x = 3 * {LONG!r}", "x = '…'"),
    "an f-string": (f"x = f'{LONG[:30]} {{name}} {LONG[30:]}'", "x = '…'"),
    "strings in an f-string": (f'x = f"{{ask({LONG!r})}}"', "x = '…'"),
    "a comment between strings": (f"x = ({LONG!r}  # {LONG}\n  {LONG!r})  # so", "x = ('…')  # so"),
    "a short f-string": ("x = f'{a} and {b}'", "x = f'{a} and {b}'"),
    "percent": (f"x = {LONG[:30]!r} % {LONG[30:]!r}", "x = '…'"),
    "join": (f"x = ' '.join([{LONG[:30]!r}, {LONG[30:]!r}])", "x = '…'"),
    "format": (f"x = {LONG!r}.format(a=1)", "x = '…'"),
    "bytes": (f"x = b{LONG!r}", "x = '…'"),
    "raw": (f"x = r{LONG!r}", "x = '…'"),
    "a docstring": (f'def f():\n    """{LONG}"""\n    return 1', "def f():\n    '…'\n    return 1"),
    "a key of a dict": (f"x = {{{LONG!r}: 1, 'b': {LONG!r}}}", "x = {'…': 1, 'b': '…'}"),
    "a default": (f"def f(a={LONG!r}): pass", "def f(a='…'): pass"),
    "a comment": (f"x = 1  # {LONG}\ny = 2", "x = 1  # …\ny = 2"),
    "a short comment": ("x = 1  # so", "x = 1  # so"),
    "wide letters before it": (f"é = 'ü'; x = {LONG!r}; y = 'ß'  # {LONG}", "é = 'ü'; x = '…'; y = 'ß'  # …"),
    "a key": ("client = OpenAI(api_key='sk-proj-0123456789abcdefgh')", "client = OpenAI(api_key='…')"),
    "line ends of Windows": (f"a = 1\r\nx = {LONG!r}  # {LONG}\r\ny = 2", "a = 1\nx = '…'  # …\ny = 2"),
    "line ends of old": (f"a = 1\rx = {LONG!r}\ry = 2", "a = 1\nx = '…'\ny = 2"),
    "what ends no line": (f"a = 'x\u2028y\x0bz'; x = {LONG!r}\ny = 2", "a = 'x\u2028y\x0bz'; x = '…'\ny = 2"),
    "await": (f"x = await ask({LONG!r})", "x = await ask('…')"),
    "no Python": (f"!echo {LONG}", None),
    "a magic": (f"%pip install {LONG}", None),
    "broken": (f"x = ask({LONG!r}", None),
    "a null": (f"x = '\0{LONG}", None),
    "nothing": ("", ""),
}  # fmt: skip


@pytest.mark.parametrize(("cell", "shown"), CASES.values(), ids=CASES)
def test_each_kind_of_text(cell, shown):
    """Each string, joined ones and f-strings as one, and each comment of more than forty characters is cut; a cell that is no Python has no source."""
    assert shown_source(cell) == shown


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_is_the_same_code(seed):
    """What is left parses, and no string or comment in it is longer."""
    chance = random.Random(seed)
    words = [f"w{n}" for n in range(40)]

    def text():
        return repr(" ".join(chance.choices(words, k=chance.randrange(20))))

    def expression(depth=3):
        if not depth:
            return text()
        inner = lambda: expression(depth - 1)  # noqa: E731
        return chance.choice([text, lambda: f"({inner()} + {inner()})", lambda: f"f({inner()}, k={inner()})", lambda: f"[{inner()},\n {inner()}]", lambda: f"{{{text()}: {inner()}}}"])()

    cell = "\n".join(f"x{n} = {expression()}  # {text()}" for n in range(10))
    shown = shown_source(cell)
    for node in ast.walk(ast.parse(shown)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert len(node.value) <= LONGEST
    assert shown.count("x") >= 10


def test_a_large_cell():
    """A very large cell is cut, and one that is larger than any has no source."""
    assert len(shown_source("x = 1\n" * 5_000)) <= 10_001
    assert shown_source("x = 1\n" * 50_000) is None
