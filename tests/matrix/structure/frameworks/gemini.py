"""google-genai: functions that its client calls by itself."""

import asyncio

from tests.matrix.structure.ways import Ways, in_loop

ways = Ways("structure")


def client(server):
    from google import genai

    return genai.Client(api_key="none", http_options={"base_url": server.root})


def look(word: str) -> str:
    """Look."""
    return f"found {word}"


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def with_tools(*tools):
    from google.genai import types

    return types.GenerateContentConfig(tools=list(tools))


LOOKED = """
    call gemini-2.5-flash
    tool look
    call gemini-2.5-flash
    """


@ways("automatic", tree=LOOKED)
def _(server):
    made = client(server)
    return made.models.generate_content(model="gemini-2.5-flash", contents="[call look]", config=with_tools(look)).text


@ways("automatic-async", tree=LOOKED)
def _(server):
    made = client(server)
    return in_loop(made.aio.models.generate_content(model="gemini-2.5-flash", contents="[call look]", config=with_tools(look))).text


@ways("automatic-chat", tree=LOOKED.rstrip() + "\n    call gemini-2.5-flash\n")
def _(server):
    made = client(server)
    chat = made.chats.create(model="gemini-2.5-flash", config=with_tools(look))
    return chat.send_message("[call look]").text, chat.send_message("and now").text


@ways("automatic-parallel", unordered=True, tree="""
    call gemini-2.5-flash
    tool look
    tool add
    call gemini-2.5-flash
    """)
def _(server):
    made = client(server)
    return made.models.generate_content(model="gemini-2.5-flash", contents="[call look, add]", config=with_tools(look, add)).text


@ways("automatic-error", tree="""
    call gemini-2.5-flash
    tool broken !error
    call gemini-2.5-flash
    """)
def _(server):
    def broken(word: str) -> str:
        """Break."""
        raise ValueError(word)

    made = client(server)
    return made.models.generate_content(model="gemini-2.5-flash", contents="[call broken]", config=with_tools(broken)).text


@ways("automatic-gather", unordered=True, tree="""
    call gemini-2.5-flash
    tool look
    call gemini-2.5-flash
    call gemini-2.5-flash
    tool look
    call gemini-2.5-flash
    """)
def _(server):
    async def use():
        made = client(server)
        asks = (made.aio.models.generate_content(model="gemini-2.5-flash", contents="[call look]", config=with_tools(look)) for _ in range(2))
        return [answer.text for answer in await asyncio.gather(*asks)]

    return in_loop(use())
