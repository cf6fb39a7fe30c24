"""Which notebook code runs in, where its front end tells the kernel: a file's name, no folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PureWindowsPath
from typing import Any

from aimon_nb.capture.redact import redact_name
from aimon_nb.model.text import encodable

# Parameters of `papermill --inject-paths`, the notebook that was written before the one
# that is: it tells a kernel nothing else. Then VS Code's, whose session at a server is
# named after a temporary file.
_VARIABLES = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH", "__vsc_ipynb_file__")
# jupyter_server's, in the environment: a path.
_SESSION = "JPY_SESSION_NAME"


def notebook_name(shell: Any) -> str | None:
    """Return the name of the notebook that a shell's kernel runs; None where nobody tells.

    A script that a notebook starts inherits the environment of its kernel, and is none.
    """
    if not hasattr(shell, "kernel"):
        return None
    return next(filter(None, map(_file_name, _paths(shell.user_ns))), None)


def _paths(namespace: dict[str, Any]) -> Iterator[Any]:
    yield from (namespace.get(name) for name in _VARIABLES)
    yield os.environ.get(_SESSION)


def _file_name(path: Any) -> str | None:
    """Return the last part of a path of any system; None for what is no file's name.

    A session of a console has a name without a suffix, and papermill's `-` is a pipe.
    """
    if type(path) is not str:
        return None
    # A query of a URL may hold a key.
    name = PureWindowsPath(path.partition("?")[0] if "://" in path else path)
    return redact_name(encodable(name.name)) if name.suffix else None
