"""google-genai: functions that it calls by itself."""

from tests.matrix.clients import google_genai
from tests.matrix.heard.running import Ways
from tests.matrix.modes import in_loop

ways = Ways()
_made = []

WITH_A_TOOL = """
    chat
    tool look
    chat
"""


def with_a_tool(use):
    use.__doc__ = WITH_A_TOOL
    return ways(use)


def look(word: str) -> str:
    """Look."""
    return f"found {word}"


async def alook(word: str) -> str:
    """Look."""
    return f"found {word}"


alook.__name__ = "look"


def client(server):
    """One that outlives the call: it closes itself when it is collected."""
    _made.append(google_genai.client(server))
    return _made[-1]


def config(*tools):
    from google.genai import types

    return types.GenerateContentConfig(tools=list(tools))


@with_a_tool
def sync(server):
    client(server).models.generate_content(model="gemini-3-pro", contents="use the tool", config=config(look))


@with_a_tool
def stream(server):
    list(client(server).models.generate_content_stream(model="gemini-3-pro", contents="use the tool", config=config(look)))


@with_a_tool
def chat(server):
    client(server).chats.create(model="gemini-3-pro", config=config(look)).send_message("use the tool")


@with_a_tool
def in_an_async_client(server):
    in_loop(client(server).aio.models.generate_content(model="gemini-3-pro", contents="use the tool", config=config(look)))


@with_a_tool
def async_function(server):
    in_loop(client(server).aio.models.generate_content(model="gemini-3-pro", contents="use the tool", config=config(alook)))


@ways
def failed(server):
    """
    chat
    tool fails [error: KeyError]
    chat
    """

    def fails(word: str) -> str:
        """Look."""
        raise KeyError("no such word")

    client(server).models.generate_content(model="gemini-3-pro", contents="use the tool", config=config(fails))


@ways
def tracked(server):
    """
    chat
    tool find
    chat
    """
    from aimon_nb import ai_track

    @ai_track("find a word")
    def find(word: str) -> str:
        """Find."""
        return f"found {word}"

    client(server).models.generate_content(model="gemini-3-pro", contents="use the tool", config=config(find))
