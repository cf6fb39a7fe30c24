"""Whether OpenTelemetry's spans reach Sentry by a bridge of the user's own."""

from __future__ import annotations

from typing import Any

import sentry_sdk

_ENDPOINT = "/integration/otlp"  # of a project, for OTLP


class Bridge:
    """Says of a span whether its provider sends it to Sentry; looked up once a provider."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any, Any, bool]] = {}

    def sends(self, span: Any, global_provider: Any) -> bool:
        """Whether Sentry gets this span from the user's own exporter."""
        processor = getattr(span, "_span_processor", None)
        if processor is None:
            return False
        client, processors = sentry_sdk.get_client(), getattr(processor, "_span_processors", ())
        known = self._known.get(id(processor))
        if known is not None and known[0] is processor and known[1:3] == (processors, client):
            return known[3]
        is_global = getattr(global_provider, "_active_span_processor", None) is processor
        sends = (is_global and _has_bridge(client)) or any(map(_exports_to_sentry, processors))
        if len(self._known) > 100:
            self._known.clear()
        self._known[id(processor)] = processor, processors, client, sends
        return sends


def _has_bridge(client: Any) -> bool:
    """Whether the client in use takes OpenTelemetry's spans (`OTLPIntegration`)."""
    integration = getattr(client, "integrations", {}).get("otlp")
    return bool(getattr(integration, "setup_otlp_traces_exporter", False))


def _exports_to_sentry(processor: Any) -> bool:
    inner = getattr(processor, "_batch_processor", processor)
    exporter = getattr(inner, "span_exporter", None) or getattr(inner, "_exporter", None)
    endpoint = getattr(exporter, "_endpoint", None)
    return type(endpoint) is str and _ENDPOINT in endpoint
