"""Stands in for Sentry: the spans of every envelope, however they came."""

import json

import sentry_sdk
from sentry_sdk.transport import Transport


class Received:
    def __init__(self):
        self.spans = []

    def init(self, lifecycle):
        """A client that sends here and has no integration."""
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
            default_integrations=False,
            auto_enabling_integrations=False,
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
