"""Providers, hosts and models under the list's names (rule C)."""

import pytest

from aimon_nb.pricing.model_names import bare_host, candidates, is_local, provider_at, provider_id
from aimon_nb.pricing import price
from tests.pricing.making import call, span, tokens


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("openai", "openai"), ("openai-chat", "openai"), ("azure-openai-chat", "azure"), ("az.ai.openai", "azure"),
        ("az.ai.inference", "azure"), ("azure.ai.openai", "azure"), ("anthropic-chat", "anthropic"), ("gcp.gemini", "google"),
        ("gcp.vertex_ai", "google"), ("chat-google-generative-ai", "google"), ("google-gla", "google"), ("aws.bedrock", "aws"),
        ("amazon_bedrock_chat", "aws"), ("mistral_ai", "mistral"), ("mistralai-chat", "mistral"), ("x_ai", "x-ai"),
        ("xai-chat", "x-ai"), ("groq-chat", "groq"), ("deepseek", "deepseek"), ("openrouter", "openrouter"), ("cohere", "cohere"),
        ("ollama", None), ("huggingface", None), ("unknown", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_provider(said, known):
    """An SDK's word for a provider is never taken for another's."""
    assert known == provider_id(said)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("api.openai.com", "openai"), ("eu.api.openai.com", "openai"), ("api.openai.com.evil.example", None), ("notapi.openai.com", None),
        ("x.openai.azure.com:443", "azure"), ("bedrock-runtime.eu-west-1.amazonaws.com", "aws"), ("openrouter.ai", "openrouter"),
    ],
)  # fmt: skip
def test_host(host, known):
    """A provider's own host is known by its end, not by a part of its name."""
    assert known == provider_at(host)


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:4000", "127.9.9.9", "[::1]:80", "::1", "a.localhost:1", "0.0.0.0:8000"])
def test_local(host):
    """Every spelling of this machine."""
    assert is_local(host)


@pytest.mark.parametrize("host", ["api.openai.com", "192.168.1.5:8000", "localhost.example.com", "", None])
def test_not_local(host):
    """What is another machine."""
    assert not is_local(host)


def test_candidates():
    """Prefixes that say only where a model is are taken off, others are not."""
    assert ("openai/gpt-4o", "gpt-4o") == candidates("openai/gpt-4o", "openai")
    assert ("openai/gpt-4o",) == candidates("openai/gpt-4o", "openrouter")
    assert "gemini-2.5-pro" in candidates("publishers/google/models/gemini-2.5-pro", "google")


def test_bare_host():
    """A base URL is taken for its host."""
    assert "127.0.0.1:4000" == bare_host("http://user:pw@127.0.0.1:4000/v1")
    assert "localhost" == bare_host(" Localhost ")


def test_the_host_goes_before_the_providers_name():
    """Groq's API speaks OpenAI's dialect, and is priced as Groq."""
    usage = tokens(1000, 1000)
    assert price(call("llama-3.3-70b-versatile", usage, "api.groq.com", provider="openai")).total
    assert "unpriced" == price(call("llama-3.3-70b-versatile", usage, "api.openai.com")).state


def test_no_guessing_without_a_provider():
    """Ollama's deepseek-r1:8b is not DeepSeek's."""
    assert "unpriced" == price(span("a", usage=tokens(1, 1), model="deepseek-r1:8b", provider=None)).state


@pytest.mark.parametrize(
    ("model", "host", "listed_as"),
    [
        ("mistral-medium", "api.mistral.ai", "mistral mistral-medium-3-1"),
        ("mistral-large-latest", "api.mistral.ai", "mistral mistral-large"),
        ("mistral-small-latest", "api.mistral.ai", None),  # under its own name in the list
        ("gpt-4o", "api.openai.com", None),
        ("gpt-4o-2024-08-06", "api.openai.com", None),
    ],
)
def test_a_name_without_a_version(model, host, listed_as):
    """Which version the list takes an undated name for is said at the cost."""
    said = (f"{model} is priced as {listed_as}",) if listed_as else ()
    assert said == price(call(model, tokens(1000, 1000), host)).caveats
