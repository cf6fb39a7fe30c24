"""A run in this process, and OpenAI's clients against the local server."""

import asyncio
import contextlib

import pytest

from tests.wire.conftest import track, tracked  # noqa: F401

MODEL = "gpt-4o-mini"


@pytest.fixture
def client(truth):
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=truth.url, api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def ask(client):
    """`ask(text)`: one call, whose answer's text comes back."""

    def ask(text="two words", model=MODEL, **options):
        answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **options)
        return answer.choices[0].message.content

    return ask


@pytest.fixture
def asking(truth):
    """`asking(main)` runs `main(ask)`, in which `await ask(text)` is one call, and returns what it returns."""
    openai = pytest.importorskip("openai")

    def asking(main):
        async def all():
            async with openai.AsyncOpenAI(base_url=truth.url, api_key="none", max_retries=0) as client:

                async def ask(text="two words", model=MODEL, **options):
                    answer = await client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **options)
                    return answer.choices[0].message.content

                return await main(ask)

        return asyncio.run(all())

    return asking


@contextlib.contextmanager
def price_of_model(truth, **rates):
    """`MODEL` at the local server has these rates, in dollars per million tokens."""
    from aimon_nb import pricing

    pricing.set(MODEL, **rates)
    pricing.host(truth.host, provider="openai")
    try:
        yield
    finally:
        pricing.unset(MODEL)
        pricing.unset(truth.host)


@pytest.fixture
def priced(truth):
    """The local server's calls cost what OpenAI's do."""
    from aimon_nb import pricing

    pricing.host(truth.host, provider="openai")
    yield
    pricing.unset(truth.host)


def items_of(run):
    """The item of each call of a run, in the order in which they began: (key, repeat), or None."""
    from tests.wire.conftest import calls

    return [None if span.item is None else (span.item.key, span.item.repeat) for span in calls(run)]


def keys_of(run):
    return [one and one[0] for one in items_of(run)]
