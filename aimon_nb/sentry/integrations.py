"""Frameworks give structure: agents, tools and steps, by the SDK's own integrations.

Each is set up when its library is there, loaded already or at its first import, and
needs no client of its own: in a run it is on, whatever client there is, and outside
runs it is silent, unless the user's own client chose it. What his client names in
`disabled_integrations` stays off. `auto_enabling_integrations` is never used: it
imports every client library that is installed, and each switches others off.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

import sentry_sdk
from sentry_sdk import client as sentry_client
from sentry_sdk import integrations
from sentry_sdk.scope import Scope

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.run_recorder import Recorder
from aimon_nb.sentry import cache_hits, langchain_patches, pydantic_ai_patches, sdk3_patches
from aimon_nb.sentry.attribute_diff import diff_attributes
from aimon_nb.sentry.sdk import HAS_TRANSACTIONS, START_STREAMED, NoOpSpan


@dataclass(frozen=True, slots=True)
class Integration:
    """A library, and the SDK's integration that tracks its agents, tools and steps."""

    # The integration's module and identifier.
    name: str
    integration: str
    # Modules after which it can be set up: the first may be too early.
    after: tuple[str, ...]
    # Where it patches.
    packages: tuple[str, ...]
    # A name in the library that a module of the user's with its name has not.
    proof: str = ""

    @property
    def origin(self) -> str:
        """Return the origin of the spans it makes."""
        return f"auto.ai.{self.name}"


FRAMEWORKS = (
    Integration(
        "langchain",
        "LangchainIntegration",
        ("langchain_core.callbacks.manager",),
        ("langchain_core", "langchain_classic", "langchain"),
    ),
    Integration(
        "langgraph",
        "LanggraphIntegration",
        ("langgraph.graph", "langgraph.pregel", "langgraph.func"),
        ("langgraph",),
    ),
    Integration("openai_agents", "OpenAIAgentsIntegration", ("agents",), ("agents",), "RunConfig"),
    Integration("pydantic_ai", "PydanticAIIntegration", ("pydantic_ai",), ("pydantic_ai",)),
    Integration("mcp", "MCPIntegration", ("mcp.server", "mcp"), ("mcp",)),
)

# What the SDK's integrations try to import although nobody asked for it.
_OPTIONAL = frozenset({*langchain_patches.EMBEDDINGS, "langchain_classic", "langchain", "fastmcp"})


class Integrations:
    """The integrations that we set up, and the one place that says when they are on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._ours: dict[str, Any] = {}  # by identifier, on in every run
        self._origins: set[str] = set()
        self._patches: dict[str, Patches] = {}
        self._main: Patches | None = None
        self._pending: dict[Integration, None] = {}  # loaded, and could not be set up yet
        # Told of each that is set up: its name and its module.
        self.when_set_up: Callable[[str, Any], None] = _do_nothing

    def install(self, patches: Patches) -> None:
        """Set up what is loaded, and the others at their first import."""
        self._main = patches
        for framework in FRAMEWORKS:
            for module in framework.after:
                patches.on_import(module, partial(self._loaded, framework))
        cache_hits.install(patches, self._is_in_run)

    def retry(self) -> None:
        """Set up what could not be set up when it was imported."""
        for framework in list(self._pending):
            self._loaded(framework, None)

    def uninstall(self) -> None:
        """Take out what no client of the user's chose."""
        for name in list(self._ours):
            if not _is_chosen_by_user(name):
                self._patches[name].undo()
                # The SDK sets up an integration once a process; it may do so again.
                integrations._processed_integrations.discard(name)
                integrations._installed_integrations.discard(name)
        self._ours, self._patches, self._main = {}, {}, None
        self._origins.clear()
        self._pending.clear()

    # -- setting up ---------------------------------------------------------------

    def _loaded(self, framework: Integration, module: ModuleType | None) -> None:
        if framework.name in self._ours or self._main is None:
            return
        if module is not None and framework.proof and not hasattr(module, framework.proof):
            return
        # Not to be waited for: an `init` that holds it may wait for the import we stand in.
        if not integrations._installer_lock.acquire(blocking=False):
            self._pending[framework] = None
            return
        try:
            self._pending.pop(framework, None)
            self._set_up(framework)
        except (integrations.DidNotEnable, ImportError):
            # Half imported, or too old.
            self._pending[framework] = None
        except Exception:
            internal_errors.record(f"setting up {framework.name}")
        finally:
            integrations._installer_lock.release()

    def _set_up(self, framework: Integration) -> None:
        with _without_optional_imports():
            module = import_module(f"sentry_sdk.integrations.{framework.name}")
        # Somebody is importing it.
        if not hasattr(module, framework.integration):
            raise ImportError(framework.name)
        integration = getattr(module, framework.integration)()
        patches = self._patches[framework.name] = Patches()
        if framework.name not in integrations._installed_integrations:
            with pydantic_ai_patches.finding_hooks(module, patches):
                changes = diff_attributes(framework.packages, integration.setup_once)
            for change in changes:
                patches.register_external(*change)
            integrations._processed_integrations.add(framework.name)
            integrations._installed_integrations.add(framework.name)
        if framework.name == "langchain" and self._main is not None:
            langchain_patches.run_inline(module, self._main)
            langchain_patches.complete(module, patches)
        self._turn_on(framework, integration)
        self.when_set_up(framework.name, module)

    def _turn_on(self, framework: Integration, integration: Any) -> None:
        if not self._ours and self._main is not None:
            for client in (sentry_client.BaseClient, sentry_client._Client):
                self._main.wrap(client, "get_integration", self._wrap_get)
            self._main.wrap(Scope, START_STREAMED, self._wrap_start_streamed)
            if HAS_TRANSACTIONS:
                self._main.wrap(Scope, "start_span", self._wrap_start)
                self._main.wrap(Scope, "start_transaction", self._wrap_start)
            else:
                sdk3_patches.install(self._main, partial(_is_unasked, self._origins))
        self._ours[framework.name] = integration
        self._origins.add(framework.origin)

    # -- when they are on -----------------------------------------------------------

    def is_enabled(self, name: str) -> bool:
        """Whether a framework's spans are made here: in a run, or by the user's choice."""
        if _is_chosen_by_user(name):
            return True
        return self._is_in_run() and not _is_disabled_by_user(name)

    def hears(self, name: str) -> bool:
        """Whether a framework's agents and tools come by an integration: set up, and on."""
        is_set_up = name in self._ours or _is_chosen_by_user(name)
        return is_set_up and self.is_enabled(name)

    def _is_in_run(self) -> bool:
        return (context.current_run.get() or self._recorder.sole) is not None

    def should_drop_event(self, mechanism: Any) -> bool:
        """Whether an error event is of an integration that the user did not choose.

        It reports what the framework or the user's code may well handle.
        """
        return mechanism in self._ours and not _is_chosen_by_user(mechanism)

    def _wrap_get(self, original: Any) -> Any:
        def get_integration(client: Any, name_or_class: Any) -> Any:
            clients_own = original(client, name_or_class)
            name = getattr(name_or_class, "identifier", name_or_class)
            if name not in self._ours:
                return clients_own
            if clients_own is not None:
                return None if _is_disabled_by_user(name) else clients_own
            return self._ours[name] if self.is_enabled(name) else None

        return get_integration

    def _is_off(self, origin: Any) -> bool:
        return origin in self._origins and not self.is_enabled(origin.rpartition(".")[2])

    def _wrap_start(self, original: Any) -> Any:
        def start(scope: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if self._is_off(kwargs.get("origin")):
                return _IgnoredSpan()
            return original(scope, *args, **kwargs)

        return start

    def _wrap_start_streamed(self, original: Any) -> Any:
        def start(scope: Any, name: Any, attributes: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if isinstance(attributes, dict) and self._is_off(attributes.get("sentry.origin")):
                return _IgnoredSpan()
            return original(scope, name, attributes, *args, **kwargs)

        return start


class _IgnoredSpan(NoOpSpan):  # type: ignore[misc]
    """A span that nobody asked for; unlike the SDK's own no-op it is nobody's parent.

    It stands for both lifecycles' spans: it ignores whatever is put on it.
    """

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _do_nothing


def _do_nothing(*_: object, **__: object) -> None:
    pass


def _is_unasked(origins: set[str], origin: Any) -> bool:
    """Whether a span's origin is one of ours that the client in use did not choose."""
    return origin in origins and not _is_chosen_by_user(origin.rpartition(".")[2])


def _is_chosen_by_user(name: str) -> bool:
    """Whether the client in use has an integration of its own."""
    client = sentry_sdk.get_client()
    return name in client.integrations and not _is_disabled_by_user(name)


def _is_disabled_by_user(name: str) -> bool:
    """Whether it is disabled in the client in use: the SDK forgets that once it is set up."""
    disabled = sentry_sdk.get_client().options.get("disabled_integrations") or ()
    return any(one.identifier == name for one in disabled)


@contextmanager
def _without_optional_imports() -> Iterator[None]:
    """Import an integration without the libraries it tries, if the user did not import them."""
    finder = _OptionalImportBlocker()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _OptionalImportBlocker(MetaPathFinder):
    """Makes optional libraries that are not loaded look as if not installed, in its thread."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> None:
        if threading.get_ident() == self._thread and name.partition(".")[0] in _OPTIONAL:
            raise ModuleNotFoundError(f"{name} is not loaded", name=name)
