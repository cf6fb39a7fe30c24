"""The OpenAI client with OpenInference's instrumentation, below steps of the user's own."""

from tests.matrix.structure.ways import Ways, asked, async_client, in_loop, openai_client

ways = Ways("structure", provider=False)
del ways.setups["bare"]


@ways.setup("openinference")
def _(exported):
    from openinference.instrumentation.openai import OpenAIInstrumentor
    from opentelemetry import trace

    trace.set_tracer_provider(exported.provider())
    OpenAIInstrumentor().instrument()


@ways("own-steps", tree="""
    step plan
      call gpt-4o
      step look
        call gpt-4o
    """)
def _(server):
    from opentelemetry import trace

    client, t = openai_client(server), trace.get_tracer("mine")
    with t.start_as_current_span("plan"):
        asked(client, "one")
        with t.start_as_current_span("look"):
            return asked(client, "two").choices[0].message.content


@ways("kinds", tree="""
    agent helper
      call gpt-4o
      tool look
      retrieval papers
    """)
def _(server):
    from openinference.instrumentation import OITracer, TraceConfig
    from opentelemetry import trace

    t = OITracer(trace.get_tracer("mine"), TraceConfig())
    with t.start_as_current_span("helper", openinference_span_kind="agent"):
        said = asked(openai_client(server), "one")
        with t.start_as_current_span("look", openinference_span_kind="tool"):
            pass
        with t.start_as_current_span("papers", openinference_span_kind="retriever"):
            pass
    return said.choices[0].message.content


@ways("stream", tree="call gpt-4o")
def _(server):
    return len(list(asked(openai_client(server), "one", stream=True, stream_options={"include_usage": True}))) > 2


@ways("async", tree="call gpt-4o")
def _(server):
    return in_loop(asked(async_client(server), "one")).choices[0].message.content


@ways("error", raises=True, tree="call gpt-4o !error")
def _(server):
    return asked(openai_client(server), "[status 400]")
