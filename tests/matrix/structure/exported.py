"""What the user's own exporter gets: with a counting id generator, the same of each run."""

import json
import re
import threading


class Exported:
    """The user's exporter; `provider()` makes one that writes to it."""

    def __init__(self):
        self._exporter = self._ids = None

    @property
    def exporter(self):
        """An exporter in memory, of OpenTelemetry's own."""
        if self._exporter is None:
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

            self._exporter = InMemorySpanExporter()
        return self._exporter

    @property
    def ids(self):
        """An id generator that counts from one in each way."""
        if self._ids is None:
            from opentelemetry.sdk.trace.id_generator import IdGenerator

            class Counting(IdGenerator):
                lock, last = threading.Lock(), 0

                def _next(self):
                    with self.lock:
                        self.last += 1
                        return self.last

                generate_span_id = generate_trace_id = _next

            self._ids = Counting()
        return self._ids

    def processor(self):
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        return SimpleSpanProcessor(self.exporter)

    def provider(self):
        from opentelemetry.sdk.trace import TracerProvider

        provider = TracerProvider(id_generator=self.ids)
        provider.add_span_processor(self.processor())
        return provider

    def forget(self):
        if self._exporter is not None:
            self._exporter.clear()
        if self._ids is not None:
            self._ids.last = 0

    def told(self, host):
        """Every span as JSON has it, times aside, in the order of their ids."""
        if self._exporter is None:
            return []
        spans = [span for span in self._exporter.get_finished_spans() if not _is_sending(span)]
        spans.sort(key=lambda span: span.context.span_id)
        return json.loads(json.dumps([_plain(span, host) for span in spans]))


def _plain(span, host):
    return {
        "id": f"{span.context.span_id:x}",
        "trace": f"{span.context.trace_id:x}",
        "parent": f"{span.parent.span_id:x}" if span.parent else None,
        "name": span.name,
        "kind": str(span.kind),
        "status": [str(span.status.status_code), _text(span.status.description, host)],
        "scope": span.instrumentation_scope.name,
        "attributes": {name: _text(value, host) for name, value in sorted((span.attributes or {}).items()) if not _OF_TIME.search(name)},
        "events": [[e.name, sorted((n, _text(v, host)) for n, v in (e.attributes or {}).items() if not _is_way(span, n))] for e in span.events],
        "links": len(span.links),
    }


def _is_sending(span):
    """A request of the user's client of Sentry, of which instrumentation of HTTP tells."""
    return any("url" in name and "/envelope/" in str(value) for name, value in (span.attributes or {}).items())


def _is_way(span, name):
    """The SDK's integration goes through more of pydantic-ai's own frames: what is raised in an agent comes that way, too."""
    return "stacktrace" in name and span.instrumentation_scope.name == "pydantic-ai"


_OF_TIME = re.compile(r"time|duration|latency|thread\.|lineno|start_date|\bttft|server\.port|seed")
# What two runs never have alike: ids that a library draws, addresses, times.
_DRAWN = [
    (re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"), "UUID"),
    (re.compile(r"0x[0-9a-f]{6,}"), "ADDRESS"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "TIME"),
    (re.compile(r"took [\d.]+s"), "took SECONDS"),
    (re.compile(r"(?<![\d.])\d+\.\d{4,}(e-\d+)?"), "SECONDS"),
    (re.compile(r"(?<!\d)1[678]\d{8,17}(?!\d)"), "MOMENT"),
    (re.compile(r"(call|tooluse|toolu|adk|chatcmpl|run|msg|resp|fc)[_-][\w-]{1,40}"), r"\1_ID"),
]


# In tracebacks: frames that a user's client of Sentry adds, and the line at which a future is waited for (who is first?).
_IN_TRACEBACKS = [
    (re.compile(r'  File "[^"\n]*/sentry_sdk/[^\n]*\n(?:    [^\n]*\n)*'), ""),
    (re.compile(r'(/concurrent/futures/_base.py", line )\d+'), r"\1N"),
    (re.compile(r"\n\n+"), "\n"),
]


def _text(value, host):
    text = str(value).replace(host, "HOST")
    is_traceback = "Traceback (most recent call last)" in text
    for pattern, word in (*(_IN_TRACEBACKS if is_traceback else ()), *_DRAWN):
        text = pattern.sub(word, text)
    return text


def differences(ours, plain, *, unordered=False, varies=False):
    """What the exporter gets otherwise with us than without; words, empty is right."""
    if len(ours) != len(plain):
        return [f"the exporter gets {len(ours)} spans for {len(plain)}: {_more(ours, plain)}"]
    if varies:
        return []
    if unordered:
        ours, plain = _without_ids(ours), _without_ids(plain)
    return [f"exported {mine['name']}: {_fields(mine, yours)}" for mine, yours in zip(ours, plain, strict=True) if mine != yours][:3]


def _more(ours, plain):
    names = [s["name"] for s in plain]
    more = [s["name"] for s in ours if s["name"] not in names or names.remove(s["name"])]
    return f"more {more[:4]}, less {names[:4]}"


def _fields(mine, yours):
    found = []
    for key, value in mine.items():
        if value == yours[key]:
            continue
        if isinstance(value, dict):
            names = [n for n in {**value, **yours[key]} if value.get(n) != yours[key].get(n)]
            found += [f"{n} {_where(value.get(n), yours[key].get(n))}" for n in names[:2]]
        else:
            found.append(f"{key} {_where(value, yours[key])}")
    return "; ".join(found)


def _where(mine, yours):
    """Where two values begin to differ."""
    mine, yours = str(mine), str(yours)
    at = next((n for n, (a, b) in enumerate(zip(mine, yours)) if a != b), min(len(mine), len(yours)))
    start = max(0, at - 30)
    return f"{mine[start : at + 50]!r} for {yours[start : at + 50]!r}"


def _without_ids(spans):
    names = {s["id"]: s["name"] for s in spans}
    plain = [{**s, "id": "", "trace": "", "parent": names.get(s["parent"])} for s in spans]
    return sorted(plain, key=str)
