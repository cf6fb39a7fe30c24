"""What went into a step and came out, in its record: within the caps, and said where it is not kept."""

import pytest
import sentry_sdk

from aimon_nb import ai_track, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor
from aimon_nb.views.tables import frames
from tests.parts import sdk

steps = instrumentation.steps


@pytest.fixture(autouse=True)
def clean():
    yield
    monitor.uninstall()


def tool(name, given, came=None):
    steps.end(steps.start("gen_ai.execute_tool", name, origin="auto.test", step_input=given), step_output=came)


def by_name(view):
    return {span.name: span for span in view._run.spans.values()}


def test_a_long_text_is_cut():
    """A text goes by reference, and its record holds no more of it than the cap on a span's attributes."""
    monitor.configure(max_attribute_bytes=2_000)
    with track("cell", view="none") as view:
        tool("t", "x" * 1_000_000, {"a": "y" * 10_000})
    step = by_name(view)["t"].step
    assert step.input == "x" * 960 + "… 999,040 more"
    assert 500 < len(step.output["a"]) < 1_000 and step.output["a"].endswith(" more")


def test_past_the_cap_on_spans():
    """A span without a row holds no content."""
    monitor.configure(max_spans=2)
    with track("cell", view="none") as view:
        for n in range(4):
            tool(f"t{n}", "canary")
    assert sum(span.step is not None and span.step.has_input for span in view._run.spans.values()) <= 1


def test_what_an_integration_recorded(receiver):
    """Arguments and results that an SDK put on the span of a tool are its input and output, secrets left out, and no attributes."""
    receiver.init(**({"send_default_pii": True} if sdk.HAS_TRANSACTIONS else {}))
    with track("cell", view="none") as view:
        with sdk.start_span(op="gen_ai.execute_tool", name="t") as span:
            sdk.set_data(span, "gen_ai.tool.name", "t")
            sdk.set_data(span, "gen_ai.tool.input", '{"city": "canary", "nested": [{"api_key": "secret"}]}')
            sdk.set_data(span, "gen_ai.tool.output", "canary out")
        with sdk.start_span(op="gen_ai.chat", name="c") as span:
            sdk.set_data(span, "gen_ai.request.messages", "canary prompt")
    spans = by_name(view)
    step = spans["t"].step
    assert {"city": "canary", "nested": [{"api_key": "[filtered]"}]} == step.input and "canary out" == step.output
    assert not any("canary" in str(value) for value in spans["t"].attributes.values())
    assert "canary" not in frames.spans([view._run]).to_csv() and "canary" not in str(view._run.to_dict())
    data = frames.spans([view._run], content=True).set_index("name")
    assert ("canary out", "user: canary prompt") == (data["output_text"]["t"], data["input_text"]["c"])
    # What he lets his own integrations send is his choice.
    sentry_sdk.flush(5)
    assert "canary out" in str(receiver.got)


def test_secrets_in_arguments_told_as_text():
    """Some frameworks tell arguments and results as JSON's text: secrets are left out of that too, and all other text stays as it is."""
    with track("cell", view="none") as view:
        for name, told in {"secret": '{"q": 1, "deep": [{"api_key": "secret"}]}', "plain": '{"q":1}', "none": "{not json"}.items():
            steps.end(steps.start("gen_ai.execute_tool", name, origin="auto.test", step_input=told), step_output=told)
    said = {name: (span.step.input, span.step.output) for name, span in by_name(view).items() if span.step}
    assert said == {"secret": ({"q": 1, "deep": [{"api_key": "[filtered]"}]},) * 2, "plain": ('{"q":1}',) * 2, "none": ("{not json",) * 2}


def test_it_is_there_while_the_step_runs():
    """What went in is in the record before the step has ended."""
    with track("cell", view="none") as view:
        step = steps.start("gen_ai.execute_tool", "t", origin="auto.test", step_input={"q": 1})
        monitor.recorder.drain()
        [span] = [span for span in view._run.spans.values() if span.name == "t"]
        assert ("running", {"q": 1}, False) == (span.status, span.step.input, span.step.has_output)
        steps.end(step, step_output=2)


def test_without_a_run():
    """Outside of runs nothing is looked at."""

    class Hostile:
        def __getattribute__(self, name):
            raise AssertionError(name)

    assert ai_track("f")(lambda x: 1)(Hostile()) == 1
