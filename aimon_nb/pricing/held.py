"""How calls are processed, said for a while."""

from __future__ import annotations

from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING

from aimon_nb.pricing.book import Window, book

if TYPE_CHECKING:
    from typing_extensions import Self


class Held:
    """A context that holds from now on, or with `with` only for a block.

    Example:
        with pricing.context(processing="batch"):
            answer()

    Source: docs/cost.md, "Your own prices".
    """

    def __init__(self, values: dict[str, str]) -> None:
        self._context = tuple(sorted(values.items()))
        self._before = book.context
        self._window: Window | None = None
        book.context = self._context
        book.changed()

    def __enter__(self) -> Self:
        book.context = self._before
        self._window = Window(self._context, datetime.now(timezone.utc))
        book.windows.append(self._window)
        book.changed()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._window is not None:
            self._window.end = datetime.now(timezone.utc)
            book.changed()

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self._context) or "standard"
        return f"<pricing context: {said}>"
