"""Whatever comes, nothing raises, and a count is right or unknown."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.wire import json_events
from aimon_nb.wire.json_events import EventReader
from tests.wire.answers import CASES
from tests.wire.model_requests import KINDS, heard_call, lines, plain, right_or_unknown, sse

SOME = settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))


def one_of_each(cases):
    """Each answer, of which the default run takes one for each path of each provider."""
    seen, params = set(), []
    for name, case in cases.items():
        is_further = (case.provider, case.path) in seen
        seen.add((case.provider, case.path))
        params.append(pytest.param(case, id=name, marks=[pytest.mark.matrix] * is_further))
    return pytest.mark.parametrize("case", params)


BY_NAME = one_of_each(CASES)
NOT_BINARY = {name: case for name, case in CASES.items() if case.answer[:1] not in (b"\0", b"\xff")}
JUNK = st.one_of(
    st.none(), st.booleans(), st.just(-1), st.just(1.5), st.just(10**40), st.text(max_size=3), st.just([]),
    st.just({}), st.just([[{"text": 1}]]), st.just({"index": [], "content": 3}), st.just([None, 1, "x"]),
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_fault_of_ours():
    before = internal_errors.count
    yield
    assert before == internal_errors.count


@BY_NAME
@SOME
@given(data=st.data())
def test_cut_anywhere_in_any_pieces(case, data):
    """An answer that breaks off has the counts that were final, or those so far, which are said to be that."""
    end = data.draw(st.integers(0, len(case.answer)))
    edges = sorted(data.draw(st.lists(st.integers(0, end), max_size=6)))
    pieces = [case.answer[a:b] for a, b in zip([0, *edges], [*edges, end], strict=True)]
    right_or_unknown(case.usage, heard_call(case.path, case.asked, pieces, case.host, left=True))


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.matrix)])
def test_every_cut_of_every_answer(step):
    """The same for each byte, without chance."""
    for case in CASES.values():
        for end in range(0, len(case.answer), step):
            right_or_unknown(case.usage, heard_call(case.path, case.asked, case.answer[:end], case.host))


def events_of(case):
    """The JSON of an answer, and how to put it into bytes again."""
    reader = EventReader()
    parsed = [*reader.feed(case.answer), *reader.end()]
    if case.answer[:1] not in b"{[":
        return parsed, lambda e: sse(*e)
    return parsed, (lambda e: plain(e[0])) if len(parsed) == 1 else (lambda e: lines(*e))


def spots(value, path=()):
    """Where the values of a document stand."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from spots(inner, (*path, key))


def put(document, path, value):
    if not path:
        return value
    document = copy.deepcopy(document)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return document


@one_of_each(NOT_BINARY)
@SOME
@given(data=st.data())
def test_any_value_is_junk(case, data):
    """Junk in place of one value leaves every count right or unknown, unless another now stands for it."""
    told, encode = events_of(case)
    path = data.draw(st.sampled_from([p for p in spots(told) if p]))
    junk = data.draw(JUNK)
    changed = encode(put(told, path, junk))
    call = heard_call(case.path, case.asked, changed, case.host)
    for kind in KINDS:
        value = getattr(call.usage, kind)
        assert value is None or (isinstance(value, int) and value >= 0)
    # null says: none of these; and digits are a count, also as text.
    is_count = isinstance(junk, str) and junk.isascii() and junk.isdigit()
    if path[-1] in COUNTED and junk is not None and not is_count:
        right_or_unknown(case.usage, call)


# The names whose value is a count that nothing else can stand for.
COUNTED = {
    "prompt_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens", "promptTokenCount", "outputTokens",
    "total_input_tokens", "total_output_tokens", "total_thought_tokens", "connector_tokens",
    "inputTokens", "prompt_eval_count", "eval_count", "generated_tokens", "reasoning_tokens", "input_length",
}  # fmt: skip


@BY_NAME
@SOME
@given(data=st.data())
def test_any_request(case, data):
    """A request of any shape raises nothing, and its answer is read all the same."""
    path = data.draw(st.sampled_from(list(spots(case.asked))))
    asked = put(case.asked, path, data.draw(JUNK))
    call = heard_call(case.path, asked if isinstance(asked, dict) else {}, case.answer, case.host)
    if "server tool" not in case.label:  # there the request tells what is final
        right_or_unknown(case.usage, call)
    json.dumps([call.parameters, call.tools, [m.text for m in call.input]])


@BY_NAME
@SOME
@given(noise=st.binary(max_size=60), at=st.floats(0, 1))
def test_noise(case, noise, at):
    """Bytes that are no text, anywhere."""
    place = int(len(case.answer) * at)
    heard_call(case.path, case.asked, case.answer[:place] + noise + case.answer[place:], case.host)
    heard_call(case.path, noise, noise, case.host)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_end_of_a_line(end, mark):
    """Events end their lines in three ways, and a mark may stand before the first, in any pieces."""
    told = sse({"choices": [{"index": 0, "delta": {"content": "a\r\n"}, "finish_reason": "stop"}]}, {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}})
    answer = mark + told.replace(b"\n", end)
    for size in (1, 7, len(answer)):
        call = heard_call("/v1/chat/completions", {}, [answer[i : i + size] for i in range(0, len(answer), size)])
        assert (call.usage.input, call.usage.output, call.output[0].text) == (7, 5, "a\r\n")
    assert heard_call("/v1/chat/completions", {}, mark + plain({"choices": [], "usage": {"prompt_tokens": 7}})).usage.input == 7


HOSTILE = {
    "deep lists": b"[" * 20_000,
    "deep objects": b'{"a":' * 20_000,
    "a long number": b'{"usage":' + b"9" * 10_000 + b"}",
    "zeros": b"\0" * 500,
    "no text": b"\xff" * 500,
    "a quote": b'"',
}
DEEPER = {"deeper lists": b"[" * 100_000, "deeper objects": b'{"a":' * 100_000}


@pytest.mark.parametrize(
    "body",
    [*(pytest.param(body, id=name) for name, body in HOSTILE.items()), *(pytest.param(body, id=name, marks=pytest.mark.matrix) for name, body in DEEPER.items())],
)
def test_hostile(body):
    """Nesting without end, numbers without end, no JSON at all: no usage is read, and nothing fails."""
    for path in {case.path for case in CASES.values() if not case.path.startswith(("/hf", "/?"))} - {"/"}:
        assert not heard_call(path, body, body).usage.known


def test_a_large_body_is_read_in_linear_time(monkeypatch):
    """Ten megabytes in small pieces: each character is looked at once, and each object is parsed once."""
    scanned, parsed = [], []
    marks, objects = json_events._Documents._MARKS, json_events._objects

    class Marks:
        def finditer(self, text):
            scanned.append(len(text))
            return marks.finditer(text)

    monkeypatch.setattr(json_events._Documents, "_MARKS", Marks())
    monkeypatch.setattr(json_events, "_objects", lambda text: (parsed.append(len(text)), objects(text))[1])
    body = plain({"data": [{"embedding": "x" * 5_000_000}, {"embedding": [0.5] * 700_000}], "usage": {"prompt_tokens": 3}})
    call = heard_call("/v1/embeddings", {}, [body[i : i + 4096] for i in range(0, len(body), 4096)])
    assert 3 == call.usage.input
    assert [len(body)] == parsed
    assert len(body) == sum(scanned)
