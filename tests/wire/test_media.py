"""Images, sounds and files in messages: read in every API's form, told as text, and sent to a page that asks."""

import base64
import io
import json
import wave

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import recorder
from aimon_nb.capture.content_store import ContentStore
from aimon_nb.model import Message, Span
from aimon_nb.model.call import Media
from aimon_nb.model.kept import Kept
from aimon_nb.model.plain_form import to_dict
from aimon_nb.views.live.widget.answers import answer
from aimon_nb.views.present import media_view
from aimon_nb.views.present.detail import detail
from tests.wire.model_requests import heard_call, plain, sse

PNG = b"\x89PNG" + bytes(range(256)) * 5
WAV, PDF, SVG = b"RIFF....WAVE" + b"x" * 500, b"%PDF-1.7" + b"x" * 50, b"<svg onload='alert(1)'/>"


def b64(data):
    return base64.b64encode(data).decode()


def url(data, mime="image/png"):
    return f"data:{mime};base64,{b64(data)}"


CHAT, RESPONSES, ANTHROPIC = "/v1/chat/completions", "/v1/responses", "/v1/messages"
GEMINI, CONVERSE, INVOKE = "/v1beta/models/m:generateContent", "/model/m/converse", "/model/m/invoke"


def chat(*parts):
    return {"model": "m", "messages": [{"role": "user", "content": list(parts)}]}


def responses(*parts):
    return {"model": "m", "input": [{"role": "user", "content": list(parts)}]}


def gemini(*parts):
    return {"contents": [{"role": "user", "parts": list(parts)}]}


# path, request, the message's text, and of each (kind, type, name, detail, bytes).
SENT = {
    "openai image": (CHAT, chat({"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": url(PNG), "detail": "low"}}),
                     "see\n[image png, 1.3 kB]", [("image", "image/png", "", "low", PNG)]),
    "openai sound": (CHAT, chat({"type": "input_audio", "input_audio": {"data": b64(WAV), "format": "wav"}}), "[audio wav, 512 bytes]", [("audio", "audio/wav", "", "", WAV)]),
    "openai file": (CHAT, chat({"type": "file", "file": {"filename": "a.pdf", "file_data": url(PDF, "application/pdf")}}), "[file a.pdf, 58 bytes]",
                    [("file", "application/pdf", "a.pdf", "", PDF)]),
    "openai file by id": (CHAT, chat({"type": "file", "file": {"file_id": "file-1"}}), "[file file-1]", []),
    "a url": (CHAT, chat({"type": "image_url", "image_url": {"url": "https://x.test/a.png?s=1"}}), "[image https://x.test/a.png?s=1]", []),
    "cohere": ("/v2/chat", chat({"type": "image_url", "image_url": {"url": url(PNG)}}), "[image png, 1.3 kB]", [("image", "image/png", "", "", PNG)]),
    "responses": (RESPONSES, responses({"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": url(PNG, "image/jpeg"), "detail": "high"},
                                       {"type": "input_file", "filename": "b.pdf", "file_data": url(PDF, "application/pdf")}, {"type": "input_image", "file_id": "file-2"}),
                  "a\n[image jpeg, 1.3 kB]\n[file b.pdf, 58 bytes]\n[image file-2]",
                  [("image", "image/jpeg", "", "high", PNG), ("file", "application/pdf", "b.pdf", "", PDF)]),
    "responses, a screenshot": (RESPONSES, {"model": "m", "input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": url(PNG)}}]},
                                "[image png, 1.3 kB]", [("image", "image/png", "", "", PNG)]),
    "anthropic": (ANTHROPIC, chat({"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": b64(PNG)}},
                                  {"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": b64(PDF)}},
                                  {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}},
                                  {"type": "image", "source": {"type": "url", "url": "https://x.test/b"}}),
                  "[image webp, 1.3 kB]\n[file T, 58 bytes]\nplain\n[image https://x.test/b]",
                  [("image", "image/webp", "", "", PNG), ("file", "application/pdf", "T", "", PDF)]),
    "anthropic, of a tool": (ANTHROPIC, chat({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)}}]}),
                             "r\n[image png, 1.3 kB]", [("image", "image/png", "", "", PNG)]),
    "gemini": (GEMINI, gemini({"text": "a"}, {"inlineData": {"mimeType": "audio/mp3", "data": b64(WAV)}}, {"inline_data": {"mime_type": "image/png", "data": base64.urlsafe_b64encode(PNG).decode()}},
                              {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/c"}}),
               "a\n[audio mp3, 512 bytes]\n[image png, 1.3 kB]\n[file gs://b/c]", [("audio", "audio/mp3", "", "", WAV), ("image", "image/png", "", "", PNG)]),
    "converse": (CONVERSE, {"messages": [{"role": "user", "content": [{"text": "a"}, {"image": {"format": "png", "source": {"bytes": b64(PNG)}}},
                                          {"document": {"format": "pdf", "name": "n", "source": {"bytes": b64(PDF)}}}, {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://x"}}}},
                                          {"toolResult": {"content": [{"json": {"a": 1}}, {"image": {"format": "gif", "source": {"bytes": b64(PNG)}}}]}}]}]},
                 'a\n[image png, 1.3 kB]\n[file n, 58 bytes]\n[image s3://x]\n{"a": 1}\n[image gif, 1.3 kB]',
                 [("image", "image/png", "", "", PNG), ("file", "application/pdf", "n", "", PDF), ("image", "image/gif", "", "", PNG)]),
    "invoke, anthropic": (INVOKE, {"anthropic_version": "b", **chat({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)}})},
                          "[image png, 1.3 kB]", [("image", "image/png", "", "", PNG)]),
    "mistral": ("/v1/conversations", {"model": "m", "inputs": [{"role": "user", "content": [{"type": "image_url", "image_url": url(PNG)}, {"type": "input_audio", "input_audio": b64(WAV)},
                                                                                        {"type": "document_url", "document_url": "https://x.test/c", "document_name": "d"}]}]},
                "[image png, 1.3 kB]\n[audio wav, 512 bytes]\n[file https://x.test/c]", [("image", "image/png", "", "", PNG), ("audio", "audio/wav", "", "", WAV)]),
    "ollama": ("/api/chat", {"model": "m", "messages": [{"role": "user", "content": "a", "images": [b64(PNG)]}]}, "a", [("image", "image/png", "", "", PNG)]),
    "interactions": ("/v1beta/interactions", {"model": "m", "input": [{"type": "text", "text": "a"}, {"type": "image", "mime_type": "image/png", "data": b64(PNG)}]},
                     "a\n[image png, 1.3 kB]", [("image", "image/png", "", "", PNG)]),
    "an svg": (CHAT, chat({"type": "image_url", "image_url": {"url": "data:image/svg+xml;utf8,%3Csvg onload='alert(1)'/>"}}), "[file svg, 24 bytes]", [("file", "image/svg+xml", "", "", SVG)]),
    "of no type": (CHAT, chat({"type": "image_url", "image_url": {"url": "data:;base64," + b64(WAV)}}), "[audio wav, 512 bytes]", [("audio", "audio/wav", "", "", WAV)]),
    "a hostile type": (CHAT, chat({"type": "image_url", "image_url": {"url": f"data:<script>;base64,{b64(b'x')}"}}), "[file octet-stream, 1 byte]", [("file", "application/octet-stream", "", "", b"x")]),
    "no base64": (CHAT, chat({"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}}, {"type": "input_audio", "input_audio": 3}), "[image_url]\n[input_audio]", []),
}  # fmt: skip


def shown(media):
    return [(one.kind, one.type, one.name, one.detail, one.data.data() if isinstance(one.data, Kept) else one.data) for one in media]


@pytest.mark.parametrize(("path", "body", "text", "media"), SENT.values(), ids=SENT)
def test_what_is_sent(path, body, text, media):
    """Each API's images, sounds and files are read with their type, name and size, and stand in the text in brackets; a URL is text."""
    [turn] = heard_call(path, body).input
    assert (text, media) == (turn.text, shown(turn.media))
    assert [one.size for one in turn.media] == [len(one[-1]) for one in media]


ANSWERED = {
    "gemini": (GEMINI, {}, plain({"candidates": [{"content": {"parts": [{"text": "see"}, {"inlineData": {"mimeType": "image/png", "data": b64(PNG)}}]}}]}), "see\n[image png, 1.3 kB]"),
    "images": ("/v1/images/generations", {"model": "m", "prompt": "cat"}, plain({"data": [{"b64_json": b64(PNG)}]}), "[image png, 1.3 kB]"),
    "images, stream": ("/v1/images/generations", {"model": "m", "prompt": "cat"}, sse({"type": "image_generation.completed", "b64_json": b64(PNG)}), "[image png, 1.3 kB]"),
    "responses": (RESPONSES, {"model": "m", "input": "cat"}, plain({"object": "response", "status": "completed", "output": [{"type": "image_generation_call", "result": b64(PNG)}]}), "[image png, 1.3 kB]"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "body", "said", "text"), ANSWERED.values(), ids=ANSWERED)
def test_what_is_answered(path, body, said, text):
    """An image that a model made is in its answer."""
    [turn] = heard_call(path, body, said).output
    assert (text, [("image", "image/png", "", "", PNG)]) == (turn.text, shown(turn.media))


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_is_sound(status):
    """Speech is an answer as a whole: of its type and size, unless it failed."""
    call = heard_call("/v1/audio/speech", {"model": "m", "input": "hi"}, [WAV[:100], WAV[100:]], status=status, headers={"content-type": "audio/wav"})
    assert (call.output == []) == (status != 200)
    for turn in call.output:
        assert ("[audio wav, 512 bytes]", [("audio", "audio/wav", "", "", WAV)]) == (turn.text, shown(turn.media))


SAMPLES = bytes(range(256)) * 12
SPEAKS = {"model": "gpt-audio", "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}, "messages": [], "stream": True}


def spoken(*pieces, finish="stop"):
    """The events of an answer that is spoken: its transcript and its sound come by turns."""
    deltas = [{"role": "assistant", "content": None}, {"audio": {"id": "audio_1", "transcript": "High "}}]
    deltas += [{"audio": {"data": piece}} for piece in pieces]
    events = [{"choices": [{"index": 0, "delta": delta}]} for delta in (*deltas, {"audio": {"transcript": "tide."}}, {"audio": {"expires_at": 1}})]
    if finish:
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return sse(*events, {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 40}})


WHOLE = b64(SAMPLES)
PIECES = {
    "each of its own": [b64(SAMPLES[at : at + 100]) for at in range(0, len(SAMPLES), 100)],
    "cut anywhere": [WHOLE[at : at + 37] for at in range(0, len(WHOLE), 37)],
    "one": [WHOLE],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_an_answer_that_is_spoken_in_a_stream(pieces):
    """The pieces of sound of a streamed answer are one, below its transcript, however they were cut; for a page they are a sound that it can play."""
    call = heard_call(CHAT, SPEAKS, spoken(*pieces))
    [turn] = call.output
    assert ("High tide.\n[audio pcm16, 3.1 kB]", [("audio", "audio/pcm16", "", "", SAMPLES)]) == (turn.text, shown(turn.media))
    got = media_view.media_bytes(Span("s", None, "r", None, 0.0, call=call), "0.0")
    with wave.open(io.BytesIO(got.data)) as played:
        assert ("audio/wav", (1, 2, 24_000), SAMPLES) == (got.type, played.getparams()[:3], played.readframes(-1))


def test_an_answer_that_is_spoken():
    """So is a spoken answer that came as a whole, of the form that was asked for; and speech of its own as events."""
    message = {"role": "assistant", "content": None, "audio": {"id": "a", "data": b64(WAV), "transcript": "High tide."}}
    [turn] = heard_call(CHAT, {**SPEAKS, "stream": False, "audio": {"voice": "x", "format": "wav"}}, plain({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})).output
    assert ("High tide.\n[audio wav, 512 bytes]", [("audio", "audio/wav", "", "", WAV)]) == (turn.text, shown(turn.media))
    events = [{"type": "speech.audio.delta", "audio": b64(WAV[at : at + 99])} for at in range(0, len(WAV), 99)]
    [turn] = heard_call("/v1/audio/speech", {"model": "m", "input": "hi", "stream_format": "sse", "response_format": "wav"}, sse(*events, {"type": "speech.audio.done"})).output
    assert ("[audio wav, 512 bytes]", [("audio", "audio/wav", "", "", WAV)]) == (turn.text, shown(turn.media))


@pytest.mark.parametrize("pieces", [["%%%%"], [WHOLE, "%%%%"], ["\ud800"], [3, None, {}], [""]], ids=str)
def test_sound_that_is_none(pieces):
    """Of pieces that are no base64 there is the transcript, and no sound; nothing fails."""
    [turn] = heard_call(CHAT, SPEAKS, spoken(*pieces)).output
    assert ("High tide.", []) == (turn.text, turn.media)


@pytest.fixture
def asked(truth):
    """Returns run and call of a request with an image, a sound, a drawing and a file."""
    import openai

    parts = [{"type": "image_url", "image_url": {"url": url(one, mime)}} for one, mime in ((PNG, "image/png"), (WAV, "audio/wav"), (SVG, "image/svg+xml"))]
    tracked = monitor.open("media", "none")
    with openai.OpenAI(base_url=truth.url, api_key="key") as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": [{"type": "text", "text": "see"}, *parts]}])
    tracked.end(None)
    recorder.content.work(recorder.registry, recorder.limits)
    yield tracked.run, next(span for span in tracked.run.spans.values() if span.call is not None)
    monitor.uninstall()
    recorder.restart()


def test_a_page_asks(asked):
    """The details name what is there; the page gets the bytes of what it asks for, beside the message, and of a drawing its source alone."""
    run, span = asked
    [turn] = [turn for turn in detail(span)["messages"] if turn["side"] == "in"]
    assert [("0.0", "image", 1284), ("0.1", "audio", 512), ("0.2", "file", 24)] == [(one["id"], one["kind"], one["size"]) for one in turn["media"]]
    assert b64(PNG) not in json.dumps(detail(span))
    got = [answer(run, {"k": "media", "id": span.span_id, "media": name}) for name in ("0.0", "0.1", "0.2", "0.3", "9.0", "x", "-1.0")]
    assert [[PNG], [WAV], [], [], [], [], []] == [one.buffers for one in got]
    assert ["image/png", "audio/wav", "image/svg+xml", ""] == [one.message["type"] for one in got[:4]]
    assert [None, None, SVG.decode()] == [one.message["text"] for one in got[:3]]
    assert ["", "", ""] == [one.message["missing"] for one in got[:3]] and all(one.message["missing"] for one in got[3:])


def test_it_is_in_memory_once(asked):
    """A message and the request that crossed the wire share the bytes; packed or not, the request is as it was."""
    run, span = asked
    raw = answer(run, {"k": "raw", "id": span.span_id}).message["raw"]
    assert url(PNG) == json.loads(raw["body"])["messages"][0]["content"][1]["image_url"]["url"]
    pieces = span.call.exchange.body._pieces
    assert span.call.input[0].media[0].data in [getattr(one, "kept", None) for one in pieces]


def test_no_bytes_are_stored(asked):
    """Neither a plain form nor a saved view has the bytes; what is read back says that they are not kept."""
    run, span = asked
    told = json.dumps(to_dict(span, content=True))
    assert b64(PNG)[:40] not in told and "image/png" in told
    back = Span.from_dict(json.loads(told))
    assert "its bytes are not kept" == media_view.media_bytes(back, "0.0").missing == detail(back)["messages"][0]["media"][0]["missing"]


def test_what_is_too_large_for_a_page(monkeypatch):
    """Of what is over 10 MB the page gets no bytes, and says so."""
    monkeypatch.setattr(media_view, "MOST", 100)
    call = heard_call(*SENT["openai image"][:2])
    span = Span("s", None, "r", None, 0.0, call=call)
    assert "over 10 MB: it is not shown here" == media_view.media_bytes(span, "0.0").missing == detail_of(span)["missing"]


def detail_of(span):
    return media_view.media_items(span.call.input[0].media, 0)[0]


def test_equal_images_are_kept_once():
    """An image that each call of a conversation sends again takes its bytes once."""
    store = ContentStore()
    kept = [store.keep(bytes(PNG)) for _ in range(5)]
    assert len(set(kept)) == 1 and store.size <= len(PNG)


def test_media_is_plain_data():
    """A message with media compares, and reads as ever."""
    one = Media("image", "image/png", 3, data=b"abc")
    assert Message("user", "x", [], [one]) == Message("user", "x", [], [Media("image", "image/png", 3, data=b"abc")])
