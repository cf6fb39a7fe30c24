"""What else of Sentry is switched on: nothing, the library's own integration, everything."""

import json
from importlib import import_module

WORLDS = ("none", "alone", "mixed")
LIFECYCLES = ("static", "stream")
INTEGRATIONS = {
    "openai": ("openai", "OpenAIIntegration"),
    "anthropic": ("anthropic", "AnthropicIntegration"),
    "google_genai": ("google_genai", "GoogleGenAIIntegration"),
    "langchain": ("langchain", "LangchainIntegration"),
    "langgraph": ("langgraph", "LanggraphIntegration"),
    "pydantic_ai": ("pydantic_ai", "PydanticAIIntegration"),
    "openai_agents": ("openai_agents", "OpenAIAgentsIntegration"),
    "httpx": ("httpx", "HttpxIntegration"),
}


def integrations(world, own):
    """The integrations of a world; those whose library is missing are left out."""
    from sentry_sdk.integrations.threading import ThreadingIntegration

    names = {"none": (), "alone": own, "mixed": tuple(INTEGRATIONS)}[world]
    found = [ThreadingIntegration()]  # without it Sentry gets no span of a thread from anybody
    for name in names:
        module, cls = INTEGRATIONS[name]
        try:
            found.append(getattr(import_module(f"sentry_sdk.integrations.{module}"), cls)())
        except Exception:
            if world == "alone":
                raise
    return found


class Received:
    """Stands in for Sentry: the spans of every envelope, however they came."""

    def __init__(self):
        self.spans = []

    def init(self, world, own, lifecycle):
        import sentry_sdk
        from sentry_sdk.transport import Transport

        received = self

        class ToMemory(Transport):
            def capture_envelope(self, envelope):
                for item in envelope.items:
                    received.take(item.headers.get("type"), item.payload.get_bytes())

            def record_lost_event(self, *_, **__):
                pass

        options = {"trace_lifecycle": "stream"} if lifecycle == "stream" else {}
        sentry_sdk.init(
            "http://key@127.0.0.1:9/1",
            traces_sample_rate=1.0,
            transport=ToMemory,
            default_integrations=world == "mixed",
            auto_enabling_integrations=False,
            integrations=integrations(world, own),
            **options,
        )

    def take(self, kind, payload):
        if kind == "transaction":
            event = json.loads(payload)
            self.spans += [{**s, "data": s.get("data") or {}} for s in event["spans"]]
        elif kind == "span":
            for span in json.loads(payload)["items"]:
                data = {k: a["value"] for k, a in span["attributes"].items()}
                op, origin = data.get("sentry.op"), data.get("sentry.origin")
                self.spans.append({**span, "op": op, "origin": origin, "data": data})
