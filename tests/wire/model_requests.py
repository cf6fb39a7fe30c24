"""Let an exchange cross, without a client and without a server."""

import json
import struct
import zlib
from dataclasses import fields
from types import SimpleNamespace

from aimon_nb.model import Usage
from aimon_nb.wire.dialects import find
from aimon_nb.wire.dialects.known_usage import NOT_FINAL
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.response_reader import ResponseReader

KINDS = tuple(field.name for field in fields(Usage))


def heard_call(path, asked=None, answer=b"", host="api.example.com", status=200, left=False, headers=()):
    """The call that is read from a request and the chunks of its answer."""
    dialect = find(host, path.encode())
    assert dialect is not None, path
    return heard_by(dialect, host, asked, answer, status, left, headers)


def heard_by(dialect, host, asked=None, answer=b"", status=200, left=False, headers=()):
    """The call that this dialect reads."""
    body = asked if isinstance(asked, bytes) or asked is None else json.dumps(asked).encode()
    model_request = ModelRequest(dialect, host, dialect.path, body)
    model_request.open_span = SimpleNamespace(run_state=SimpleNamespace(closed=False, keeps_content=True))
    reader = ResponseReader(model_request)
    model_request.on_response_head(status, dict(headers))
    for chunk in [answer] if isinstance(answer, bytes) else answer:
        model_request.on_chunk(chunk)
        reader.read()
    model_request.on_done(left=left)
    reader.read()
    return model_request.call


def right_or_unknown(truth, call):
    """Each kind of token is as the provider counted it, or not known; what may still grow is no more, and marked."""
    is_final = NOT_FINAL not in call.shortfalls
    for kind in KINDS:
        told, heard = getattr(truth, kind), getattr(call.usage, kind)
        assert heard in (told, None) or (not is_final and (told is None or heard < told)), (kind, truth, call.usage)


def plain(answer):
    return json.dumps(answer).encode()


def lines(*answers):
    return b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)


def sse(*events):
    """Events: objects, or (name, object), or a bare text as data."""
    told = []
    for event in events:
        name, data = event if isinstance(event, tuple) else (None, event)
        data = data if isinstance(data, str) else json.dumps(data)
        told.append((f"event: {name}\n" if name else "") + f"data: {data}\n\n")
    return "".join(told).encode()


def frame(headers, payload):
    """A frame of Amazon's event stream."""
    head = b"".join(
        bytes([len(k)]) + k.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode()
        for k, v in headers.items()
    )
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(data), len(head))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    whole = prelude + head + data
    return whole + struct.pack(">I", zlib.crc32(whole))


def frames(*events):
    """Events as (event type, payload)."""
    return b"".join(
        frame({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, payload)
        for kind, payload in events
    )
