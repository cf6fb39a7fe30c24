"""A cell's source as Sentry may have it, if its user wants that: code, and no text of length.

What is in a long string or comment is as often a prompt as not. They are found by the
syntax tree, so a cell that does not parse has no such form.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

from aimon_nb.capture.redact import redact_secrets

LONGEST = 40  # characters of a string or a comment that stays
MOST = 10_000  # characters of a cell
_STAND_IN = "'…'"
_JOINS = (ast.Add, ast.Mod, ast.Mult)

# What is cut: (line, column in bytes, line, column) and what stands in its place.
_Cut = tuple[tuple[int, int], tuple[int, int], str]


def shown_source(cell: str) -> str | None:
    """Return the cell without long strings, long comments and keys; None if it does not parse."""
    if len(cell) > 10 * MOST:
        return None
    # As Python counts lines: a form feed or a separator of Unicode's ends none.
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = ast.parse(cell)
        cuts = [*_strings(tree), *_comments(cell)]
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    lines = [line.encode() for line in io.StringIO(cell)]
    for (line, column), (end_line, end_column), stands_in in reversed(_outermost(cuts)):
        rest = lines[end_line - 1][end_column:]
        lines[line - 1 : end_line] = [lines[line - 1][:column] + stands_in.encode() + rest]
    source = redact_secrets(b"".join(lines).decode(), None).strip("\n")
    return source if len(source) <= MOST else f"{source[:MOST]}…"


def _outermost(cuts: list[_Cut]) -> list[_Cut]:
    """Return the cuts in order, without those inside of another: a comment between strings."""
    outermost: list[_Cut] = []
    for cut in sorted(cuts):
        if not outermost or cut[0] >= outermost[-1][1]:
            outermost.append(cut)
    return outermost


def _strings(tree: ast.AST) -> Iterator[_Cut]:
    """Yield the strings that are cut: the outermost expression that joins them, as one."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.expr) and _is_text(node):
            if _length(node) > LONGEST:
                yield (
                    (node.lineno, node.col_offset),
                    (node.end_lineno or node.lineno, node.end_col_offset or 0),
                    _STAND_IN,
                )
                continue
            if not isinstance(node, (ast.BinOp, ast.Call)):
                continue
        pending += ast.iter_child_nodes(node)


def _is_text(node: ast.expr) -> bool:
    """Return whether an expression is a string, or joins strings."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, _JOINS) and (_is_text(node.left) or _is_text(node.right))
    return isinstance(node, ast.JoinedStr) or type(node).__name__ == "TemplateStr" or _joins(node)


def _joins(node: ast.expr) -> bool:
    """Return whether it is a call of a method of a string: of `join`, `format` …."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and _is_text(node.func.value)
    )


def _length(node: ast.AST) -> int:
    """Return the characters of all strings in an expression."""
    texts = (
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, (str, bytes))
    )
    return sum(map(len, texts))


def _comments(cell: str) -> Iterator[_Cut]:
    for token in tokenize.generate_tokens(io.StringIO(cell).readline):
        if token.type == tokenize.COMMENT and len(token.string) > LONGEST:
            line, column = token.start
            before = len(token.line[:column].encode())
            yield (line, before), (line, before + len(token.string.encode())), "# …"
