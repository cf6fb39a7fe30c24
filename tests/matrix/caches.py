"""Real caches below and above real clients, one question each: a fresh process prints a line of JSON a case.

Every case asks the truth server's model several times; what arrived there was billed, and the rest a cache answered.
"""

import asyncio
import json
import logging
import os
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable

QUESTION = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "how warm is it in the shade"}]
CHAT = {"model": "gpt-4o", "messages": QUESTION}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}
CLAUDE = {"model": "claude-haiku-4-5", "max_tokens": 64, "system": "be brief", "messages": QUESTION[1:]}
# USD per million tokens: input, read from the provider's cache, written to it, output.
RATES = {"gpt-4o": ("2.5", "1.25", "0", "10"), "claude-haiku-4-5": ("1", "0.1", "1.25", "5")}


@dataclass
class Case:
    """`use(server, folder)` asks `arrived + cached + doubles` times; `doubles` are answered by what stands in for a model.

    `before(server, folder)` is used in no run, as in an earlier kernel. `by` is "" for a cache without a request.
    """

    use: Callable[[Any, Path], Any]
    by: str | None
    arrived: int
    cached: int
    doubles: int = 0
    provider: str = "openai"
    before: Callable[[Any, Path], Any] | None = None


CASES = {}


def case(by, *, arrived=1, cached=2, **more):
    def note(use):
        CASES[use.__name__] = Case(use, by, arrived, cached, **more)
        return use

    return note


def openai_client(server, **more):
    import openai

    return openai.OpenAI(base_url=server.url, api_key="sk-none", max_retries=0, **more)


def chat(client, **more):
    """The counts that the client tells."""
    usage = client.chat.completions.create(**CHAT, **more).usage
    return usage.prompt_tokens, usage.completion_tokens


def streamed(client):
    [usage] = [c.usage for c in client.chat.completions.create(**CHAT, **STREAM) if c.usage is not None]
    return usage.prompt_tokens, usage.completion_tokens


def told(answer):
    return answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]


def told_in_events(lines):
    """The counts of the last event that has any."""
    texts = (line if isinstance(line, str) else line.decode() for line in lines)
    events = (json.loads(text[6:]) for text in texts if text.startswith("data: {"))
    return told([event for event in events if event.get("usage")][-1])


# hishel: below httpx, and as an adapter of requests


def library_of_openai():
    """The HTTP library that the openai here stands on."""
    import openai._base_client as base

    return base.httpx2 if hasattr(base, "httpx2") else base.httpx


def hishel_transport(http, folder, asynchronous=False):
    """A cache for POST: version 1 has it; the cache of 2 is told that it is asked by GET, and the server that it is by POST."""
    import hishel
    from importlib import import_module

    module = import_module(f"hishel.{http.__name__}")
    database = {"database_path": folder / "hishel.db"}
    kind = "Async" if asynchronous else ""
    if hasattr(hishel, "FilterPolicy"):
        names = ("AsyncCacheTransport", "AsyncSqliteStorage") if asynchronous else ("SyncCacheTransport", "SyncSqliteStorage")
        made = getattr(http, f"{kind}HTTPTransport")()
        return getattr(module, names[0])(made, storage=getattr(hishel, names[1])(**database), policy=by_body(hishel))

    class ByPost(getattr(http, f"{kind}HTTPTransport")):
        def handle_request(self, request):
            return super().handle_request(as_method("POST", request))

        async def handle_async_request(self, request):
            return await super().handle_async_request(as_method("POST", request))

    class ByGet(getattr(module, f"{kind}CacheTransport")):
        def handle_request(self, request):
            return super().handle_request(as_method("GET", request, caching={"key": request._content.hex()}))

        async def handle_async_request(self, request):
            return await super().handle_async_request(as_method("GET", request, caching={"key": request._content.hex()}))

    def as_method(method, request, **more):
        return http.Request(method, request.url, headers=request.headers, stream=request.stream, extensions={**request.extensions, **more})

    return ByGet(ByPost(), getattr(hishel, f"{kind}SqliteStorage")(**database))


def by_body(hishel):
    policy = hishel.FilterPolicy()
    policy.use_body_key = True
    return policy


@case("hishel")
def hishel_openai(server, folder):
    http = library_of_openai()
    with http.Client(transport=hishel_transport(http, folder)) as client:
        return [chat(openai_client(server, http_client=client)) for _ in range(3)]


@case("hishel")
def hishel_openai_async(server, folder):
    import openai

    http = library_of_openai()

    async def use():
        async with http.AsyncClient(transport=hishel_transport(http, folder, asynchronous=True)) as made:
            client = openai.AsyncOpenAI(base_url=server.url, api_key="sk-none", http_client=made)
            answers = [await client.chat.completions.create(**CHAT) for _ in range(3)]
            return [(a.usage.prompt_tokens, a.usage.completion_tokens) for a in answers]

    return asyncio.run(use())


@case("hishel")
def hishel_httpx_stream(server, folder):
    """Read to its end: what a client leaves at its last event is not kept."""
    import httpx

    def ask(client):
        with client.stream("POST", f"{server.url}/chat/completions", json={**CHAT, **STREAM}) as response:
            return told_in_events(response.iter_lines())

    with httpx.Client(transport=hishel_transport(httpx, folder)) as client:
        return [ask(client) for _ in range(3)]


@case("hishel", cached=9)
def hishel_httpx_in_threads(server, folder):
    import httpx
    from concurrent.futures import ThreadPoolExecutor

    with httpx.Client(transport=hishel_transport(httpx, folder)) as client:

        def ask(_):
            return told(client.post(f"{server.url}/chat/completions", json=CHAT).json())

        first = ask(0)
        with ThreadPoolExecutor(4) as pool:
            return [first, *pool.map(ask, range(9))]


@case("hishel")
def hishel_requests(server, folder):
    import hishel
    import requests
    from hishel.requests import CacheAdapter

    class ByGet(CacheAdapter):
        def send(self, request, **more):
            request = request.copy()
            request.method = "GET"
            return super().send(request, **more)

        def get_connection_with_tls_context(self, request, *args, **more):
            request.method = "POST"
            return super().get_connection_with_tls_context(request, *args, **more)

        def build_response(self, request, *args):
            request.method = "GET"
            return super().build_response(request, *args)

    if hasattr(hishel, "FilterPolicy"):
        adapter = CacheAdapter(storage=hishel.SyncSqliteStorage(database_path=folder / "hishel.db"), policy=by_body(hishel))
    else:
        adapter = ByGet(storage=hishel.SqliteStorage(database_path=folder / "hishel.db"))
    with requests.Session() as session:
        session.mount("http://", adapter)
        return [told(session.post(f"{server.url}/chat/completions", json=CHAT).json()) for _ in range(3)]


# vcrpy: a cassette is recorded by what arrives, and played afterwards


def cassettes(folder, count, **more):
    """The same cassette, opened `count` times: recorded the first time."""
    import vcr

    for _ in range(count):
        with vcr.use_cassette(str(folder / "cassette.yaml"), **more):
            yield


@case("vcrpy")
def vcr_openai(server, folder):
    return [chat(openai_client(server)) for _ in cassettes(folder, 3)]


@case("vcrpy")
def vcr_openai_stream(server, folder):
    return [streamed(openai_client(server)) for _ in cassettes(folder, 3)]


@case("vcrpy", provider="anthropic")
def vcr_anthropic(server, folder):
    import anthropic

    def ask():
        usage = anthropic.Anthropic(base_url=server.root, api_key="none").messages.create(**CLAUDE).usage
        return usage.input_tokens, usage.output_tokens

    return [ask() for _ in cassettes(folder, 3)]


@case("vcrpy", provider="anthropic")
def vcr_anthropic_async_stream(server, folder):
    import anthropic

    async def ask():
        async with anthropic.AsyncAnthropic(base_url=server.root, api_key="none") as client:
            async with client.messages.stream(**CLAUDE) as stream:
                usage = (await stream.get_final_message()).usage
                return usage.input_tokens, usage.output_tokens

    return [asyncio.run(ask()) for _ in cassettes(folder, 3)]


@case("vcrpy", arrived=2, cached=2)
def vcr_new_episodes(server, folder):
    """What is on the cassette is played; what is not goes out, and is a bill, between the two."""
    other = {**CHAT, "messages": [QUESTION[0], {"role": "user", "content": "how warm is it in the sun"}]}

    def ask(content):
        usage = openai_client(server).chat.completions.create(**content).usage
        return usage.prompt_tokens, usage.completion_tokens

    rule = {"record_mode": "new_episodes", "match_on": ["method", "uri", "body"]}
    first = [ask(CHAT) for _ in cassettes(folder, 1, **rule)]
    return first + [ask(content) for _ in cassettes(folder, 1, **rule) for content in (CHAT, other)] + [ask(other) for _ in cassettes(folder, 1, **rule)]


@case("vcrpy", arrived=3, cached=0)
def vcr_record_all(server, folder):
    """A cassette that is recorded anew each time plays nothing."""
    return [chat(openai_client(server)) for _ in cassettes(folder, 3, record_mode="all")]


@case("vcrpy")
def vcr_beside_other_requests(server, folder):
    """What a hook of the client asks elsewhere, recorded or played, says nothing of the model's own answer."""
    http = library_of_openai()

    def look(_):
        http.get(f"{server.root}/v1/models")

    def ask():
        with http.Client(event_hooks={"request": [look], "response": [look]}) as made:
            return chat(openai_client(server, http_client=made))

    return [ask() for _ in cassettes(folder, 3, allow_playback_repeats=True)]


@case("vcrpy")
def vcr_requests(server, folder):
    import requests

    return [told(requests.post(f"{server.url}/chat/completions", json=CHAT).json()) for _ in cassettes(folder, 3)]


@case("vcrpy")
def vcr_requests_stream(server, folder):
    import requests

    def ask():
        with requests.post(f"{server.url}/chat/completions", json={**CHAT, **STREAM}, stream=True) as response:
            return told_in_events(response.iter_lines())

    return [ask() for _ in cassettes(folder, 3)]


@case("vcrpy")
def vcr_urllib3(server, folder):
    import urllib3

    return [told(urllib3.request("POST", f"{server.url}/chat/completions", json=CHAT).json()) for _ in cassettes(folder, 3)]


@case("vcrpy")
def vcr_aiohttp(server, folder):
    import aiohttp

    async def ask():
        async with aiohttp.ClientSession() as session, session.post(f"{server.url}/chat/completions", json=CHAT) as response:
            return told(await response.json())

    return [asyncio.run(ask()) for _ in cassettes(folder, 3)]


@case("vcrpy")
def vcr_aiohttp_stream(server, folder):
    import aiohttp

    async def ask():
        body = {**CHAT, **STREAM}
        async with aiohttp.ClientSession() as session, session.post(f"{server.url}/chat/completions", json=body) as response:
            return told_in_events([line async for line in response.content])

    return [asyncio.run(ask()) for _ in cassettes(folder, 3)]


@case("vcrpy", provider="anthropic")
def vcr_boto3(server, folder):
    """Bedrock's Converse, from a cassette."""
    import boto3

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    asked = {"modelId": "claude-haiku-4-5", "system": [{"text": "be brief"}], "messages": [{"role": "user", "content": [{"text": "how warm is it"}]}]}

    def ask():
        usage = boto3.client("bedrock-runtime", endpoint_url=server.root, **keys).converse(**asked)["usage"]
        return usage["inputTokens"], usage["outputTokens"]

    return [ask() for _ in cassettes(folder, 3)]


# caches that stand on an HTTP client, above it


@case("requests-cache")
def requests_cache(server, folder):
    import requests_cache

    with requests_cache.CachedSession(str(folder / "cache"), allowable_methods=["GET", "POST"]) as session:
        return [told(session.post(f"{server.url}/chat/completions", json=CHAT).json()) for _ in range(3)]


@case("requests-cache")
def requests_cache_stream(server, folder):
    import requests_cache

    def ask(session):
        with session.post(f"{server.url}/chat/completions", json={**CHAT, **STREAM}, stream=True) as response:
            return told_in_events(response.iter_lines())

    with requests_cache.CachedSession(backend="memory", allowable_methods=["GET", "POST"]) as session:
        return [ask(session) for _ in range(3)]


@case("requests-cache", arrived=3, cached=0)
def requests_cache_not_for_posts(server, folder):
    """As it is set up by itself, it keeps no answer to a POST."""
    import requests_cache

    with requests_cache.CachedSession(backend="memory") as session:
        return [told(session.post(f"{server.url}/chat/completions", json=CHAT).json()) for _ in range(3)]


@case("requests-cache")
def requests_cache_everywhere(server, folder):
    """Put under every use of requests, by its patch."""
    import requests
    import requests_cache

    with requests_cache.enabled(backend="memory", allowable_methods=["GET", "POST"]):
        return [told(requests.post(f"{server.url}/chat/completions", json=CHAT).json()) for _ in range(3)]


@case("CacheControl")
def cachecontrol(server, folder):
    import requests
    from cachecontrol import CacheControlAdapter
    from cachecontrol.heuristics import ExpiresAfter

    with requests.Session() as session:
        session.mount("http://", CacheControlAdapter(cacheable_methods=("GET", "POST"), heuristic=ExpiresAfter(days=1)))
        return [told(session.post(f"{server.url}/chat/completions", json=CHAT).json()) for _ in range(3)]


def aiohttp_cache(server, **more):
    from aiohttp_client_cache import CacheBackend, CachedSession

    async def use(ask):
        async with CachedSession(cache=CacheBackend(**more)) as session:
            return [await ask(session) for _ in range(3)]

    return lambda ask: asyncio.run(use(ask))


@case("aiohttp-client-cache")
def aiohttp_client_cache(server, folder):
    async def ask(session):
        async with session.post(f"{server.url}/chat/completions", json=CHAT) as response:
            return told(await response.json())

    return aiohttp_cache(server, allowed_methods=("GET", "POST"))(ask)


@case("aiohttp-client-cache")
def aiohttp_client_cache_stream(server, folder):
    async def ask(session):
        async with session.post(f"{server.url}/chat/completions", json={**CHAT, **STREAM}) as response:
            return told_in_events([line async for line in response.content])

    return aiohttp_cache(server, allowed_methods=("GET", "POST"))(ask)


@case("aiohttp-client-cache", arrived=3, cached=0)
def aiohttp_client_cache_not_for_posts(server, folder):
    """As it is set up by itself, it keeps no answer to a POST; what it lets through is streamed as ever."""

    async def ask(session):
        async with session.post(f"{server.url}/chat/completions", json={**CHAT, **STREAM}) as response:
            return told_in_events([line async for line in response.content])

    return aiohttp_cache(server)(ask)


# caches of frameworks: no request at all


def slow(cache, name="lookup"):
    """A cache that is slower than some models: only its mark tells it from one."""
    look_up = getattr(cache, name)

    def slowly(*args, **more):
        threading.Event().wait(0.05)
        return look_up(*args, **more)

    setattr(cache, name, slowly)
    return cache


def langchain_chat(server, cache, ask=lambda model: model.invoke([("system", "be brief"), ("user", QUESTION[1]["content"])])):
    from langchain_openai import ChatOpenAI

    usage = ask(ChatOpenAI(model="gpt-4o", base_url=server.url, api_key="sk-none", cache=cache)).usage_metadata
    return usage["input_tokens"], usage["output_tokens"]


@case("")
def langchain_in_memory(server, folder):
    from langchain_core.caches import InMemoryCache
    from langchain_core.globals import set_llm_cache

    set_llm_cache(InMemoryCache())
    try:
        return [langchain_chat(server, None) for _ in range(3)]
    finally:
        set_llm_cache(None)


@case("")
def langchain_async(server, folder):
    from langchain_core.caches import InMemoryCache

    cache = InMemoryCache()

    def ask(model):
        return asyncio.run(model.ainvoke([("system", "be brief"), ("user", QUESTION[1]["content"])]))

    return [langchain_chat(server, cache, ask) for _ in range(3)]


def from_sqlite(server, folder):
    from langchain_community.cache import SQLiteCache

    return langchain_chat(server, slow(SQLiteCache(str(folder / "langchain.db"))))


@case("", arrived=0, cached=3, before=from_sqlite)
def langchain_sqlite_of_another_kernel(server, folder):
    """Nothing in this run went out by the same way, and the cache is slow."""
    return [from_sqlite(server, folder) for _ in range(3)]


def litellm_question(server):
    return {"model": "openai/gpt-4o", "api_base": server.url, "api_key": "sk-none", "messages": QUESTION, "caching": True}


def litellm_answers(server, count=1):
    import litellm

    if litellm.cache is None:
        litellm.cache = litellm.Cache()
        slow(litellm.cache.cache, "get_cache")
    answers = [litellm.completion(**litellm_question(server)) for _ in range(count)]
    return [told(answer.model_dump()) for answer in answers]


def litellm_filled(server, folder):
    import litellm

    litellm.cache = None
    litellm_answers(server)


@case("LiteLLM's cache")
def litellm_in_memory(server, folder):
    return litellm_answers(server, 3)


@case("LiteLLM's cache")
def litellm_async_stream(server, folder):
    """A stream of what is stored is one answer."""
    import litellm

    async def ask():
        answer = await litellm.acompletion(**litellm_question(server), **STREAM)
        return told([c.model_dump() async for c in answer][-1])

    async def use():
        # It stores what it streamed in a task of its own.
        stored, add = asyncio.Event(), litellm.cache.async_add_cache

        async def add_and_say(*args, **more):
            await add(*args, **more)
            stored.set()

        litellm.cache.async_add_cache = add_and_say
        first = await ask()
        await asyncio.wait_for(stored.wait(), 20)
        return [first, await ask(), await ask()]

    litellm.cache = litellm.Cache()
    return asyncio.run(use())


@case("LiteLLM's cache", arrived=0, cached=3, before=litellm_filled)
def litellm_of_an_earlier_run(server, folder):
    """Nothing in this run went out by the same way, and the cache is slow."""
    return litellm_answers(server, 3)


# what stands in for a model is no cache


def canned():
    usage = {"prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 13}
    message = {"role": "assistant", "content": "In short: warm"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"id": "c-1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": choices, "usage": usage}


@case(None, arrived=0, cached=0, doubles=3)
def mock_transport(server, folder):
    http = library_of_openai()
    with http.Client(transport=http.MockTransport(lambda _: http.Response(200, json=canned()))) as made:
        return [chat(openai_client(server, http_client=made)) for _ in range(3)]


@case(None, arrived=0, cached=0, doubles=3)
def respx_routes(server, folder):
    import httpx
    import respx

    url = f"{server.url}/chat/completions"
    with respx.mock:
        respx.post(url).mock(return_value=httpx.Response(200, json=canned()))
        return [told(httpx.post(url, json=CHAT).json()) for _ in range(3)]


@case(None, arrived=0, cached=0, doubles=3)
def responses_routes(server, folder):
    import requests
    import responses

    url = f"{server.url}/chat/completions"
    with responses.RequestsMock() as mock:
        mock.post(url, json=canned())
        return [told(requests.post(url, json=CHAT).json()) for _ in range(3)]


@case(None, arrived=0, cached=0, doubles=3)
def pytest_httpx_routes(server, folder):
    """By pytest, which alone sets it up."""
    import httpx
    import pytest

    url, answers = f"{server.url}/chat/completions", []

    class Plugin:
        @pytest.fixture
        def asked(self, httpx_mock):
            httpx_mock.add_response(json=canned(), is_reusable=True)
            answers.extend(told(httpx.post(url, json=CHAT).json()) for _ in range(3))

    (folder / "test_it.py").write_text("def test_it(asked):\n    pass\n", "utf-8")
    with quiet():
        pytest.main(["-q", "-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull, str(folder)], plugins=[Plugin()])
    return answers


@case("vcrpy", arrived=0, cached=2, doubles=1)
def vcr_over_a_mock(server, folder):
    """The one that the mock answered is a call like any other, the ones from the cassette are none."""
    http = library_of_openai()

    def ask():
        with http.Client(transport=http.MockTransport(lambda _: http.Response(200, json=canned()))) as made:
            return chat(openai_client(server, http_client=made))

    return [ask() for _ in cassettes(folder, 3)]


@contextmanager
def quiet():
    """What is printed inside is no line of ours."""
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = out


DOUBLE = ("gpt-4o", 8, 0, 0, 5)


def counts(call):
    return call.model, call.input, call.cached, call.cache_write, call.output


def worth(told_of):
    """What (model, input, cached, cache_write, output) cost, in USD."""
    model, into, cached, written, out = told_of
    parts = (into - cached - written, cached, written, out)
    return sum(Decimal(n) * Decimal(rate) for n, rate in zip(parts, RATES[model])) / 10**6


def run(one, server, folder):
    """What a case's run says, beside what the server knows."""
    from aimon_nb import pricing
    from aimon_nb.app import monitor
    from aimon_nb.views.tables import frames

    server.clear()
    if one.before is not None:
        one.before(server, folder)
    earlier = len(server.settled())
    pricing.host(server.host, provider=one.provider)
    opened = monitor.open("caches", "none")
    try:
        answers = one.use(server, folder)
    finally:
        opened.end(None)
    run, served = opened.run, server.settled()
    first, served = served[:1], served[earlier:]
    rows = [s for s in run.spans.values() if (s.call is not None or s.cached_locally) and not s.is_duplicate]
    cached = [s for s in rows if s.cached_locally]
    told_of = [DOUBLE] * one.doubles + list(map(counts, served))
    asked_first = counts(first[0]) if first else DOUBLE
    usage = frames.usage([run])
    return {
        "answers": len(answers),
        "arrived": len(served),
        "calls": run.totals.calls,
        "cached": run.totals.cached_locally,
        "by": sorted({s.call.cached_by if s.call is not None else "" for s in cached}),
        "reasons": sorted({s.cost.reason for s in cached}),
        "tokens": [run.totals.usage.input or 0, run.totals.usage.output or 0],
        "tokens of calls": [sum(c[1] for c in told_of), sum(c[4] for c in told_of)],
        "tokens shown": sorted({(s.usage.input or 0, s.usage.output or 0) for s in cached}),
        "tokens told": sorted({(asked_first[1], asked_first[4])} if cached else ()),
        "cost": str(run.totals.cost.normalize()),
        "bill": str(sum(map(worth, told_of), Decimal(0)).normalize()),
        "saved": str((run.totals.saved or Decimal(0)).normalize()),
        "not billed": str((worth(asked_first) * len(cached)).normalize()),
        "costs of cached": sorted({(s.cost.state, str(s.cost.total)) for s in cached}),
        "in %ai_usage": [int(usage["calls"].sum()), int(usage["calls_cached_locally"].sum())],
        "exact": not run.totals.lower_bound and not run.unread,
        "statuses": sorted({s.status for s in rows}),
        "faults": run.faults,
    }


def main():
    asked = json.load(sys.stdin)
    os.environ.update(AWS_EC2_METADATA_DISABLED="true", LITELLM_LOCAL_MODEL_COST_MAP="True", LANGSMITH_TRACING="false")
    logging.disable(logging.ERROR)
    from aimon_nb.testing import truth_server

    if any(name.startswith("litellm") for name in asked):
        import sentry_sdk
        from sentry_sdk.integrations.litellm import LiteLLMIntegration

        sentry_sdk.init(integrations=[LiteLLMIntegration()], auto_enabling_integrations=False)
    with truth_server(latency=0, chunk_latency=0, chunks=4) as server, tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        for name in asked:
            folder = Path(home, name)
            folder.mkdir()
            try:
                found = run(CASES[name], server, folder)
            except Exception as error:
                found = {"raised": f"{type(error).__name__}: {error}"}
            print(json.dumps({"case": name, "found": found}), flush=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some libraries leave threads that wait
