"""A model call as it crossed the wire: its request and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from aimon_nb.model.exchange import Exchange
from aimon_nb.model.kept import Kept, packable
from aimon_nb.model.usage import NOTHING, Usage

MediaKind = Literal["image", "audio", "file"]
# What is said of a call that no dialect reads, and whose answer told its usage.
USAGE_ALONE = "tokens from the answer's usage alone"
# What the name of a row says whose usage was asked for elsewhere: in this kernel, or not.
ASKED_BEFORE = "asked before this kernel started, or in no run"
ASKED_IN_FORGOTTEN = "asked in a run that is no longer in memory"


@dataclass(slots=True)
class Media:
    """An image, a sound or a file in a message; `data` are its bytes, in memory alone.

    `type` is its MIME type as whoever sent it says, `detail` how closely the model is to look
    at it.
    """

    kind: MediaKind
    type: str
    size: int
    name: str = ""
    detail: str = ""
    data: bytes | Kept | None = None


@packable(text=None, tool_calls=lambda value: [(name, arguments) for name, arguments in value])
@dataclass(slots=True)
class Message:
    """One turn of a conversation; `tool_calls` are (name, arguments as text).

    `tools` are the names of the tools whose results it brings, as far as the request tells.
    """

    role: str
    text: str = ""
    tool_calls: list[tuple[str, str]] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    tools: str = ""


class ToolDefinition(NamedTuple):
    """A tool that a request offers; `schema` is JSON text of what it takes, "" if none is told."""

    name: str
    description: str = ""
    schema: str = ""


class CallPart(NamedTuple):
    """One request of a batch: what it used, and how many used the same.

    `details` are those of `ModelCall`, sorted by their names.
    """

    usage: Usage
    details: tuple[tuple[str, int], ...]
    times: int


class ServerTool(NamedTuple):
    """A tool that the provider ran for an answer, and in words how it failed (None: it did not)."""

    name: str
    error: str | None


@packable(settings=None, definitions=lambda value: [ToolDefinition(*one) for one in value])
@dataclass(slots=True)
class ModelCall:
    """One request to a model and its answer, in the same fields for every provider.

    `input` and `output` are content: they live in the live view and in memory
    only, never in a saved notebook, a default DataFrame or at Sentry. `details`
    are counts that a price may depend on beyond `usage`, under the price list's
    names: `cache_write_1h_tokens`, `input_audio_tokens`, `web_searches` …. `usage` is
    what the provider reported; `estimate` was counted here instead, by `estimated_by`.
    `shortfalls` say in words what the answer tells of its bill that these do not hold: they
    make a cost a lower bound. `charged` is what the provider says that it charged, in USD,
    and `charge_shortfall` what that leaves out. With `from_usage_alone` no dialect reads
    this API, and only the usage in its answer was read; with `is_gateway` the answer says
    that it came by a gateway. `cached_by` names the cache on this machine that answered: the
    request never left it. `refused` means that nothing is billed: answered by an error,
    or never sent. `untold` says in words why there is no usage, or where it is still to come
    from. Of a batch `usage` and `details` are the sums over its `parts`, without the `failed`
    requests. `server_tools` are what the provider ran for the answer, and `conversation` is the id
    of the one that it belongs to. `parameters` are the few that a table may show; `settings`,
    all that the request set beside its messages and tools, and `definitions`, the tools with
    their descriptions, are content. `request_id` is the provider's name for the request, by which
    its support finds it, and `exchange` both bodies as they crossed the wire.
    """

    provider: str | None = None
    host: str | None = None
    operation: str = "chat"
    request_model: str | None = None
    response_model: str | None = None
    usage: Usage = NOTHING
    details: dict[str, int] = field(default_factory=dict)
    estimate: Usage = NOTHING
    estimated_by: str | None = None
    streaming: bool = False
    finish_reason: str | None = None
    service_tier: str | None = None
    speed: str | None = None
    shortfalls: list[str] = field(default_factory=list)
    charged: Decimal | None = None
    charge_shortfall: str | None = None
    from_usage_alone: bool = False
    is_gateway: bool = False
    cached_by: str | None = None
    error: str | None = None
    refused: bool = False
    untold: str | None = None
    parts: list[CallPart] = field(default_factory=list)
    failed: int = 0
    input: list[Message] = field(default_factory=list)
    output: list[Message] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    tools: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    definitions: list[ToolDefinition] = field(default_factory=list)
    request_id: str | None = None
    exchange: Exchange | None = None
    server_tools: list[ServerTool] = field(default_factory=list)
    conversation: str | None = None
