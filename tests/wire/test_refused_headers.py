"""A client that refuses a header quotes it in its error: the value is a key as often as not."""

import asyncio
import http.client
import json

import aiohttp
import httpx
import pytest
import requests
import urllib3

from aimon_nb import ai_track
from aimon_nb import track as tracked
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.views.present import detail, rows
from aimon_nb.views.static import text
from aimon_nb.views.live import saved_full
from aimon_nb.views.static.html import static
from tests.tiers import covering

# In Azure's form, which no pattern of a key knows.
KEY = "0123456789abcdef0123456789abc666"


async def with_aiohttp(url, headers):
    async with aiohttp.ClientSession() as session, session.post(url, json={}, headers=headers):
        pass


def with_http_client(url, headers):
    host, _, path = url.removeprefix("http://").partition("/")
    http.client.HTTPConnection(host).request("POST", f"/{path}", b"{}", headers)


CLIENTS = {
    "httpx": lambda url, headers: httpx.post(url, json={}, headers=headers),
    "requests": lambda url, headers: requests.post(url, json={}, headers=headers),
    "urllib3": lambda url, headers: urllib3.PoolManager(retries=False).request("POST", url, json={}, headers=headers),
    "aiohttp": lambda url, headers: asyncio.run(with_aiohttp(url, headers)),
    "http.client": with_http_client,
}
HEADERS = {
    "a key with its newline": {"api-key": KEY + "\n"},
    "bytes": {"api-key": KEY.encode() + b"\n"},
    "a cookie": {"Cookie": f"s={KEY}\n"},
    "quotes": {"api-key": f"'\"{KEY}\\\n"},
    "a list": {"api-key": [KEY]},
    "in the name": {f"api-key: {KEY}\n": "x"},
}


@pytest.fixture
def kept(track, tmp_path):
    """`kept(run)`: all that is shown, exported, saved or sent to a page of a run."""

    def kept(view):
        run = view._run
        told = [repr(view), text.tree(run), static(run), saved_full.script(run, "m"), view.spans(content=True).to_csv()]
        told += [json.dumps(rows.snapshot(run)), *(json.dumps(detail.detail(span)) for span in run.spans.values())]
        told += [view.export(tmp_path / f"run.{ending}").read_text("utf-8") for ending in ("csv", "json", "jsonl", "html")]
        return "\n".join(told)

    return kept


@covering(2)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("headers", HEADERS)
def test_no_record_holds_the_value(client, headers, shapes, kept):
    """Whatever client refuses whatever header: its error stands in the run, and nothing of the header."""
    send = ai_track("send")(lambda: CLIENTS[client](shapes.url("whole"), HEADERS[headers]))
    error = None
    try:
        with tracked("refused") as view:
            send()
    except Exception as caught:
        error = caught
    assert KEY not in kept(view)
    if error is not None:
        assert view._run.error_type == type(error).__name__
        assert view._run.error


TEXTS = {
    "Illegal header value b'SECRET\\n'": "Illegal header value …",
    "Illegal header name b'SECRET'": "Illegal header name …",
    "Invalid header value b\"it's SECRET\"": "Invalid header value …",
    "An HTTP Client raised: Invalid header value b'SECRET', twice": "An HTTP Client raised: Invalid header value …, twice",
    "return character(s) in header value: 'SECRET\\n'": "return character(s) in header value: …",
    "Illegal character '\\n' in header value: b'SECRET'": "Illegal character '\\n' in header value: …",
    "Received header value surrounded by whitespace b' SECRET'": "Received header value surrounded by whitespace …",
    "Header part (['SECRET']) from ('key', ['SECRET']) must be of type str": "Header part … must be of type str",
    "Cannot serialize non-str key ['SECRET']": "Cannot serialize non-str key …",
    "metadata was invalid: [('key', 'SECRET')]": "metadata was invalid: …",
    'LocalProtocolError("Illegal header value b\'SECRET\'")': 'LocalProtocolError("Illegal header value …")',
    "E('Illegal header value b\\'a\"SECRET\\'')": "E('Illegal header value …')",
    "Illegal header value b'SECRET": "Illegal header value …",  # cut short
    "Header value must be str or bytes, not <class 'int'>": "Header value must be str or bytes, not <class 'int'>",
    "the header value of 'x' is 'y'": "the header value of 'x' is 'y'",
}


@pytest.mark.parametrize(("told", "kept"), TEXTS.items())
def test_each_form(told, kept):
    """What a client quotes of a header is left out, cut short or in the text of another; all else stays."""
    assert redact_secrets(told) == kept


def test_a_long_value_costs_little():
    """A value of megabytes is left out in one walk."""
    assert redact_secrets("Illegal header value b'" + "header value b\\\\" * 200_000) == "Illegal header value …"
