"""Putting wraps on other people's classes, and taking them off again."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

from aimon_nb.capture.internal_errors import internal_errors

Make = Callable[[Any], Any]
ABSENT = object()


def named_like(function: Callable[..., Any], wrapper: Any, updated: tuple[str, ...] = ()) -> Any:
    """The wrapper under the name of what it wraps, where that has one.

    A proxy of a remote object answers to every name, `__name__` too, with what is no text.
    """
    try:
        return functools.wraps(function, updated=updated)(wrapper)
    except Exception:
        return wrapper


class _AppliedPatch(NamedTuple):
    """An attribute that was set, and how to make it anew where it is a wrap."""

    owner: Any
    name: str
    value: Any
    before: Any
    make: Make | None = None


def _wrapped(owner: Any, name: str, original: Any, make: Make) -> _AppliedPatch:
    value = functools.wraps(original)(make(original))
    setattr(owner, name, value)
    return _AppliedPatch(owner, name, value, original, make)


def _is_bare(one: _AppliedPatch) -> bool:
    """Whether the library's own function stands there, unwrapped."""
    now = one.owner.__dict__.get(one.name)
    if now is one.value or hasattr(now, "__wrapped__"):
        return False
    is_module = isinstance(one.owner, ModuleType)
    home = one.owner.__name__ if is_module else one.owner.__module__
    path = one.name if is_module else f"{one.owner.__qualname__}.{one.name}"
    # Only the top-level package is compared: some set `__module__` of their classes to it.
    package = str(getattr(now, "__module__", "")).partition(".")[0]
    return getattr(now, "__qualname__", "") == path and package == home.partition(".")[0]


class Patches:
    """A set of wraps with one undo.

    `live` turns False at the undo: a wrap that somebody else wrapped in the
    meantime cannot be taken out, so it stays in their chain and does nothing.
    """

    def __init__(self) -> None:
        self.live = False
        self._applied: list[_AppliedPatch] = []

    def wrap(self, owner: Any, name: str, make: Make) -> bool:
        """Replace `owner.name` by `make(original)`; False if there is no such name."""
        original = owner.__dict__.get(name)
        if original is None:
            return False
        self._applied.append(_wrapped(owner, name, original, make))
        self.live = True
        return True

    def reapply(self) -> None:
        """Apply our patches again where the library's own function was restored.

        Whoever undoes a patch that is older than ours removes ours, too.
        """
        lost = {(id(one.owner), one.name) for one in self._applied if one.make and _is_bare(one)}
        for at, one in enumerate(self._applied):
            if one.make is not None and (id(one.owner), one.name) in lost:
                now = one.owner.__dict__[one.name]
                self._applied[at] = _wrapped(one.owner, one.name, now, one.make)

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute that `owner` may only inherit, until the undo."""
        self._applied.append(_AppliedPatch(owner, name, value, owner.__dict__.get(name, ABSENT)))
        setattr(owner, name, value)
        self.live = True

    def register_external(self, owner: Any, name: str, value: Any, before: Any = ABSENT) -> None:
        """Note what somebody else set for us; `before` is what it was, if it was."""
        self._applied.append(_AppliedPatch(owner, name, value, before))
        self.live = True

    def on_import(self, name: str, then: Callable[[ModuleType], None]) -> None:
        """Call `then(module)` now if the module is loaded, else right after its first import.

        One that is being imported just now, by whoever called us or in another thread, has not
        all of its names: then it is called as soon as it has.
        """
        self.live = True
        module = sys.modules.get(name)
        is_partial = module is not None and _is_partial(module)
        if module is not None and not is_partial:
            with internal_errors.suppress(f"patching {name}"):
                then(module)
            return
        _finder.add(self, name, then)
        if module is not None:
            _finder.partial.add(name)
            with internal_errors.suppress(f"waiting for {name}"):
                _when_complete(module.__spec__, _finder.tell_complete)

    def undo(self) -> None:
        """Take every wrap off, last first."""
        self.live = False
        _finder.remove(self)
        for one in reversed(self._applied):
            if one.owner.__dict__.get(one.name) is not one.value:
                continue
            if one.before is ABSENT:
                delattr(one.owner, one.name)
            else:
                setattr(one.owner, one.name, one.before)
        self._applied.clear()


_before_import: dict[int, Callable[[], None]] = {}  # by thread


@contextmanager
def before_each_import(step: Callable[[], None]) -> Iterator[None]:
    """Call `step` before each module that this thread imports in this block, if we are installed.

    By the finder that stands there: one more that comes and goes would make other threads,
    which walk through `sys.meta_path` meanwhile, miss one.
    """
    _before_import[threading.get_ident()] = step
    try:
        yield
    finally:
        _before_import.pop(threading.get_ident(), None)


class _ImportFinder(MetaPathFinder):
    """Notices the first import of the modules waited for; loads nothing itself.

    There is one for all sets of patches: each import asks it once.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, list[tuple[Patches, Callable[[ModuleType], None]]]] = {}
        self.partial: set[str] = set()  # of these, whose import we did not see begin
        self._users: set[Patches] = set()
        self._asking: set[str] = set()

    def add(self, patches: Patches, name: str, then: Callable[[ModuleType], None]) -> None:
        """Have `then` called when the module is imported, as long as `patches` are on."""
        self.waiting.setdefault(name, []).append((patches, then))
        self._users.add(patches)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self, patches: Patches) -> None:
        """Let go of what these patches waited for; of all, nothing of ours is asked any more."""
        for name, waiting in list(self.waiting.items()):
            rest = [one for one in waiting if one[0] is not patches]
            if rest:
                self.waiting[name] = rest
            else:
                self.waiting.pop(name, None)
                self.partial.discard(name)
        self._users.discard(patches)
        if not self._users and self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        step = _before_import.get(threading.get_ident()) if _before_import else None
        if step is not None:
            step()
        if name not in self.waiting or name in self._asking:
            return None
        self._asking.add(name)
        try:
            spec = _spec_from_others(self, name, path, target)
        finally:
            self._asking.discard(name)
        if spec is not None and spec.loader is not None:
            with internal_errors.suppress(f"watching the import of {name}"):
                self._follow(name, spec.loader)
        return spec

    def _follow(self, name: str, loader: Any) -> None:
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            loader.__dict__.pop("exec_module", None)
            load(module)
            self._tell(name, module)

        loader.exec_module = exec_module

    def tell_complete(self) -> None:
        """Tell of the modules that have become complete since."""
        for name in list(self.partial):
            module = sys.modules.get(name)
            if module is None or not _is_partial(module):
                self.partial.discard(name)
            if module is not None and not _is_partial(module):
                self._tell(name, module)

    def _tell(self, name: str, module: ModuleType) -> None:
        for _, then in self.waiting.pop(name, []):
            with internal_errors.suppress(f"patching {name}"):
                then(module)


def _when_complete(spec: Any, then: Callable[[], None]) -> None:
    """Call `then()` when the import that goes on is over: who imports notes that on the spec."""
    kind = type(spec)

    class Watched(kind):  # type: ignore[misc, valid-type]
        @property
        def _initializing(self) -> bool:
            return self.__dict__.get("_initializing", False) is True

        @_initializing.setter
        def _initializing(self, value: bool) -> None:
            self.__class__ = kind
            self._initializing = value  # another one may watch it, too
            then()

    spec.__class__ = Watched
    if not spec._initializing:  # another thread was done meanwhile
        spec.__class__ = kind
        then()


def _is_partial(module: ModuleType) -> bool:
    """Whether its code is still running."""
    return getattr(getattr(module, "__spec__", None), "_initializing", False) is True


_finder = _ImportFinder()


def _spec_from_others(ours: MetaPathFinder, name: str, path: Any, target: Any) -> ModuleSpec | None:
    for finder in sys.meta_path:
        if finder is ours:
            continue
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, path, target) if find is not None else None
        if spec is not None:
            return spec
    return None
