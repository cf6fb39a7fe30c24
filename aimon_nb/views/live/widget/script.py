"""The page's script and style: plain modules, joined without their comments by no build step.

Each module keeps a scope of its own, so that names of two files never meet, and only what it
exports leaves it. A file stands after those that it imports from; a circle is an error.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

_HERE = Path(__file__).parent
_ENTRY = "main.js"
_IMPORT = re.compile(
    r"^import (?P<names>[^;]+?) from '(?P<file>\./[^']+|\.\./[^']+)';\n", re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(?:const|class|function|async function) (\w+))", re.MULTILINE)
# What a minifier writes: `export{a as b,c}`, `export default …`.
_LIST = re.compile(r"export\s*\{(.*?)\};?", re.DOTALL)
_DEFAULT = re.compile(r"(?:^|(?<=;))export default ", re.MULTILINE)
# Comments, a quarter of our files: types, lines of their own, and what ends a line without a
# quotation mark in it, so that it stands in no text.
_COMMENT = re.compile(
    r"^ *(?:/\*\*(?:[^*]|\*(?!/))*\*/|//.*)\n| +// [^\n'\"`]*$|/\*\* @type [^\n]*?\*/ ?",
    re.MULTILINE,
)
# Of no use in a page; htm reads no line end and what follows it as text.
_INDENT = re.compile(r"^ +", re.MULTILINE)
# Empty lines, and line ends within a list and at both ends of a block: where a comment may
# stand they stay.
_LINE_END = re.compile(r"^\n|(?<=[,({])\n|(?<=[;}])\n(?=})", re.MULTILINE)
_MAY_END_IN_COMMENT = re.compile(r"//.*(?:[,({]$|[;}]\n})", re.MULTILINE)
_STYLE_COMMENT = re.compile(r"/\*[^*]*\*/\n?")
# Of no use either; no text in a style has one of these signs.
_STYLE_SPACE = re.compile(r"\s*([{};,])\s*|(?<=[\w-]:) +(?=[^{}]*[;}])")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


@functools.cache
def joined_script() -> str:
    """Return all modules as one, whose default export is the widget's."""
    files: dict[Path, str] = {}
    entry = (_HERE / _ENTRY).resolve()
    _add(entry, files, ())
    return "".join(files.values()) + f"export default {_scope(entry)}.default;\n"


@functools.cache
def style() -> str:
    """Return the style of all that the script draws."""
    styles = (path.read_text(encoding="utf-8") for path in sorted(_HERE.glob("*.css")))
    return _STYLE_SPACE.sub(lambda found: found[1] or "", _STYLE_COMMENT.sub("", "".join(styles)))


def loader() -> str:
    """Return the script of a run's own widget, which shows what the kernel's one widget tells."""
    return (_HERE / "loader.js").read_text(encoding="utf-8")


def beacon() -> str:
    """Return the script that brings the runs of a busy kernel into a page that lacks them."""
    return (_HERE / "beacon.js").read_text(encoding="utf-8")


def _add(path: Path, files: dict[Path, str], above: tuple[Path, ...]) -> None:
    if path in files:
        return
    if path in above:
        raise ImportError(f"{path.name} imports itself")
    code = _SOURCE_MAP.sub("", path.read_text(encoding="utf-8"))
    if path.parent == _HERE.resolve():
        code = _INDENT.sub("", _COMMENT.sub("", code))
        if not _MAY_END_IN_COMMENT.search(code):
            code = _LINE_END.sub("", code)
    for found in _IMPORT.finditer(code):
        _add((path.parent / found["file"]).resolve(), files, (*above, path))
    files[path] = _enclosed(path, code)


def _enclosed(path: Path, code: str) -> str:
    """Return a module as a constant that holds what it exports."""
    exports = {name: name for name in _EXPORT.findall(code)}

    def take_list(found: re.Match[str]) -> str:
        for pair in filter(None, map(str.strip, found[1].split(","))):
            inner, _, outer = pair.partition(" as ")
            exports[outer.strip() or inner] = inner
        return ""

    def take_default(_: re.Match[str]) -> str:
        exports["default"] = "default_"
        return "const default_ = "

    def take_import(found: re.Match[str]) -> str:
        names = found["names"].strip().replace(" as ", ": ")
        names = names if names.startswith("{") else f"{{ default: {names} }}"
        return f"const {names} = {_scope((path.parent / found['file']).resolve())};\n"

    for pattern, take in ((_IMPORT, take_import), (_LIST, take_list), (_DEFAULT, take_default)):
        code = pattern.sub(take, code)
    code = _EXPORT.sub("", code).strip()
    pairs = exports.items()
    given = ",".join(name if name == inner else f"{name}:{inner}" for name, inner in pairs)
    return f"const {_scope(path)} = (() => {{\n{code}\nreturn {{{given}}};\n}})();\n"


def _scope(path: Path) -> str:
    return "$" + re.sub(r"\W", "_", path.stem)
