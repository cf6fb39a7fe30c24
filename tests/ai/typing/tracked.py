"""What a type checker sees of a decorated function; read by mypy, never run."""

import functools
from collections.abc import AsyncIterator, Iterator

from typing_extensions import assert_type

from aimon_nb import RunView, ai_track, get_ai_pipeline_name, record_token_usage, track


@ai_track("f", op="ai.x", sentry_tags={"a": "b"})
def function(a: int, *, b: str = "") -> float:
    return a


assert_type(function(1, b="x"), float)
function("1")  # type: ignore[arg-type]
function(1, c=2)  # type: ignore[call-arg]


@ai_track("c")
async def coroutine(a: int) -> str:
    return str(a)




async def awaits() -> None:
    assert_type(await coroutine(1), str)
    async for item in async_generator(2):
        assert_type(item, bytes)
    async with track("x") as run:
        assert_type(run, RunView)


@ai_track("g")
def generator(n: int) -> Iterator[int]:
    yield n


assert_type(generator(1), Iterator[int])


@ai_track("ag")
async def async_generator(n: int) -> AsyncIterator[bytes]:
    yield b""


class Thing:
    @ai_track("m")
    def method(self, a: int) -> str:
        return ""

    @ai_track("s")
    @staticmethod
    def outer_static(a: int) -> str:
        return ""

    @staticmethod
    @ai_track("s")
    def inner_static(a: int) -> str:
        return ""

    @ai_track("c")
    @classmethod
    def outer_class(cls, a: int) -> str:
        return ""

    @classmethod
    @ai_track("c")
    def inner_class(cls, a: int) -> str:
        return ""

    def __call__(self, a: int) -> bytes:
        return b""


assert_type(Thing().method(1), str)
Thing().method("1")  # type: ignore[arg-type]
assert_type(Thing.outer_static(1), str)
assert_type(Thing().outer_static(1), str)
assert_type(Thing.inner_static(1), str)
assert_type(Thing.outer_class(1), str)
assert_type(Thing.inner_class(1), str)
assert_type(ai_track("o")(Thing())(1), bytes)
assert_type(ai_track("p")(functools.partial(function, 1))(), float)
ai_track("n")(3)  # type: ignore[call-overload]
assert_type(get_ai_pipeline_name(), str | None)
record_token_usage(None, 1, 2, 3, 4, 5, input_tokens_cache_write=6)
record_token_usage(None, 1, 2, 3, 4, 5, 6)  # type: ignore[call-arg]
with track("x", op="y", view="none") as view:
    assert_type(view, RunView)
track("x", view="loud")  # type: ignore[arg-type]
