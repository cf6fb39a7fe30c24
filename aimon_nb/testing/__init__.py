"""For tests and offline notebooks: a model server with known counts, and a Sentry of one's own.

```python
from aimon_nb.testing import truth_server

with truth_server() as server:
    client = openai.OpenAI(base_url=server.url, api_key="none")
    ...
    assert sum(call.output for call in server.calls) == ...
```

`sentry_receiver()` stands in for Sentry: `.dsn` is its address, `.tree()`, `.spans()` and
`.errors()` are what has arrived.

Standard library only, on 127.0.0.1 only.
"""

from aimon_nb.testing.counting import Tokens, words
from aimon_nb.testing.sentry_receiver import ReceivedSpan, SentryReceiver, sentry_receiver
from aimon_nb.testing.server import Served, TruthServer, truth_server

__all__ = [
    "ReceivedSpan",
    "SentryReceiver",
    "Served",
    "Tokens",
    "TruthServer",
    "sentry_receiver",
    "truth_server",
    "words",
]
