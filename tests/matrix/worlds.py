"""Where a client is run: which environment, which of Sentry's integrations, which lifecycle."""

import contextlib
import os
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version

# The first is the default one. Asked without an import: the modes of `nobody` know no SDK.
LIFECYCLES = ("static", "stream") if version("sentry-sdk").startswith("2.") else ("stream",)
INTEGRATIONS = {
    "openai": ("openai", "OpenAIIntegration"),
    "anthropic": ("anthropic", "AnthropicIntegration"),
    "google_genai": ("google_genai", "GoogleGenAIIntegration"),
    "langchain": ("langchain", "LangchainIntegration"),
    "langgraph": ("langgraph", "LanggraphIntegration"),
    "pydantic_ai": ("pydantic_ai", "PydanticAIIntegration"),
    "openai_agents": ("openai_agents", "OpenAIAgentsIntegration"),
    "cohere": ("cohere", "CohereIntegration"),
    "huggingface_hub": ("huggingface_hub", "HuggingfaceHubIntegration"),
    "mistral": ("mistral", "MistralIntegration"),
    "litellm": ("litellm", "LiteLLMIntegration"),
    "boto3": ("boto3", "Boto3Integration"),
    "httpx": ("httpx", "HttpxIntegration"),
}
# LiteLLM's breaks calls in threads, with us and without: who wants it names it.
EXPLICIT = tuple(name for name in INTEGRATIONS if name != "litellm")


@dataclass(frozen=True)
class World:
    """A column of the matrix.

    `place` is an environment: `alone`, or the set `A` or `B`. `on` says which of
    Sentry's AI integrations: `off` none; `auto` those that a bare `init` enables;
    `named` those too, and by name the library's own (alone) or every one (sets).
    """

    observer: str  # "ours", "sentry" (its SDK alone) or "nobody"
    place: str
    on: str = "off"
    lifecycle: str = LIFECYCLES[0]

    @property
    def key(self):
        return tuple(asdict(self).values())


def worlds(places):
    """Every world of a client, whose environments are `places` (`alone` and its sets)."""
    for place in places:
        for lifecycle in LIFECYCLES:
            for on in ("off", "named") if place == "alone" else ("off", "auto", "named"):
                yield World("ours", place, on, lifecycle)
            if place in places[:2]:
                yield World("sentry", place, "named" if place == "alone" else "auto", lifecycle)


def init(world, own, dsn):
    """What the user does at the start: nothing but a DSN where he can, else `sentry_sdk.init`."""
    import sentry_sdk

    if world.on == "off" and world.lifecycle == LIFECYCLES[0]:
        os.environ["SENTRY_DSN"] = dsn
        return
    options = {"trace_lifecycle": "stream"} if world.lifecycle == "stream" else {}
    if world.on == "off":
        options |= {"default_integrations": False, "auto_enabling_integrations": False}
    sentry_sdk.init(dsn, traces_sample_rate=1.0, integrations=_integrations(world, own), **options)


def _integrations(world, own):
    from sentry_sdk.integrations.threading import ThreadingIntegration

    if world.on == "off":
        return [ThreadingIntegration()]  # without it Sentry gets no span of a thread from anybody
    if world.on == "auto":
        return []
    found = []
    for name in own if world.place == "alone" else EXPLICIT:
        module, cls = INTEGRATIONS[name]
        try:
            found.append(getattr(import_module(f"sentry_sdk.integrations.{module}"), cls)())
        except Exception:  # its library is in another set
            if world.place == "alone":
                raise
    return found


@contextlib.contextmanager
def root(lifecycle, name):
    """A root span of the user's own, for Sentry without us."""
    import sentry_sdk

    if lifecycle == "stream":
        from sentry_sdk import traces

        with traces.start_span(name, parent_span=None):
            yield
    else:
        with sentry_sdk.start_transaction(name=name, op="ai.pipeline"):
            yield
