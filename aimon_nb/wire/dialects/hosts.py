"""Who answers at a host that speaks somebody else's dialect too.

The names are those of OpenTelemetry's `gen_ai.provider.name`, where it has one:
https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
"""

from __future__ import annotations

import functools

_PROVIDERS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "amazonaws.com": "aws.bedrock",
    "api.cerebras.ai": "cerebras",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot",
    "api.perplexity.ai": "perplexity",
    "api.together.ai": "together",
    "api.together.xyz": "together",
    "api.x.ai": "x_ai",
    "endpoints.huggingface.cloud": "huggingface",
    "router.huggingface.co": "huggingface",
    "openrouter.ai": "openrouter",
}


@functools.lru_cache(maxsize=1024)
def provider_at(host: str) -> str | None:
    """The provider whose own host this is (or a host below it), else None."""
    name = host.lower()
    while name:
        if name in _PROVIDERS:
            return _PROVIDERS[name]
        # A regional host: `us-east1-aiplatform.googleapis.com`.
        if name.endswith("-aiplatform.googleapis.com"):
            return "gcp.vertex_ai"
        name = name.partition(".")[2]
    return None
