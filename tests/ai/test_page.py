"""Every example of the documented page, verbatim but for the import, and what its sentences promise."""

import asyncio
import re
import types
from pathlib import Path
from unittest import mock

import pytest
import sentry_sdk

import aimon_nb
from tests.parts import sdk

PAGE = (Path(__file__).parent / "page.md").read_text("utf-8")
BLOCKS = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.S) if not block.startswith("def ")]
if not sdk.HAS_TRANSACTIONS:  # whose start_span takes no `op`, and whose spans have no `set_data`
    BLOCKS = [re.sub(r'op="([\w.]+)", name=("[\w-]+")', r'name=\2, attributes={"sentry.op": "\1"}', block).replace("span.set_data(", "span.set_attribute(") for block in BLOCKS]
EXAMPLES = [block.replace("from sentry_sdk.ai import", "from aimon_nb import") for block in BLOCKS]
PIPELINE = "gen_ai.pipeline.name"


class ModelTimeoutError(Exception):
    pass


def timeout(_):
    raise ModelTimeoutError("too slow")


def world(place):
    """The names that the page's examples take for granted."""
    usage = types.SimpleNamespace(prompt_tokens=8, completion_tokens=4, total_tokens=12)
    response = types.SimpleNamespace(usage=usage)

    def step(name):
        def function(*_):
            with place.span(name):
                return name

        return function

    return {
        "sentry_sdk": sentry_sdk,
        "ai_track": aimon_nb.ai_track,
        "llm_call": step("llm"),
        "results": ["r"],
        "process_message": step("message"),
        "user_input": "hi",
        "openai_client": mock.MagicMock(**{"chat.completions.create.return_value": response}),
        "vector_db": mock.MagicMock(**{"similarity_search.return_value": ["d1", "d2"]}),
        "llm": mock.MagicMock(**{"generate.return_value": response}),
        "query": "q",
        "extract_text": step("extract"),
        "summarize_content": step("summarize"),
        "analyze_sentiment": step("sentiment"),
        "uploaded_files": ["f1", "f2"],
        "model": types.SimpleNamespace(predict=timeout),
        "ModelTimeoutError": ModelTimeoutError,
    }


def play(place, number):
    names = world(place)
    with pytest.MonkeyPatch.context() as patch:
        if place.stream:  # the page's examples use the static API
            patch.setattr("warnings.warn", lambda *a, **k: None)
        exec(compile(EXAMPLES[number], f"page example {number}", "exec"), names)
    return names


def test_the_page_has_these_examples():
    """No example of the page is forgotten."""
    assert 6 == len(EXAMPLES)


def test_tracking(place):
    """Example 1: functions and coroutines, with tags, data and an op of their own."""
    names = play(place, 0)
    assert "llm" == names["process_user_query"]("q", "c")
    assert ["r"] == asyncio.run(names["analyze_document"](1))
    assert ["r"] == asyncio.run(names["analyze_document"](2))
    if place.sends:
        spans = place.all()
        ops = sorted((span["op"], span["name"]) for span in spans if span["name"] != "llm")
        assert [("ai.analysis", "document-analysis")] * 2 + [("ai.pipeline", "user-query-processing")] == ops
        named = {span["name"]: span["data"] for span in spans}
        assert "v2.1" == named["document-analysis"]["version"]
        assert "user-query-processing" == named["llm"][PIPELINE]


def test_pipeline_names(place, capsys):
    """Example 2: a pipeline named by hand; operations are tagged with it."""
    with place.root():
        play(place, 1)
    assert "Running in pipeline: customer-support-bot\n" == capsys.readouterr().out
    if place.sends:
        assert "customer-support-bot" == place.spans()["message"]["data"][PIPELINE]


def test_token_usage(place, run):
    """Example 3: token usage on a span made by hand."""
    play(place, 2)
    usage = run.spans()["openai-completion"].usage
    assert (8, 4, 12) == (usage.input, usage.output, usage.total)


def test_token_usage_at_sentry(place):
    """Example 3 inside a transaction, as Sentry gets it."""
    with place.root():
        play(place, 2)
    if place.sends and not place.stream:
        data = place.spans()["openai-completion"]["data"]
        assert [8, 4, 12] == [data[f"gen_ai.usage.{name}_tokens"] for name in ("input", "output", "total")]


def test_manual_pipeline(place, run):
    """Example 4: a pipeline by hand with two steps."""
    play(place, 3)
    shown = run.spans()
    assert {"rag-document-qa"} == {shown[name].pipeline for name in ("vector-search", "answer-generation")}
    assert 2 == shown["vector-search"].attributes["documents_found"]
    assert (8, 4, 12) == (shown["answer-generation"].usage.input, shown["answer-generation"].usage.output, shown["answer-generation"].usage.total)


def test_manual_pipeline_at_sentry(place):
    """Example 4 inside a transaction, as Sentry gets it."""
    with place.root():
        play(place, 3)
    if place.sends and not place.stream:
        spans = place.spans()
        assert ("ai.retrieval", "rag-document-qa", 2) == (
            spans["vector-search"]["op"], spans["vector-search"]["data"][PIPELINE], spans["vector-search"]["data"]["documents_found"])  # fmt: skip
        assert 12 == spans["answer-generation"]["data"]["gen_ai.usage.total_tokens"]


def test_automatic_pipeline(place):
    """Example 5: each operation is tracked under the pipeline, which the call creates and takes away."""
    names = play(place, 4)
    assert [{"summary": "summarize", "insights": "sentiment"}] * 2 == names["processed"]
    assert aimon_nb.get_ai_pipeline_name() is None
    if place.sends:
        spans = place.all()
        assert 7 == len(spans)
        assert {"intelligent-document-processor"} == {span["data"][PIPELINE] for span in spans}


def test_errors(place):
    """Example 6: the exception is captured with pipeline name and operation, and raised."""
    with pytest.raises(ModelTimeoutError, match="too slow"):
        play(place, 5)["run_inference"]("x")
    for event in place.errors():
        told = {k: v for k, v in event["contexts"]["ai"].items() if k != "type"}
        assert {"pipeline": "model-inference", "op": "ai.pipeline", "operation": "model-inference"} == told
    assert (1 if place.client else 0) == len(place.errors())


def test_every_name_of_the_page_is_there():
    """Every function and constant that the page names can be imported from aimon_nb."""
    signatures = "".join(re.findall(r"```python\n(def .*?)```", PAGE, re.S))
    names = re.findall(r"^def (\w+)", signatures, re.M)
    assert 5 == len(names)
    for name in names:
        assert callable(getattr(aimon_nb, name))
        assert name in aimon_nb.__all__
    for name in re.findall(r"`(GEN_AI_\w+)`", PAGE):
        assert getattr(aimon_nb.SPANDATA, name).startswith("gen_ai.")
