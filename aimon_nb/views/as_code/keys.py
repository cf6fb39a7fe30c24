"""Where code gets a key: from the variable of the environment in which its user has it."""

from __future__ import annotations

from typing import Any

from aimon_nb.views.as_code.literal import Expression, quoted
from aimon_nb.views.as_code.request import Request

UNKNOWN = "API_KEY"
# By provider: where its own client, or its documentation, looks for a key.
VARIABLES = {
    "anthropic": "ANTHROPIC_API_KEY",
    "aws.bedrock": "AWS_BEARER_TOKEN_BEDROCK",
    "azure.ai.inference": "AZURE_INFERENCE_CREDENTIAL",
    "azure.ai.openai": "AZURE_OPENAI_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "cohere": "CO_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "gcp.gemini": "GEMINI_API_KEY",
    "gcp.vertex_ai": "GOOGLE_ACCESS_TOKEN",
    "groq": "GROQ_API_KEY",
    "huggingface": "HF_TOKEN",
    "jina_ai": "JINA_API_KEY",
    "mistral_ai": "MISTRAL_API_KEY",
    "moonshot": "MOONSHOT_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITY_API_KEY",
    "together": "TOGETHER_API_KEY",
    "voyageai": "VOYAGE_API_KEY",
    "x_ai": "XAI_API_KEY",
    "zai": "ZAI_API_KEY",
}
# By provider, the header that has its key; with others it is a bearer's.
_HEADERS = {
    "anthropic": "x-api-key",
    "azure.ai.openai": "api-key",
    "gcp.gemini": "x-goog-api-key",
}


def variable_of(request: Request) -> str:
    """Return the variable that has the key for a request."""
    return VARIABLES.get(request.provider, UNKNOWN)


def key_of(request: Request) -> Expression:
    """Return the source of its key; a server on this machine may want none."""
    name = quoted(variable_of(request))
    is_optional = request.is_local
    return Expression(f'os.environ.get({name}, "none")' if is_optional else f"os.environ[{name}]")


def key_header(request: Request) -> dict[str, Any]:
    """Return the header with its key, by the header's name; none for a server on this machine."""
    if request.is_local:
        return {}
    key = key_of(request)
    name = _HEADERS.get(request.provider)
    return {name: key} if name else {"Authorization": Expression(f'"Bearer " + {key}')}
