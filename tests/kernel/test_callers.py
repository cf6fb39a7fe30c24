"""Who asked, in a real kernel: the functions of a cell name its rows, live and saved."""

SETUP = """%load_ext aimon_nb
import openai
client = openai.OpenAI(base_url={url!r}, api_key="none", max_retries=0)"""
# The first cell defines what the second one runs.
FUNCTIONS = """def ask(p):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": p}])
def route(p):
    ask("which? " + p)
    return ask("answer " + p)"""
CELL = """%%ai_track tickets
for t in ("a", "b"):
    route(t)"""


def test_a_loop_over_functions_of_another_cell(kernel, truth):
    """Four calls by one helper: two lines of `route`, in the saved tree, the tables and the detail by the cell's number."""
    kernel.run([SETUP.format(url=truth.url), FUNCTIONS])
    number = kernel.value("len(In) - 1")
    cell = kernel.cell(CELL)
    tree = cell.data()[-1]
    assert tree.count("route › ask  gpt-4o-mini · line 4") == tree.count("route › ask  gpt-4o-mini · line 5") == 2
    assert "ipykernel" not in str(cell.outputs)
    kernel.cell("by = %ai_usage --by caller,status")
    assert kernel.value("by[['caller', 'status', 'calls']].values.tolist()") == [["route > ask", "ok", 4]]
    kernel.cell("spans = %ai_spans\nspans = spans[spans['op'] == 'gen_ai.chat']")
    assert kernel.value("spans[['caller', 'caller_line']].values.tolist()") == [["route > ask", 4], ["route > ask", 5]] * 2
    kernel.cell(
        "from aimon_nb import last_run\nfrom aimon_nb.views.present.detail import detail\n"
        "said = dict(detail([s for s in last_run()._latest.spans.values() if s.is_call][0])['facts'])['called from']"
    )
    assert kernel.value("said") == f"ask(), [{number}] line 2, called by route(), line 4"


def test_an_async_cell(kernel, truth):
    """Tasks of a cell that awaits: the function that made them stands over the one that asks."""
    kernel.run([SETUP.format(url=truth.url), "import asyncio\naclient = openai.AsyncOpenAI(base_url=str(client.base_url), api_key='none')"])
    cell = kernel.cell(
        "%%ai_track fan\nasync def ask():\n    await aclient.chat.completions.create(model='gpt-4o-mini', messages=[])\n"
        "async def fan(): await asyncio.gather(*(ask() for _ in range(3)))\nawait fan()\nawait ask()"
    )
    tree = cell.data()[-1]
    assert tree.count("fan › ask  gpt-4o-mini") == 3
    assert tree.count("─ ask  gpt-4o-mini") == 1
