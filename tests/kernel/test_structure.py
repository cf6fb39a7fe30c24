"""Whoever speaks gives a cell its tree, in a real kernel: OpenTelemetry's steps, with nothing set up and with a provider."""

import pytest

SETUP = """%load_ext aimon_nb
import asyncio, openai
from opentelemetry import trace
client = openai.OpenAI(base_url={url!r}, api_key="none", max_retries=0)
aclient = openai.AsyncOpenAI(base_url={url!r}, api_key="none", max_retries=0)
tracer = trace.get_tracer("mine")
asked = {{"model": "gpt-4o", "messages": [{{"role": "user", "content": "a"}}]}}"""
PROVIDER = """from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())"""
CELL = """%%ai_track trip
with tracer.start_as_current_span("plan"):
    client.chat.completions.create(**asked)
    with tracer.start_as_current_span("look it up"):
        client.chat.completions.create(**asked)
with tracer.start_as_current_span("fan"):
    async def part(n):
        with tracer.start_as_current_span(f"part {n}"):
            await aclient.chat.completions.create(**asked)
    await asyncio.gather(part(0), part(1))"""
TREE = [(0, "plan"), (1, "chat gpt-4o"), (1, "look it up"), (2, "chat gpt-4o"), (0, "fan"), (1, "part 0"), (2, "chat gpt-4o"), (1, "part 1"), (2, "chat gpt-4o")]
SHOWN = "from aimon_nb import last_run\nshown = [(depth, span.name) for depth, span in last_run()._latest.walk()]"


@pytest.mark.parametrize("provider", [pytest.param("pass", id="nothing set up"), pytest.param(PROVIDER, marks=pytest.mark.own_kernel, id="provider")])
def test_steps_of_opentelemetry(kernel, truth, provider):
    """Steps stand over what they ask, tasks of a cell's `gather` too; the saved tree has them, and outside of runs nothing is left of it."""
    assert [cell.status for cell in kernel.run([provider, SETUP.format(url=truth.url)])] == ["ok", "ok"]
    cell = kernel.cell(CELL)
    assert cell.status == "ok" and cell.text == ""
    kernel.cell(SHOWN)
    assert kernel.value("shown") == TREE
    saved = cell.data()[-1]
    assert [saved.count(name) for name in ("plan", "look it up", "fan", "part 0", "part 1", "gpt-4o")] == [1, 1, 1, 1, 1, 4]
    kernel.cell("with tracer.start_as_current_span('after'): current = trace.get_current_span().get_span_context().is_valid")
    assert kernel.value("current") is (provider != "pass")
    assert kernel.value("last_run()._latest.faults") == 0
