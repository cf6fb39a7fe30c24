"""For tests and offline notebooks: a model server whose answers and counts are known.

```python
from aimon_nb.testing import truth_server

with truth_server() as server:
    client = openai.OpenAI(base_url=server.url, api_key="none")
    ...
    assert sum(call.output for call in server.calls) == ...
```

Standard library only, on 127.0.0.1 only.
"""

from aimon_nb.testing.counting import Tokens, words
from aimon_nb.testing.server import Served, TruthServer, truth_server

__all__ = ["Served", "Tokens", "TruthServer", "truth_server", "words"]
