"""The line of `%%ai_track`, parsed once for the transformer, the hooks and the magic."""

from __future__ import annotations

import functools
import inspect
import re
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import (
    MagicArgumentParser,
    argument,
    magic_arguments,
    parse_argstring,
)

from aimon_nb.ai.track_options import Options
from aimon_nb.app.settings import Setting, check_tags, known_settings
from aimon_nb.model.budget import dollars_of_text, whole

HEADER = re.compile(r"[ \t]*%%ai_track(?:[ \t]+(?P<line>.*?))?[ \t]*$")
# The same as plain Python, for linters, formatters and jupytext.
COMMENT = re.compile(r"# ?ai_track:[ \t]*(?P<line>.*?)[ \t]*$")
# Shows the help of `%%ai_track`, also where IPython would refuse the cell for its empty body.
HELP_LINE = "%ai_track -h\n"
_help = argument("-h", "--help", action="store_true", help="show this help and run nothing")


def _setting_options(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Give a magic an option for each setting that has one."""
    # The last decorator is the first option.
    for one in reversed(known_settings().values()):
        if one.option is not None:
            choices = one.choices or None
            add = argument(
                f"--{one.name.replace('_', '-')}",
                type=_kind_of(one),
                choices=choices,
                default=None,
                help=one.option,
            )
            magic = add(magic)
    return magic


def _kind_of(setting: Setting) -> Callable[[str], Any]:
    """Return what makes a setting's value of an option's text."""
    if setting.kind is not int:
        return setting.kind

    def number(text: str) -> int:
        try:
            return whole(int(text), setting.name.replace("_", "-"))
        except ValueError as error:
            words = str(error) if "at least" in str(error) else f"give a whole number, not {text!r}"
            raise ArgumentTypeError(words) from None

    return number


def _budget(text: str) -> Decimal:
    """Return the US dollars that the text of `--budget` says."""
    try:
        return dollars_of_text(text)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    """Return the two sides of `KEY=VALUE`; quotes may stand around it."""
    name, sign, value = _unquoted(text).partition("=")
    if not (name and sign):
        raise ArgumentTypeError(f"give KEY=VALUE, not {text!r}")
    return name, value


def _tag(text: str) -> tuple[str, str]:
    """Return a tag's name and value."""
    name, value = _pair(text)
    try:
        check_tags({name: value})
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return name, value


def _datum(text: str) -> tuple[str, Any]:
    """Return the name and value of data: numbers and truth values are what they say."""
    name, value = _pair(text)
    for kind in (int, float):
        with suppress(ValueError):
            return name, kind(value)
    return name, {"true": True, "false": False}.get(value.lower(), value)


def _repeatable(name: str, kind: Callable[[str], Any], text: str) -> Callable[..., Any]:
    decorate: Callable[..., Any] = argument(
        name, action="append", type=kind, default=None, metavar="KEY=VALUE", help=text
    )
    return decorate


@magic_arguments()
@_help
@argument("name", nargs="*", help="name of the run and its pipeline; it may hold spaces")
@_repeatable("--tag", _tag, "tag of the run, in tables and at Sentry; more than once for several")
@_repeatable("--data", _datum, "data of the root span at Sentry; more than once for several")
@argument(
    "--budget",
    type=_budget,
    default=None,
    metavar="USD",
    help="US dollars that the run may spend: a call that does not fit in is not sent",
)
@_setting_options
def ai_track(line: str, cell: str | None = None) -> Any:
    """Track a cell: its model, agent and tool calls, live, with tokens and cost.

    As plain Python, a first line `# ai_track: summarise` means the same, and
    %ai_track STATEMENT tracks one statement, as %time does.

    Example:
        %%ai_track summarise
        answer(question)
    """
    # Only its parser and help are used.
    raise NotImplementedError(line, cell)


_parser: MagicArgumentParser = ai_track.parser


def parse(line: str) -> Any:
    """Return the arguments of a line; `UsageError` says in one line what is wrong with it."""
    try:
        args = _parser.parse_argstring(line)
    except ValueError as error:
        # A quote without its end.
        raise UsageError(f"{error}: {line.strip()}") from None
    args.name = " ".join(_unquoted(word) for word in args.name)
    return args


def settings_of(args: Any) -> dict[str, Any]:
    """Return the settings among the options of a line, by name; None where one is not given."""
    known = known_settings().values()
    return {one.name: getattr(args, one.name) for one in known if one.option is not None}


def of_run(args: Any) -> dict[str, Any]:
    """Return settings and options of the run that a line opens."""
    return {
        "run_settings": settings_of(args),
        "options": options_of(args),
        "budget": args.budget,
    }


def options_of(args: Any) -> dict[str, Any]:
    """Return tags and data among the options of a line, as `track` has them."""
    read = Options.of("", {"tags": dict(args.tag or ()), "data": dict(args.data or ())})
    return {key: value for key, value in (("tags", read.tags), ("data", read.data)) if value}


def _unquoted(word: str) -> str:
    quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "'\""
    return word[1:-1] if quoted else word


def parses(line: str) -> bool:
    """Return whether a header is right and opens a run, so it is no `-h`."""
    return _has_help(line) is False


def has_help(line: str) -> bool:
    """Return whether a header is right and holds `-h`."""
    return _has_help(line) is True


def _has_help(line: str) -> bool | None:
    """Return whether a header holds `-h`; None for one that is wrong."""
    try:
        return bool(parse(line).help)
    except (UsageError, SystemExit):
        return None


def header_line(source: str) -> str | None:
    """Return what follows `%%ai_track` or `# ai_track:` in a cell that starts so, else None."""
    for line in source.splitlines():
        if line.strip():
            match = HEADER.match(line) or COMMENT.match(line)
            return (match.group("line") or "") if match is not None else None
    return None


def parser_of(magic: Any) -> MagicArgumentParser:
    """Return the parser of a magic of ours, which knows its options."""
    return getattr(magic, "parser", _parser)


def help_text(parser: ArgumentParser = _parser, sign: str = "%%") -> str:
    """Return the help of a magic: usage, what it does, an example, its options.

    It is not the parser's own: IPython writes that as reST, and titles each magic with one `%`.
    """
    page = RawDescriptionHelpFormatter(f"{sign}{parser.prog}", width=80)
    page.add_usage(None, parser._actions, parser._mutually_exclusive_groups)
    page.add_text(inspect.cleandoc(parser.description or ""))
    page.start_section("options")
    page.add_arguments(parser._actions)
    page.end_section()
    return page.format_help()


def with_help(function: Callable[..., Any]) -> Callable[[Any, str], Any]:
    """Make a line magic of a method that takes its options parsed; `-h` prints its help instead.

    It stands where IPython's `magic_arguments` would: a parser of IPython's knows no `-h`.
    """
    declared = magic_arguments()(_help(function))
    shown = help_text(declared.parser, "%")

    @functools.wraps(declared)
    def magic(self: Any, line: str) -> Any:
        args = parse_argstring(declared, line)
        if args.help:
            print(shown)  # noqa: T201 (the user wants it)
            return None
        return declared(self, args)

    # What `?` shows.
    magic.__doc__ = shown
    return magic


def line_of(statement: str) -> str:
    """Return a statement as a run's name: on one line, of 60 characters at most."""
    line = " ".join(statement.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def name_from(source: str, count: int) -> str:
    """Return a name for a cell without one: its first comment or def, else its number."""
    for line in source.splitlines()[1:]:
        text = line.strip()
        if text.startswith("#") and text.strip("#! "):
            return text.strip("# ")[:60]
        match = re.match(r"(?:async +)?(?:def|class) +(\w+)", text)
        if match is not None:
            return match.group(1)
        if text:
            break
    return f"cell {count}"
