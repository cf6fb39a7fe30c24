"""Which requests at a provider's host ask no model, or are known to be free.

One table, a line a provider: what it does not name at a model's host counts as model work, so
that an API of tomorrow is said and not passed over. https://docs.anthropic.com/en/api,
https://platform.openai.com/docs/api-reference, https://docs.mistral.ai/api,
https://ai.google.dev/api, https://docs.cohere.com/reference, https://docs.x.ai/docs/api-reference,
https://docs.aws.amazon.com/bedrock/latest/APIReference, https://docs.vllm.ai,
https://github.com/ollama/ollama/blob/main/docs/api.md, https://lmstudio.ai/docs
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from aimon_nb import providers

# At any host: files and models, counting tokens, what a server is managed by, and telemetry.
_ANYWHERE = (
    r"/(?:files|uploads|moderations|tokenize|detokenize|vector_stores|evals|health"
    r"|telemetry|feedback|metrics|traces|ingest|datasets|assistants|containers|skills)(?:/|$)"
    r"|/(?:models|count[_-]tokens|input_tokens|cancel|login|logout|oauth|token|tokens)$"
    r"|:(?:countTokens|computeTokens|cancel)$|/(?:countTokens|computeTokens)$"
    r"|/api/(?:show|pull|push|create|copy|delete|blobs|tags|ps|version)(?:/|$)"
    r"|/(?:un)?load_lora_adapter$|/(?:flush_cache|abort_request|sleep|wake_up|reset_prefix_cache"
    r"|apply-template|props|slots|lora-adapters)(?:/|$)"
)


class _Place(NamedTuple):
    """Where a provider's models answer, and what asks none of them there.

    `hosts` and `paths` are searched, the latter for what may be model work at all.
    """

    quiet: str = ""
    hosts: str = ""
    paths: str = ""


# By the provider's name.
_PLACES = {
    "openai": _Place(
        r"/threads(?:/(?!runs)[^/]+)?(?:/messages(?:/[^/]+)?)?$|/conversations(?:/|$)|/realtime/"
        r"|/chatkit/|/organization/|/projects/|/webhooks|/chat/completions/[^/]+$|/traces/ingest"
        r"|/fine_tuning/(?:jobs/[^/]+/|checkpoints|alpha/graders)|/audio/voice"
    ),
    "azure.ai.openai": _Place(
        r"/threads(?:/(?!runs)[^/]+)?(?:/messages(?:/[^/]+)?)?$|/fine_tuning/jobs/[^/]+/",
        paths="/openai/",
    ),
    "azure.ai.inference": _Place(
        r"/api/projects/|/agents(?:/|$)", paths="/(?:openai|models|anthropic|providers|images)/"
    ),
    # An event of a session is what an agent is asked.
    "anthropic": _Place(
        r"/(?:organizations|environments|agents|vaults|memory_stores)(?:/|$)"
        r"|/sessions(?!/[^/]+/events$)(?:/|$)"
    ),
    "gcp.gemini": _Place(
        r"/upload/|/(?:corpora|fileSearchStores|ephemeralTokens|authTokens|operations)(?:/|$)"
        r"|:(?:register|transferOwnership|importFile|uploadToFileSearchStore)$",
        hosts=r"generativelanguage\.",
    ),
    "gcp.vertex_ai": _Place(
        r"/(?:ragCorpora|featurestores|indexes|pipelineJobs|operations|tensorboards)(?:/|$)"
        r"|:(?:retrieveContexts|readIndexDatapoints|findNeighbors|upload|fetchPredictOperation)$",
        hosts=r"aiplatform\.",
    ),
    "aws.bedrock": _Place(
        r"^/(?:guardrail|sessions|knowledgebases|tags|invocation-logs)(?:/|$)|/retrieve$",
        hosts=r"bedrock-(?:[a-z]+-)?runtime|bedrock-mantle",
    ),
    "mistral_ai": _Place(
        r"/agents(?:/(?!completions)|$)|/libraries(?:/|$)|/chat/moderations$|/workflows(?:/|$)"
        r"|/conversations/[^/]+/(?:history|messages)$|/fine_tuning/jobs/[^/]+/|/observability/"
    ),
    "cohere": _Place(r"/(?:connectors|finetuning|check-api-key)(?:/|$)"),
    "x_ai": _Place(r"/(?:tokenize-text|api-key|documents|collections|management-api)(?:/|$)"),
    "openrouter": _Place(r"/(?:auth|keys|credits|key|guardrails|workspaces)(?:/|$)"),
    "together": _Place(r"/(?:fine-tunes|endpoints|clusters)(?:/|$)"),
    "fireworks": _Place(r"^/v1/accounts/"),
    "huggingface": _Place(r"/v2/endpoint|/repos/", hosts=r"router\.|endpoints\."),
}
_NOTHING = _Place()


def asks_no_model(host: str, path: str) -> bool | None:
    """Return whether a POST is known to ask no model, or to ask one for nothing.

    False at a host that is a provider's own, where what is not known to be quiet may be
    billed; None at any other, unless it is quiet everywhere: there its body tells.

    Args:
        host: Its name, with or without a port.
        path: The path, without its query.

    """
    if _QUIET_ANYWHERE.search(path):
        return True
    rules = rules_of(host)
    if rules is None:
        return None
    quiet, paths = rules
    if paths.search(path) is None:
        return None
    return quiet.search(path) is not None


def shown_path(path: str) -> str:
    """Return a path without what only names one thing of many: ids of files, jobs and answers."""
    parts = path[:300].split("/")
    return "/".join("…" if _ID.fullmatch(part) else part for part in parts)


@functools.lru_cache(maxsize=1024)
def rules_of(host: str) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """Return what asks no model, and what may, where a provider's models answer; else None."""
    provider = providers.at_host(host)
    if provider is None:
        return None
    place = _PLACES.get(provider.name, _NOTHING)
    if re.search(place.hosts, host.lower()) is None:
        return None  # another service of theirs, or somebody's own server in their cloud
    return re.compile(place.quiet or _NEVER), re.compile(place.paths)


_ID = re.compile(
    r"[0-9a-fA-F-]{16,}|(?=\D*\d)[0-9A-Za-z]{20,}|\d{4,}|[a-z]+[_-](?=.*\d)[0-9A-Za-z_-]{8,}|.{60,}"
)
_NEVER = r"(?!)"
_QUIET_ANYWHERE = re.compile(_ANYWHERE)
