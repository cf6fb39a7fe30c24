"""`python -m aimon_nb`: what can be asked without a notebook."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aimon_nb.model.errors import UnsupportedSDKError
from aimon_nb.versions import show_versions

if TYPE_CHECKING:
    from aimon_nb.wire.supported_clients import Row

_CHECK = "list the installed model clients and HTTP transports: heard, partly, not, and by what"
_CHECK_MORE = """\
exit codes: 0, everything installed here is heard, at least partly; 1, a client is
not; 2, nothing is, for the installed sentry-sdk has no streamed spans. Versions are
compared by their series (3 of 3.54, 0.28 of 0.28.1) with the latest one that was
tried. Nothing is imported and nothing is fetched.
"""
_NEVER = "Never heard: http.client and urllib of the standard library, models in this process."
_ALONE = """\
Of any other request that may be model work the usage in its answer is read, in the
forms of OpenAI, Anthropic, Gemini, Bedrock and Cohere; what tells none is `not counted`.
Known to ask no model: files, counting tokens, moderation, vector stores, telemetry …"""
_HEADS = ("", "installed", "tried", "heard", "by", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m aimon_nb",
        description="See what the AI work in a notebook does and costs: %load_ext aimon_nb. "
        "Without a command: the versions that a bug report needs.",
    )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="")
    commands.add_parser(
        "check",
        help=_CHECK,
        description=_CHECK.capitalize() + ".",
        epilog=_CHECK_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if parser.parse_args(arguments).command is None:
        show_versions()
        return 0
    try:
        return check()
    except UnsupportedSDKError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2


def check() -> int:
    """Print what is heard of what is installed; 1 if a client is not heard at all."""
    from importlib.metadata import version

    from aimon_nb.wire import supported_clients

    rows = supported_clients.installed()
    ours, others = supported_clients.dialects()
    more = f", and of other packages: {', '.join(others)}" if others else ""
    read = [f"  {what} ({name})" for name, what in supported_clients.apis()]
    text = [f"aimon_nb {version('aimon-nb')}, {ours} dialects{more}", "", *_table(rows), "", _NEVER]
    text += ["", "Read by dialect:", *read, "", _ALONE]
    print("\n".join(text))  # noqa: T201
    return int(any(row.state == "not" for row in rows if row.kind == "client"))


def _table(rows: list[Row]) -> list[str]:
    lines = [_HEADS]
    for kind in ("transport", "client"):
        here = [row for row in rows if row.kind == kind]
        lines.append((f"{kind}s" if here else f"{kind}s: none", "", "", "", "", ""))
        lines += [(f"  {r.name}", r.installed, r.tried, r.state, r.by, r.note) for r in here]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


if __name__ == "__main__":
    sys.exit(main())
