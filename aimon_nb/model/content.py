"""Which attributes of a span hold prompts, answers and arguments, rather than facts."""

from __future__ import annotations

import re
from functools import lru_cache

# In every spelling that SDKs write.
_CONTENT = re.compile(
    r"messages?$|(\.|_)content$|\.text$|texts$|instructions$|arguments$|\.choice$|\.prompts?$"
    r"|tool\.(call\.)?(input|output|result)$|tool_calls?$|embeddings\.input|\.responses$"
    r"|^notebook\.cell\.source$|documents$|preamble$|search_(queries|results)$|citations$|definitions$|available_tools$"
    r"|function_call$|\.completion(\.|$)|argument\.|^(input|output|prompt|completion)(\.|$)|\.(input|output)\.value$",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def is_content(key: str) -> bool:
    """Return whether an attribute of this name holds a prompt, an answer or an argument."""
    return bool(_CONTENT.search(key))
