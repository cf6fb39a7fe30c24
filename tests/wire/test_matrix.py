"""The matrix itself runs: one client, in the two worlds that differ most."""

import pytest

from tests.matrix.__main__ import run
from tests.matrix.worlds import World

PLAIN = World("nobody", "here")


@pytest.mark.parametrize(
    "world", [World("ours", "here"), World("ours", "here", "named", "stream")], ids=["off-static", "named-stream"]
)
def test_openai_chat(world):
    """Every mode of the OpenAI client is exactly right; `python -m tests.matrix` runs all."""
    found = run("openai_chat", world, plain=run("openai_chat", PLAIN))
    assert len(found) > 20
    assert {mode: wrong for mode, wrong in found.items() if wrong} == {}
