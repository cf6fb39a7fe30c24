"""What a record takes from the attributes of an SDK's span."""

import pytest

from aimon_nb.pricing import price
from aimon_nb.capture.span_builder import merge
from tests.pricing.making import span

G = "gen_ai.usage."


def told(op, **attributes):
    one = span("a", op=op, model=None, provider=None)
    merge(one, attributes, None)
    return one


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("gen_ai.chat", {"gen_ai.system": "cohere", "gen_ai.response.model": "command-a-03-2025"}),
        ("gen_ai.chat", {"gen_ai.system": "openai", "gen_ai.provider.name": "cohere", "gen_ai.request.model": "command-a-03-2025"}),
        ("ai.chat_completions.create.cohere", {"ai.model_id": "command-a-03-2025"}),  # says its provider in its op alone
    ],
)
def test_whose_model_it_is(op, attributes):
    """Provider and model are read where each integration writes them, and give the price."""
    one = told(op, **attributes, **{G + "input_tokens": 1000, G + "output_tokens": 100})
    assert ("cohere", "command-a-03-2025") == (one.provider, one.model)
    assert "priced" == price(one).state


def test_cohere_without_a_model():
    """Without its model, which the integration tells with prompts only, the reason names the provider."""
    one = told("ai.embeddings.create.cohere", **{G + "input_tokens": 1000, G + "total_tokens": 1000})
    assert "no price is known for a call without a model name at cohere" == price(one).reason
