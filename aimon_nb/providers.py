"""Providers, frameworks and libraries: each fact about them stands here, once.

Standard library only; every room may import it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """Who answers at a host, and is paid.

    `name` is OpenTelemetry's `gen_ai.provider.name` where it has one
    (https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/), `price_id`
    the price list's id. `hosts` are its own, those below them too; where only some of
    them are priced, they match `priced_hosts`. `words` is a pattern, in any case, of what
    SDKs and users call it.
    """

    name: str
    price_id: str | None
    hosts: tuple[str, ...]
    words: str | None = None
    priced_hosts: str | None = None


def _azure(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}.azure.{country}" for name in names for country in ("com", "us", "cn"))


# Words are looked up in this order, and the first match wins: left to itself the price list
# takes every name that contains "openai" for OpenAI, Azure's among them.
PROVIDERS = (
    Provider(
        "azure.ai.openai", "azure", _azure("openai", "cognitiveservices"), words=r"^azure|^az\.ai"
    ),
    Provider("azure.ai.inference", "azure", _azure("services.ai", "models.ai")),
    Provider(
        "aws.bedrock",
        "aws",
        ("amazonaws.com", "amazonaws.com.cn", "api.aws"),
        words=r"bedrock|^aws|amazon",
        priced_hosts=r"bedrock",
    ),
    Provider(
        "gcp.vertex_ai", "google", ("aiplatform.googleapis.com",), words=r"vertex|gemini|google"
    ),
    Provider("gcp.gemini", "google", ("generativelanguage.googleapis.com", "googleapis.com")),
    Provider("anthropic", "anthropic", ("api.anthropic.com",), words=r"^anthropic"),
    Provider("openrouter", "openrouter", ("openrouter.ai",), words=r"^openrouter"),
    Provider("x_ai", "x-ai", ("api.x.ai",), words=r"^xai|^x_ai|^x-ai"),
    Provider("groq", "groq", ("api.groq.com",), words=r"^groq"),
    Provider("mistral_ai", "mistral", ("api.mistral.ai",), words=r"^mistral"),
    Provider("deepseek", "deepseek", ("api.deepseek.com",), words=r"^deepseek"),
    Provider("cohere", "cohere", ("api.cohere.com", "api.cohere.ai"), words=r"^cohere"),
    Provider("together", "together", ("api.together.ai", "api.together.xyz"), words=r"^together"),
    Provider("fireworks", "fireworks", ("api.fireworks.ai",), words=r"^fireworks"),
    Provider("perplexity", "perplexity", ("api.perplexity.ai",), words=r"^perplexity"),
    Provider("cerebras", "cerebras", ("api.cerebras.ai",), words=r"^cerebras"),
    Provider("moonshot", "moonshotai", ("api.moonshot.ai", "api.moonshot.cn"), words=r"^moonshot"),
    Provider("voyageai", "voyageai", ("api.voyageai.com",), words=r"^voyage"),
    Provider("jina_ai", None, ("api.jina.ai",), words=r"^jina"),
    Provider("zai", "zai", ("api.z.ai",), words=r"^z\.?ai$"),
    Provider("openai", "openai", ("api.openai.com",), words=r"^openai"),
    Provider("huggingface", None, ("endpoints.huggingface.cloud", "router.huggingface.co")),
)
_BY_HOST = {host: provider for provider in PROVIDERS for host in provider.hosts}
_BY_NAME = {provider.name: provider for provider in PROVIDERS}
_WORDS = [(re.compile(one.words, re.IGNORECASE), one) for one in PROVIDERS if one.words]

# What gateways call the providers behind them, in paths and before models' names (Cloudflare,
# LiteLLM, Portkey, OpenRouter). Exactly these: `deepseek-ai/…` is a name of Hugging Face's, at
# any host.
_SLUGS = {
    "anthropic": "anthropic",
    "aws-bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "gcp.gemini",
    "google-ai-studio": "gcp.gemini",
    "google-vertex-ai": "gcp.vertex_ai",
    "grok": "x_ai",
    "groq": "groq",
    "mistral": "mistral_ai",
    "moonshot": "moonshot",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "perplexity-ai": "perplexity",
    "together-ai": "together",
    "together_ai": "together",
    "vertex-ai": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "voyage": "voyageai",
    "x-ai": "x_ai",
    "xai": "x_ai",
}
_CLOUDFLARE = "gateway.ai.cloudflare.com"

# Libraries that call other clients: their name is in the origin of the spans they open.
FRAMEWORKS = ("langchain", "langgraph", "litellm", "dspy", "pydantic_ai", "openai_agents")

# Libraries that run a model inside this process, past every HTTP client: name on PyPI → module.
IN_PROCESS = {
    "transformers": "transformers",
    "vllm": "vllm",
    "llama-cpp-python": "llama_cpp",
    "mlx-lm": "mlx_lm",
    "gpt4all": "gpt4all",
    "ctransformers": "ctransformers",
}


# How the origins of steps begin that OpenTelemetry, or our own hooks on a framework, tell of.
OF_OUR_HOOKS = "auto.frameworks."
_STEP_ORIGINS = ("auto.otel.", OF_OUR_HOOKS)


@functools.lru_cache(maxsize=1024)
def at_host(host: str) -> Provider | None:
    """Return the provider whose own host this is, or a host below it."""
    name = host.partition(":")[0].lower()
    while name:
        if name in _BY_HOST:
            return _BY_HOST[name]
        if name.endswith("-aiplatform.googleapis.com"):  # a region's
            return _BY_HOST["aiplatform.googleapis.com"]
        name = name.partition(".")[2]
    return None


def by_slug(slug: str) -> Provider | None:
    """Return the provider that gateways call so."""
    return _BY_NAME.get(_SLUGS.get(slug.lower(), ""))


def behind_gateway(host: str, path: str) -> Provider | None:
    """Return the provider that a gateway's path names; None where it names none."""
    if host.partition(":")[0].lower() != _CLOUDFLARE:
        return None
    # /v1/ACCOUNT/GATEWAY/PROVIDER/…
    return by_slug("".join(path.split("/")[4:5]))


@functools.lru_cache(maxsize=1024)
def called(word: str) -> Provider | None:
    """Return the provider that an SDK or a user calls so."""
    return next((provider for pattern, provider in _WORDS if pattern.search(word)), None)


@functools.lru_cache(maxsize=256)
def framework_of(origin: str | None) -> str | None:
    """Return the framework whose integration opened a span of this origin."""
    return next((name for name in FRAMEWORKS if name in (origin or "")), None)


def is_frameworks(origin: str | None) -> bool:
    """Return whether a framework made a span of this origin, and not the user's code."""
    return framework_of(origin) is not None or (origin or "").startswith(_STEP_ORIGINS)
