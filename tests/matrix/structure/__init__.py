"""Who asked: each framework in each way it runs, and the tree that its user should see.

    python -m tests.matrix --structure [--only langgraph] [--mode stream] [--setup bare] [--world none]

A framework is a file in `frameworks/`, a way is a function with its tree as text. A *setup*
is the telemetry that the user has: `bare` none, `provider` a global OpenTelemetry provider,
or the usual instrumentation by its name. A *world* is his Sentry: `none` no client,
`static` and `stream` a client of his own in that lifecycle, which sends to a local receiver.
"""
