"""Writing a file in one step, so that nobody ever reads half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], None], *, force: bool = False) -> None:
    """Call `write(temporary)` for a file beside `path`, then move that to `path` in one step.

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
            _move_if_absent(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _move_if_absent(temporary: Path, path: Path) -> None:
    """Move a file to where nothing is: linking fails where a file appeared meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise FileExistsError(f"{path} exists") from None
    except OSError:
        # A file system without links.
        if path.exists():
            raise FileExistsError(f"{path} exists") from None
        temporary.replace(path)
