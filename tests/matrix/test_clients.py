"""The matrix itself runs: one client here, and a part of it in environments of its own."""

import pytest

from tests.matrix.__main__ import run, run_place, wrong_cells
from tests.matrix.worlds import World

PLAIN = World("nobody", "here")


@pytest.mark.parametrize(
    "world",
    [World("ours", "here"), pytest.param(World("ours", "here", "named", "stream"), marks=pytest.mark.matrix)],
    ids=["off-default", "named-stream"],
)
def test_openai_chat(world):
    """Every mode of the OpenAI client is exactly right; `python -m tests.matrix` runs all."""
    found = run("openai_chat", world, plain=run("openai_chat", PLAIN))
    assert len(found) > 20
    assert {mode: wrong for mode, wrong in found.items() if wrong} == {}


# A client for each transport and each way of standing on another client, each once alone or in
# a set: what the whole matrix has in 8,000 cells.
PART = [
    ("bedrock", "alone"),
    ("google_genai", "alone"),
    ("anthropic", "A"),
    ("langchain_openai", "A"),
    ("litellm", "A"),
    ("openai_agents", "A"),
    ("pydantic_ai", "A"),
    ("instructor", "B"),
    ("dspy", "B"),
]


@pytest.mark.matrix
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("client", "place"), PART, ids="-".join)
def test_a_part(client, place):
    """Every mode is exactly right without the SDK's integrations, and with all of them by name."""
    wanted = [World("ours", place), World("ours", place, "named", "stream")]
    assert wrong_cells(run_place(client, place, wanted)) == []
