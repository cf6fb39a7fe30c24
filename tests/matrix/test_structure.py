"""Who asked: a covering set of the structure axis, each framework in one setup and world; `python -m tests.matrix --structure` runs all."""

import pytest

from tests.matrix.structure.runner import faults, run_setup

# Each framework of the two environments, each setup, each world.
PART = [
    ("plain", "bare", "stream"),
    ("plain", "provider", "none"),
    ("langgraph", "bare", "none"),
    ("openai_agents", "bare", "static"),
    ("pydantic_ai", "instrument_all", "none"),
    ("gemini", "bare", "stream"),
    ("mcp", "bare", "none"),
    ("logfire", "logfire", "none"),
    ("langfuse", "langfuse", "static"),
    ("openinference_openai", "openinference", "stream"),
    ("smolagents", "bare", "static"),
    ("haystack", "bare", "none"),
    ("llama_index", "openinference", "none"),
    ("dspy", "bare", "stream"),
    ("autogen", "provider", "none"),
    ("strands", "bare", "static"),
]


@pytest.mark.matrix
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("framework", "setup", "world"), PART, ids=["-".join(one) for one in PART])
def test_a_part(framework, setup, world):
    """Each tree is the one that is written down, each call and token is counted once, and the user's exporter gets what it gets without us."""
    # Where somebody exports, beside a run without us.
    results = run_setup(framework, setup, [world], beside_plain=setup != "bare")
    assert len(results) > 1
    assert "\n\n".join(f"{' '.join(key)}: {said}" for key, said in faults(results)) == ""


def test_a_tree_in_words():
    """What is wrong is said with both trees; what is right says nothing."""
    right = {"got": "call gpt-4o", "expected": "call gpt-4o", "wrong": []}
    assert faults({("plain", "functions", "bare", "none"): right}) == []
    [(key, said)] = faults({("plain", "functions", "bare", "none"): {**right, "got": "agent a"}})
    assert "expected:\n    call gpt-4o\n  got:\n    agent a" in said
