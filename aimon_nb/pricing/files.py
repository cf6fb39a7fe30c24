"""Files that are whole or not there: nobody ever reads half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], None], *, force: bool = False) -> None:
    """Let `write(temporary)` write beside `path`, then put the result in its place at once.

    Raises:
        FileExistsError: there is such a file, and `force` is not set.
    """
    if not force and path.exists():
        raise FileExistsError(f"{path} exists")
    # Some writers choose their format by the suffix; the name may be as long as can be.
    temporary = path.with_name(f".aimon-{secrets.token_hex(8)}{path.suffix}")
    try:
        write(temporary)
        if force:
            temporary.replace(path)
        else:
            _place(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _place(temporary: Path, path: Path) -> None:
    """Put it there only if nothing is: linking fails where a file appeared meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise FileExistsError(f"{path} exists") from None
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(f"{path} exists") from None
        temporary.replace(path)
