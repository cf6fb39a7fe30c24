"""The README's code blocks, as somebody who reads it top down would run them.

A block that cannot run here has `<!-- not run: why -->` on the line above it.
"""

import re
from dataclasses import dataclass

import pytest

from tests.parts.places import ROOT

README = (ROOT / "README.md").read_text("utf-8")
# A fence, with the comment that may stand above it.
FENCE = re.compile(r"(?:<!-- not run: (?P<reason>[^>]+) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
# What the README takes as there: a client, and something to ask.
BEFORE = """
import openai
client = openai.OpenAI(base_url={url!r}, api_key="none")
messages = [{{"role": "user", "content": "Why is the sky blue?"}}]
"""


@dataclass
class Block:
    language: str
    code: str
    reason: str | None


BLOCKS = [Block(found["language"], found["code"], found["reason"]) for found in FENCE.finditer(README)]
NOT_RUN = [block for block in BLOCKS if block.reason]
PYTHON = [block.code for block in BLOCKS if block.language == "python" and not block.reason]


def test_every_block_is_run_or_says_why_not():
    """Each fence of the README is a block that is run or checked here; one that is neither says why."""
    assert len(re.findall("^```", README, re.MULTILINE)) == 2 * len(BLOCKS)
    assert README.count("<!-- not run:") == len(NOT_RUN) == 2
    assert {"python", "sh"} == {block.language for block in BLOCKS}
    assert len(PYTHON) >= 5


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "sh" and not block.reason])
def test_commands_of_the_shell(block):
    """A line for a shell names a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = [line.partition("#")[0].split() for line in block.code.splitlines()]
    assert named and all(words[0] == "make" and {*words[1:]} <= targets for words in named), named


@pytest.fixture
def cells(kernel, truth):
    """What came of the README's Python, block after block."""
    kernel.cell(BEFORE.format(url=truth.url))
    return kernel.run(PYTHON)


def test_blocks_of_python(kernel, cells, truth):
    """They run in order in a fresh kernel, without an error and without a word on stdout or stderr."""
    assert [] == [(cell.source, cell.traceback) for cell in cells if cell.status != "ok"]
    assert "" == "".join(cell.text for cell in cells)
    [tracked] = [cell for cell in cells if cell.source.startswith("%%ai_track summarise")]
    [call, *of_rows] = truth.settled()
    assert len(of_rows) == 6
    assert kernel.value("rows.join(usage.set_index('item'))['calls'].tolist()") == [2, 2, 2]
    assert "gpt-4o-mini" in tracked.data()[0] and f"{call.input} → {call.output}" in tracked.data()[0]
    assert kernel.value("df[['model', 'calls', 'input_tokens']].values.tolist()") == [["gpt-4o-mini", 1, call.input]]
    assert kernel.value("str(df.set_index('model')['cost_usd'].dtype)") == "Float64"


def test_the_functions_that_they_define(kernel, cells):
    """A decorated function of the README has a row, and under it its span with the tokens it records."""
    [cell] = kernel.run(["%%ai_track use\nretrieve('why?')"])
    assert cell.status == "ok" and all(word in cell.data()[0] for word in ("retrieve", "rerank", "120 → 4")), cell.data()
