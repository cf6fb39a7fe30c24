"""The user's own word on prices: one line each."""

import json
import time
import warnings
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from aimon_nb import pricing
from aimon_nb.pricing import price, price_run, user_price_file
from aimon_nb.pricing.price_rule import PriceRule
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.pricing.user_price_file import path
from tests.pricing.making import AT, call, run_of, span, tokens

U = tokens(1000, 200)
LOCAL = "localhost:11434"


def local(model="my-model", usage=U, **more):
    return call(model, usage, LOCAL, **more)


def test_set():
    """A price of yours is used, also where no list knows the model or its host."""
    pricing.set("my-model", input_mtok=0.5, output_mtok=1.5)
    cost = price(local())
    assert ("priced", Decimal("0.0008"), "yours") == (cost.state, cost.total, cost.source)


def test_set_goes_before_the_list():
    """A price of yours goes before the list's, by the name asked for or answered."""
    pricing.set("GPT-4o", input_mtok="1", output_mtok=Decimal(1))
    assert Decimal("0.0012") == price(call("gpt-4o-2024-08-06", U, asked="gpt-4o")).total
    assert Decimal("0.0012") == price(call("gpt-4o", U)).total


def test_no_cache_price():
    """Without a cache price cached input costs as input, and says so."""
    pricing.set("my-model", input_mtok=1, output_mtok=1)
    cost = price(local(usage=tokens(1000, 200, cached=900)))
    assert Decimal("0.0012") == cost.total
    assert "cached input priced as input: no cache price is known" in cost.caveats


def test_cache_prices():
    """Cache prices of yours hold, a zero too."""
    pricing.set("my-model", input_mtok=1, output_mtok=1, cache_read_mtok=0, cache_write_mtok=2)
    assert Decimal("0.0014") == price(local(usage=tokens(1000, 200, cached=400, write=600))).total


def test_only_input():
    """An embedding model needs no output price; where there is output, it is missing."""
    pricing.set("my-model", input_mtok=1)
    assert "priced" == price(local(usage=tokens(1000), op="gen_ai.embeddings")).state
    cost = price(local())
    assert ("partial", Decimal("0.001")) == (cost.state, cost.total)
    assert "output" in cost.reason


def test_start():
    """A price from a day on leaves earlier calls alone."""
    pricing.set("gpt-4o", input_mtok=1, output_mtok=1, start="2026-06-02")
    assert Decimal("0.0045") == price(call("gpt-4o", U)).total
    assert Decimal("0.0012") == price(call("gpt-4o", U, at=AT + timedelta(days=1))).total


def test_provider_and_glob():
    """A price may hold for one provider, or for a pattern; what says more goes first."""
    pricing.set("my-*", input_mtok=1, output_mtok=1, match="glob")
    pricing.set("my-model", input_mtok=2, output_mtok=2, provider="groq")
    assert Decimal("0.0012") == price(local()).total
    assert Decimal("0.0024") == price(call("my-model", U, "api.groq.com")).total


def test_free():
    """What you call free is free, not unpriced and not $0 by ignorance."""
    pricing.free("llama3.2:3b")
    cost = price(local("llama3.2:3b"))
    assert ("free", 0, "yours") == (cost.state, cost.total, cost.source)
    assert "unpriced" == price(local("other")).state


def test_free_host():
    """Everything at a host may be free."""
    pricing.free(host="http://localhost:11434/v1")
    assert "free" == price(local("whatever")).state


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        ("127.0.0.1:4000", "127.0.0.1:4000"), ("http://127.0.0.1:4000/v1", "127.0.0.1:4000"), ("127.0.0.1", "127.0.0.1:4000"),
        ("::1", "[::1]:4000"), ("[::1]:4000", "[::1]:4000"), ("http://localhost?a=b", "localhost:80"),
        ("https://localhost:443/v1", "localhost"), ("localhost", "localhost:443"),
    ],
)  # fmt: skip
def test_host(name, heard):
    """A proxy on this machine bills as the provider you name, however you and the client write its address."""
    pricing.host(name, provider="openai")
    assert Decimal("0.0045") == price(call("gpt-4o", U, heard)).total
    assert "unpriced" == price(call("gpt-4o", U, "127.0.0.2:4001")).state


def test_host_with_a_port():
    """A word on one port holds for no other."""
    pricing.free(host="localhost:80")
    assert "unpriced" == price(call("gpt-4o", U, "localhost:8000")).state


def test_provider_of_a_local_server():
    """A price for Ollama's models holds on this machine; one for OpenAI's does not, whatever dialect is spoken there."""
    pricing.set("my-model", input_mtok=1, output_mtok=1, provider="ollama")
    pricing.set("gpt-4o", input_mtok=1, output_mtok=1, provider="openai")
    assert Decimal("0.0012") == price(local(provider="ollama")).total
    assert "unpriced" == price(local("gpt-4o")).state


def test_numbers_of_numpy():
    """Any kind of number is a price."""
    np = pytest.importorskip("numpy")
    pricing.set("my-model", input_mtok=np.int64(1), output_mtok=np.float32(1.5))
    assert Decimal("0.0013") == price(local()).total


def test_table():
    """All you have set stands in one table."""
    pricing.set("my-model", input_mtok=0.5, output_mtok=1.5)
    pricing.alias("dep", "gpt-4o", provider="azure")
    pricing.host(LOCAL, provider="openai")
    table = pricing.table()
    assert ["my-model", "dep", LOCAL] == list(table["name"])
    assert ["price", "alias", "host"] == list(table["is"])
    assert 0.5 == table["input_mtok"][0]


def test_changes_are_told():
    """Every change is told once, so that runs are counted again."""
    told = []
    remove = pricing.on_change(lambda: told.append(1))
    pricing.set("m", input_mtok=1)
    pricing.free("m")
    pricing.unset("m")
    remove()
    pricing.free("m")
    assert 3 == len(told)


# gpt-4o and claude-opus-4-5 per token and per thousand; a price for a billion.
@pytest.mark.parametrize(("into", "out"), [(0.0000025, 0.00001), (0.0025, 0.01), (0.005, 0.025), (None, 0.01), (0.01, 0.001), (2500, 10_000)])
def test_suspicious_prices(into, out):
    """A price per token or per thousand is probably a slip, and warns where you wrote it."""
    with pytest.warns(UserWarning, match="USD per million tokens") as caught:
        pricing.set("m", input_mtok=into, output_mtok=out)
    assert __file__ == caught[0].filename


@pytest.mark.parametrize("rate", [0, 0.03, 600, "2.50"])
def test_ordinary_prices(rate):
    """An ordinary price, a zero too, does not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pricing.set("m", input_mtok=rate, output_mtok=rate, cache_read_mtok=0.002)


BAD = {
    "text": (lambda: pricing.set("m", input_mtok="cheap"), "input_mtok is 'cheap'"),
    "bool": (lambda: pricing.set("m", input_mtok=True), "input_mtok is True"),
    "negative": (lambda: pricing.set("m", output_mtok=-1), "output_mtok is -1"),
    "nan": (lambda: pricing.set("m", output_mtok=float("nan")), "output_mtok is nan"),
    "more than there is": (lambda: pricing.set("m", input_mtok="1e999999"), "input_mtok is 1e999999"),
    "a cell full of digits": (lambda: pricing.set("m", input_mtok=1e300), "input_mtok is 1e+300"),
    "less than can be counted": (lambda: pricing.set("m", input_mtok="1e-400"), "input_mtok is 1e-400"),
    "nothing": (lambda: pricing.set("m"), "give input_mtok"),
    "only cache": (lambda: pricing.set("m", cache_read_mtok=1), "give input_mtok"),
    "no name": (lambda: pricing.set("", input_mtok=1), "named by a text"),
    "match": (lambda: pricing.set("m", input_mtok=1, match="regex"), "'glob'"),
    "start": (lambda: pricing.set("m", input_mtok=1, start="soon"), "2026-11-23"),
    "alias of nothing": (lambda: pricing.alias("a", "nobody-knows-it"), "pricing.set('nobody-knows-it'"),
    "alias elsewhere": (lambda: pricing.alias("a", "claude-opus-4-5", provider="mistral"), "at mistral"),
    "circle": (lambda: pricing.alias("a", "a"), "as itself"),
    "provider": (lambda: pricing.alias("a", "gpt-4o", provider="nobody"), "no provider 'nobody'"),
    "host": (lambda: pricing.host("", provider="openai"), "host:port"),
    "host provider": (lambda: pricing.host("h", provider="nobody"), "no provider 'nobody'"),
    "free nothing": (lambda: pricing.free(), "name a model or a host"),
    "unset": (lambda: pricing.unset("never-set"), "nothing is set for 'never-set'"),
    "context": (lambda: pricing.context(service_tier=1), "service_tier=1"),
    "no condition": (lambda: pricing.context(tier="flex"), "no price depends on tier; say processing,"),
    "explain": (lambda: pricing.explain("no-such-span"), "no span 'no-such-span'"),
}


@pytest.mark.parametrize(("wrong", "words"), BAD.values(), ids=BAD)
def test_bad_input(wrong, words):
    """Bad input is one line that says what was seen and what to do; nothing is changed by it."""
    with pytest.raises((ValueError, TypeError)) as caught:
        wrong()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {} == user_prices.rules


def again():
    """A later kernel."""
    user_prices.rules.clear()
    user_prices.is_loaded, user_prices.load_error = False, None


def test_save():
    """A saved price is there in later kernels, an unsaved one is not."""
    pricing.set("my-model", input_mtok="0.5", output_mtok=1.5, start="2026-01-01", save=True)
    pricing.alias("dep", "gpt-4o", provider="azure", save=True)
    pricing.host(LOCAL, provider="openai", save=True)
    pricing.free("tmp")
    before = pricing.table().iloc[:3]
    again()
    assert before.equals(pricing.table())
    assert Decimal("0.0008") == price(local()).total


def test_a_file_of_your_choice(monkeypatch, tmp_path):
    """AIMON_NB_HOME names the folder."""
    monkeypatch.setenv("AIMON_NB_HOME", str(tmp_path / "here"))
    pricing.free("a", save=True)
    assert tmp_path / "here/prices.json" == path()
    assert [path()] == list(path().parent.iterdir())


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 9, "prices": []}', '{"version": 1, "prices": [{"kind": "gift", "name": "a"}]}',
                                  '{"version": 1, "prices": [{"kind": "price", "name": "a", "input_mtok": "-1"}]}'])  # fmt: skip
def test_a_broken_file(text):
    """A file that cannot be read stops no pricing, is not overwritten, and is said at each cost."""
    path().parent.mkdir(parents=True)
    path().write_text(text)
    cost = price(call("gpt-4o", U))
    assert Decimal("0.0045") == cost.total
    assert "saved prices are not used" in cost.caveats[0]
    with pytest.raises(ValueError, match="mend it or delete it"):
        pricing.free("a", save=True)
    assert text == path().read_text()


def test_nothing_is_half_written(monkeypatch):
    """A crash while writing leaves the file as it was, and no rubbish beside it."""
    pricing.free("a", save=True)
    before = path().read_text()
    monkeypatch.setattr(json, "dumps", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        pricing.free("b", save=True)
    assert before == path().read_text()
    assert [path()] == list(path().parent.iterdir())


def test_explain():
    """A cost explains itself: source, rates times tokens, assumptions."""
    text = str(pricing.explain(call("gpt-4o-2024-08-06", tokens(3000, 500, cached=1024))))
    assert "genai-prices" in text and "openai gpt-4o" in text
    assert "1,976 x 2.5 / 1M = $0.00494" in text
    assert "Sentry's own figure may differ" in text
    assert text == repr(pricing.explain(call("gpt-4o-2024-08-06", tokens(3000, 500, cached=1024))))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (span("a", usage=tokens(), attributes={"gen_ai.response.streaming": True}), 'stream_options={"include_usage": True}'),
        (local(), 'pricing.free(host="localhost:11434")'),
        (call("gpt-4o", U, "llm.example.com"), "llm.example.com is priced as openai"),
        (span("a", op="ai.run"), "no model call"),
        (span("a", usage=tokens(10, 5), origin="auto.ai.litellm"), "LiteLLM does not report cached input"),
    ],
)
def test_explain_what_is_not_known(one, words):
    """It says what is not known, and what would help."""
    text = str(pricing.explain(one))
    assert 1 == text.count(words)


def test_explain_what_does_not_count(monkeypatch):
    """Of a span that only sums up others it says so, and names no price of its own."""
    agent = span("a", op="gen_ai.invoke_agent", usage=tokens(2000, 400))
    run = run_of(agent, span("b", "a", usage=U), span("c", "a", usage=U), call("gpt-4o", tokens(), status="error", span_id="d"))
    run.spans["d"].call.refused = True
    price_run(run, set(run.spans))
    monkeypatch.setattr(user_prices, "find_span", run.spans.get)
    text = str(pricing.explain("a"))
    assert "not counted" in text and "$" not in text
    assert "refused" in str(pricing.explain("d"))
    assert "$0.0045" in str(pricing.explain("b"))


def test_update_offline(monkeypatch):
    """`update` alone touches the network; if it fails, that is one line and the list stays."""
    import genai_prices

    def fail(_):
        raise OSError("no network")

    monkeypatch.setattr(genai_prices.UpdatePrices, "fetch", fail)
    with pytest.raises(ConnectionError, match=r"could not be fetched \(no network\); genai-prices 0"):
        pricing.update()
    assert Decimal("0.0045") == price(call("gpt-4o", U)).total


def test_update(monkeypatch):
    """A fetched list is used from then on, and named as the source."""
    import genai_prices
    from genai_prices import data_snapshot, types

    from aimon_nb.pricing import price_list

    model = types.ModelInfo("gpt-4o", types.ClauseEquals("gpt-4o"), prices=types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1)))
    fresh = data_snapshot.DataSnapshot([types.Provider("openai", "OpenAI", "https://api.openai.com", models=[model])], from_auto_update=True)
    monkeypatch.setattr(genai_prices.UpdatePrices, "fetch", lambda _: fresh)
    monkeypatch.setattr(price_list, "_updated", None)
    assert "1 models" in pricing.update()
    cost = price(call("gpt-4o", U))
    assert Decimal("0.0012") == cost.total
    assert "updated" in cost.source
