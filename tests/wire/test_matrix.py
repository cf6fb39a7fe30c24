"""The matrix itself runs: one client, in the two worlds that differ most."""

import pytest

from tests.matrix.__main__ import run


@pytest.mark.parametrize(("world", "lifecycle"), [("none", "static"), ("alone", "stream")])
def test_openai_chat(world, lifecycle):
    """Every mode of the OpenAI client is exactly right; `python -m tests.matrix` runs all."""
    pytest.importorskip("openai")
    _, found, _ = run("openai_chat", world, lifecycle, [])
    assert len(found) > 20
    assert {mode: wrong for mode, wrong in found.items() if wrong} == {}
