"""Usage that a later cell is told: the tree of the cell that asked shows it."""

SETUP = """%load_ext aimon_nb
import openai
client = openai.OpenAI(base_url={url!r}, api_key="none", max_retries=0)"""
ASK = 'answer = client.responses.create(model="gpt-4o", input="two words", background=True)'
WAIT = """while answer.status != "completed":
    answer = client.responses.retrieve(answer.id)"""


def tree_of(cell):
    return cell.data()[-1]


def test_a_later_cell_completes_the_tree_of_the_first(kernel, truth):
    """The saved tree of a cell that asked says what it waits for, and gets its tokens when a later cell is told them."""
    kernel.run([SETUP.format(url=truth.url), f"%%ai_track asks\n{ASK}"])
    first = kernel.run([f"%%ai_track asks again\n{ASK}"])[0]
    assert "usage not told yet: GET /v1/responses/…" in tree_of(first)
    second = kernel.cell(f"%%ai_track waits\n{WAIT}")
    (_, served) = truth.settled()
    tokens = f"{served.input} → {served.output}"
    kernel.read_until(lambda: tokens in tree_of(first))
    assert "usage that was told here is in run asks again, which asked for it" in tree_of(second)
    assert tokens not in tree_of(second)
    kernel.cell("usage = %ai_usage --run 'asks again'")
    assert kernel.value("int(usage['output_tokens'].sum())") == served.output
