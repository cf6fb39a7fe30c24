"""By what an answer of LangChain's cache is known; the library itself is asked in tests/matrix/test_caches.py."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from aimon_nb.sentry.cache_hits import _is_hit


def answer(**usage):
    message = SimpleNamespace(usage_metadata={"input_tokens": 7, "output_tokens": 5, "total_tokens": 12, **usage})
    return SimpleNamespace(generations=[[SimpleNamespace(message=message)]])


def test_a_hit():
    """LangChain writes a cost of 0 beside the tokens of a stored answer."""
    assert _is_hit(answer(total_cost=0))


@pytest.mark.parametrize(
    "response",
    [
        answer(), answer(total_cost=0.01), answer(total_cost=None), answer(total_cost=False), answer(total_cost=MagicMock()), None, MagicMock(),
        SimpleNamespace(generations=[]), SimpleNamespace(generations=[[]]), SimpleNamespace(generations=[[SimpleNamespace(text="no chat")]]),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_no_hit(response):
    """Any other answer is one that came."""
    assert not _is_hit(response)
