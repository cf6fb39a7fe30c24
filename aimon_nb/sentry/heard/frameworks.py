"""Puts the hooks on each framework once the SDK's integration of it is set up."""

from __future__ import annotations

from typing import Any

from aimon_nb.capture.exceptions import no_errors
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.heard.google_genai import GoogleGenAI
from aimon_nb.sentry.heard.langchain import LangChain
from aimon_nb.sentry.heard.langgraph import LangGraph
from aimon_nb.sentry.heard.mcp import MCP
from aimon_nb.sentry.heard.openai_agents import OpenAIAgents
from aimon_nb.sentry.heard.pydantic_ai import PydanticAI
from aimon_nb.sentry.integrations import Integrations
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.sentry.steps import Steps


class HeardFrameworks:
    """The hooks beside the SDK's integrations, and their undo.

    They stand over what an integration has set, so they are put on after it and taken off
    before it; where an integration is off they do nothing.
    """

    def __init__(self, tracker: SpanTracker, steps: Steps, integrations: Integrations) -> None:
        self._integrations = integrations
        self._graphs = LangGraph(steps, lambda: integrations.is_enabled("langgraph"))
        self._langchain = LangChain(
            tracker, steps, self._graphs, lambda: integrations.is_enabled("langchain")
        )
        self._agents = OpenAIAgents(tracker, steps)
        self._pydantic_ai = PydanticAI(
            tracker, steps, lambda: integrations.is_enabled("pydantic_ai")
        )
        self._mcp = MCP(tracker, steps, lambda: integrations.is_enabled("mcp"))
        self._google_genai = GoogleGenAI(steps)
        self._patches = Patches()

    def install(self) -> None:
        """Complete what is set up from now on."""
        self._patches = Patches()
        self._integrations.when_set_up = self._complete
        # These stand beside the integrations, and need none.
        self._mcp.install(self._patches)
        self._google_genai.install(self._patches)

    def uninstall(self) -> None:
        """Take all hooks off."""
        self._langchain.uninstall()
        self._patches.undo()
        no_errors.clear()

    def _complete(self, name: str, module: Any) -> None:
        with internal_errors.suppress(f"completing {name}"):
            if name == "langchain":
                self._langchain.install(self._patches, module.SentryLangchainCallback)
            elif name == "langgraph":
                self._graphs.install(self._patches)
            elif name == "openai_agents":
                self._agents.install(self._patches)
            elif name == "pydantic_ai":
                self._pydantic_ai.install(self._patches)
