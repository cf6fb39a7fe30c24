"""Which dialects there are: ours, and those that others bring by an entry point.

```toml
[project.entry-points."aimon_nb.dialects"]
acme = "acme_aimon:Acme"      # a subclass of aimon_nb.wire.dialects.Dialect
```

They are found out when the hooks are put on, and loaded before the first run begins, on a
thread of ours; without one when its first request leaves. One that cannot be loaded,
or that raises, is switched off and named in the tree.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.wire.dialects.dialect import Dialect

GROUP = "aimon_nb.dialects"
MOST_HOSTS = 1000  # that are remembered
_HERE = "aimon_nb.wire.dialects."
# Ours need no entry point, which is there only once the package is installed. The first
# that fits a request reads it: LM Studio's path would do for Cohere's chat, too.
OURS = {
    "ollama": _HERE + "ollama:Ollama",
    "openai_chat": _HERE + "openai_chat:OpenAIChat",
    "openai_completions": _HERE + "openai_completions:OpenAICompletions",
    "openai_responses": _HERE + "openai_responses:OpenAIResponses",
    "openai_embeddings": _HERE + "openai_embeddings:OpenAIEmbeddings",
    "openai_images": _HERE + "openai_images:OpenAIImages",
    "openai_transcription": _HERE + "openai_audio:OpenAITranscription",
    "openai_speech": _HERE + "openai_audio:OpenAISpeech",
    "openai_batches": _HERE + "openai_jobs:OpenAIBatches",
    "openai_videos": _HERE + "openai_jobs:OpenAIVideos",
    "anthropic": _HERE + "anthropic:Anthropic",
    "anthropic_batches": _HERE + "anthropic_batches:AnthropicBatches",
    "gemini_videos": _HERE + "gemini_videos:GeminiVideos",
    "gemini": _HERE + "gemini:Gemini",
    "gemini_embeddings": _HERE + "gemini_embeddings:GeminiEmbeddings",
    "gemini_interactions": _HERE + "gemini_interactions:GeminiInteractions",
    "mistral_conversations": _HERE + "mistral_conversations:MistralConversations",
    "bedrock_converse": _HERE + "bedrock_converse:BedrockConverse",
    "bedrock_invoke": _HERE + "bedrock_invoke:BedrockInvoke",
    "lmstudio": _HERE + "lmstudio:LMStudio",
    "cohere": _HERE + "cohere:Cohere",
    "cohere_embed": _HERE + "cohere_embed:CohereEmbed",
    "rerank": _HERE + "rerank:Rerank",
    "huggingface": _HERE + "huggingface:HuggingFace",
    "huggingface_hosted": _HERE + "huggingface:HuggingFaceHosted",
}


class Registry:
    """The dialects in use; `off` has a note for each that is switched off, by its name."""

    def __init__(self) -> None:
        self.off: dict[str, str] = {}
        self._lock = threading.Lock()
        self._known: dict[str, type[Dialect]] = {}
        self._by_suffix: dict[bytes, list[type[Dialect]]] = {}
        self._by_parent: dict[bytes, list[type[Dialect]]] = {}
        self._any_suffix: list[type[Dialect]] = []
        self._any_suffix_at: dict[str, list[type[Dialect]]] = {}  # by the request's host
        self._entries: list[EntryPoint] | None = None
        self.is_loaded = False

    @property
    def is_ready(self) -> bool:
        """Whether it is known which dialects there are."""
        return self.is_loaded or self._entries is not None

    def prepare(self) -> None:
        """Find out which dialects there are, and import ours: others may bring much along."""
        entries = list(_entries())
        for entry in entries:
            if entry.name in OURS:
                import_module(entry.module)
        self._entries = entries

    def find(self, address: str, raw_path: bytes) -> Dialect | None:
        """Return a dialect for a request; None if it asks no model that one of them reads.

        Args:
            address: The host, with its port where the URL has one.
            raw_path: The path as it is sent, with its query.

        """
        if not self.is_loaded:
            self.load()
        # The query may hold a key: it is cut off here and never kept.
        raw_path = raw_path.partition(b"?")[0]
        parents, _, last = raw_path.rpartition(b"/")
        candidates = self._by_suffix.get(last.rpartition(b":")[2])
        if candidates is None:
            candidates = self._by_parent.get(parents.rpartition(b"/")[2])
            if candidates is None:
                candidates = self._any_suffix_at.get(address)
                if candidates is None:
                    candidates = self._look_up_host(address)
            if not candidates:
                return None
        host, path = address.partition(":")[0], raw_path.decode("ascii", "replace")
        for dialect in candidates:
            if _fits(dialect, host, path):
                try:
                    return dialect(host, path)
                except Exception:
                    self.failed(dialect)
        return None

    def _look_up_host(self, address: str) -> list[type[Dialect]]:
        """Return the dialects that look at every path at this host, and remember them."""
        host = address.partition(":")[0]
        found = [d for d in self._any_suffix if d.hosts is None or d.hosts.search(host)]
        if len(self._any_suffix_at) >= MOST_HOSTS:
            self._any_suffix_at.clear()
        self._any_suffix_at[address] = found
        return found

    def failed(self, dialect: type[Dialect]) -> None:
        """Count the exception being handled; it switches off what is not ours."""
        internal_errors.record(f"the dialect {dialect.__name__}")
        for name, known in list(self._known.items()):
            if known is dialect and name not in OURS:
                self._switch_off(name, f"it raised {sys.exc_info()[1]!r}")

    def load(self) -> None:
        """Load the dialects, those of others too; a second call does nothing."""
        with self._lock:
            if not self.is_loaded:
                for entry in self._entries or _entries():
                    self._add(entry)
                self._index()
                self.is_loaded = True

    def _add(self, entry: EntryPoint) -> None:
        try:
            dialect = entry.load()
            dialect.path_pattern.search("")
        except Exception as error:
            internal_errors.record(f"loading the dialect {entry.name}")
            self.off[entry.name] = _note(entry.name, repr(error))
        else:
            self._known[entry.name] = dialect

    def _switch_off(self, name: str, why: str) -> None:
        with self._lock:
            self.off[name] = _note(name, why)
            self._known.pop(name, None)
            self._index()

    def _index(self) -> None:
        """Index the dialects by the last word of their paths; `word/*` is the one before an id."""
        known = list(self._known.values())
        suffixes = {suffix for dialect in known for suffix in dialect.path_suffixes}
        self._any_suffix = [dialect for dialect in known if not dialect.path_suffixes]
        self._any_suffix_at = {}
        self._by_suffix, self._by_parent = {}, {}
        for suffix in suffixes:
            index = self._by_parent if suffix.endswith("/*") else self._by_suffix
            index[suffix.removesuffix("/*").encode()] = [
                d for d in known if suffix in d.path_suffixes or not d.path_suffixes
            ]


def _entries() -> Iterator[EntryPoint]:
    """Yield the dialects of others first: theirs may be a special case of ours."""
    yield from (entry for entry in entry_points(group=GROUP) if entry.name not in OURS)
    yield from (EntryPoint(name, value, GROUP) for name, value in OURS.items())


def _fits(dialect: type[Dialect], host: str, path: str) -> bool:
    if dialect.hosts is not None and dialect.hosts.search(host) is None:
        return False
    return dialect.path_pattern.search(path) is not None


def _note(name: str, why: str) -> str:
    return f"dialect {name} is switched off: {why}"[:300]
