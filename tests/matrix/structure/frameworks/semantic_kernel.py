"""Semantic Kernel: chat agents and plugins."""

from tests.matrix.structure.ways import Ways, async_client, in_loop

ways = Ways("semantic_kernel")


@ways.setup("diagnostics")
def _(exported):
    """Its own switch, and a provider: with it the agent and the call speak, too."""
    import os

    os.environ["SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS"] = "true"
    from opentelemetry import trace

    trace.set_tracer_provider(exported.provider())


def agent(server):
    from semantic_kernel.agents import ChatCompletionAgent
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
    from semantic_kernel.functions import kernel_function

    class Tools:
        @kernel_function
        def look(self, word: str) -> str:
            """Look."""
            return f"found {word}"

        @kernel_function
        def broken(self, word: str) -> str:
            """Break."""
            raise ValueError(word)

    service = OpenAIChatCompletion(ai_model_id="gpt-4o", async_client=async_client(server))
    return ChatCompletionAgent(service=service, name="helper", plugins=[Tools()])


# Without its switch the agent says nothing of itself; with it the loop does, too.
LOOP = """
    step AutoFunctionInvocationLoop
      call gpt-4o
      tool Tools-look
      call gpt-4o
    """
AGENT = """
    agent helper
      step AutoFunctionInvocationLoop
        call gpt-4o
        tool Tools-look
        call gpt-4o
    """


@ways("get-response", tree=LOOP, trees={"diagnostics": AGENT})
def _(server):
    async def use():
        return str(await agent(server).get_response("[call Tools-look]"))

    return in_loop(use())


@ways("invoke-stream", tree=LOOP, trees={"diagnostics": AGENT})
def _(server):
    async def use():
        return len([part async for part in agent(server).invoke_stream("[call Tools-look]")]) > 1

    return in_loop(use())


@ways("tool-error", tree=LOOP.replace("tool Tools-look", "tool Tools-broken !error"), trees={"diagnostics": AGENT.replace("tool Tools-look", "tool Tools-broken !error")})
def _(server):
    async def use():
        return str(await agent(server).get_response("[call Tools-broken]"))

    return in_loop(use())
