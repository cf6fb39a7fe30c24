"""What LangChain's integration would have imported is patched when the user imports it."""

from __future__ import annotations

from functools import partial
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.attribute_diff import diff_attributes

# What the integration looks for, and imports, when it is imported itself.
EMBEDDINGS = {
    "langchain_openai": ("OpenAIEmbeddings", "AzureOpenAIEmbeddings"),
    "langchain_google_vertexai": ("VertexAIEmbeddings",),
    "langchain_aws": ("BedrockEmbeddings",),
    "langchain_cohere": ("CohereEmbeddings",),
    "langchain_mistralai": ("MistralAIEmbeddings",),
    "langchain_huggingface": ("HuggingFaceEmbeddings",),
    "langchain_ollama": ("OllamaEmbeddings",),
}
AGENT_MODULES = ("langchain_classic.agents", "langchain.agents")


def run_inline(module: Any, patches: Patches) -> None:
    """Have LangChain call back in the caller's own task, so that its span and the request meet.

    Otherwise it opens the span of an async call in a worker thread, and of eight below one
    parent nobody knows which is whose. This is ours, whoever chose the integration.
    """
    patches.set_attribute(module.SentryLangchainCallback, "run_inline", value=True)


def complete(module: Any, patches: Patches) -> None:
    """Have the integration (its `module`) patch embeddings and agents once they are imported."""
    for name, classes in EMBEDDINGS.items():
        patches.on_import(name, partial(_patch_embeddings, module, patches, classes))
    for name in AGENT_MODULES:
        patches.on_import(name, partial(_patch_agents, module, patches))


def _patch_embeddings(module: Any, patches: Patches, names: tuple[str, ...], library: Any) -> None:
    for name in names:
        provider = getattr(library, name, None)
        if getattr(module, name, provider) is None and provider is not None:
            patches.set_attribute(module, name, provider)
            for change in diff_attributes(
                [provider], partial(module._patch_embeddings_provider, provider)
            ):
                patches.register_external(*change)


def _patch_agents(module: Any, patches: Patches, library: Any) -> None:
    executor = getattr(library, "AgentExecutor", None)
    if module.AgentExecutor is None and executor is not None:
        patches.set_attribute(module, "AgentExecutor", executor)
        patches.set_attribute(
            executor, "invoke", module._wrap_agent_executor_invoke(executor.invoke)
        )
        patches.set_attribute(
            executor, "stream", module._wrap_agent_executor_stream(executor.stream)
        )
