"""A provider that refuses a request may quote its headers: no record keeps a value, whatever it looks like."""

import asyncio

import aiohttp
import httpx
import openai
import pytest
import requests
import urllib3

from aimon_nb import ai_track
from aimon_nb import track as tracked
from aimon_nb.capture.sent_secrets import sent_secrets
from tests.wire.test_refused_headers import kept  # noqa: F401
from tests.wire.clients import BODY

HEX, COOKIE, QUERY = "0123456789abcdef0123456789abc667", "c00kie0123456789", "9f8e7d6c5b4a39281706"
HEADERS = {"api-key": HEX, "Cookie": f"s={COOKIE}; theme=dark"}


async def with_aiohttp(url):
    async with aiohttp.ClientSession(headers=HEADERS) as session, session.post(url, json=BODY) as answer:
        raise RuntimeError(await answer.text())


async def with_async_httpx(url):
    async with httpx.AsyncClient() as client:
        raise RuntimeError((await client.post(url, json=BODY, headers=HEADERS)).text)


def said(text):
    raise RuntimeError(text)


CLIENTS = {
    "httpx": lambda url: said(httpx.post(url, json=BODY, headers=HEADERS).text),
    "httpx's client": lambda url: said(httpx.Client(headers=HEADERS).post(url, json=BODY).text),
    "httpx async": lambda url: asyncio.run(with_async_httpx(url)),
    "requests": lambda url: said(requests.post(url, json=BODY, headers=HEADERS).text),
    "urllib3": lambda url: said(urllib3.PoolManager().request("POST", url, json=BODY, headers=HEADERS).data.decode()),
    "urllib3's pool": lambda url: said(urllib3.PoolManager(headers=HEADERS).request("POST", url, body=b"{}").data.decode()),
    "aiohttp": lambda url: asyncio.run(with_aiohttp(url)),
    "openai": lambda url: openai.OpenAI(base_url=url.partition("/chat/")[0], api_key=HEX, max_retries=0, default_headers={"Cookie": COOKIE}).chat.completions.create(**BODY, extra_query={"key": QUERY}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def forgotten():
    """Each test begins without what another has sent."""
    sent_secrets._known.clear()


@pytest.mark.parametrize("client", CLIENTS)
def test_no_record_keeps_what_an_answer_quotes(client, shapes, kept):  # noqa: F811
    """The error of the call and that of the code that raises it hold no value of a header and of the query."""
    ask = ai_track("ask")(lambda: CLIENTS[client](shapes.url("quoting") + ("" if client == "openai" else f"?key={QUERY}")))
    view = tracked("quoted")
    with pytest.raises(Exception) as caught, view as run:
        ask()
    assert HEX in str(caught.value)
    told = kept(run)
    assert "not allowed" in told
    assert not [secret for secret in (HEX, COOKIE, QUERY) if secret in told]


def test_headers_of_what_is_answered_are_not_looked_at(shapes, track):
    """Where nothing fails nothing is hashed."""
    with track() as run:
        assert httpx.post(shapes.url("whole"), json=BODY, headers=HEADERS).status_code == 200
    assert len(run.spans) == 2
    assert not sent_secrets._known
