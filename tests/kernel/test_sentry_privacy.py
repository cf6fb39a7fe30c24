"""What of a cell reaches Sentry: no source, unless its user wants it; one failing line is one issue."""

import json

import pytest

OPTIONS = [{}, {"trace_lifecycle": "stream"}]
CELL = """%%ai_track shop
# a comment that is much longer than forty characters are
question = "a secret prompt that is longer than forty characters" + " and more"
answer = len(question)
"""


def loaded(kernel, receiver, options, *more):
    init = f"sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, **{options!r})"
    kernel.run(["%load_ext aimon_nb\nimport sentry_sdk", init, *more])


def root_data(receiver):
    for event in receiver.of("transaction"):
        yield event["contexts"]["trace"].get("data") or {}
    for span in receiver.v2():
        if span["is_segment"]:
            yield span["attributes"]


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=["static", "stream"])
def test_source(kernel, receiver, options, wanted):
    """A cell's source is not sent; with `sentry_source=True` it is, without long strings and comments, and of no cell that is no Python."""
    loaded(kernel, receiver, options, f"%config AimonMagics.sentry_source = {wanted}")
    kernel.run([CELL, "%%ai_track other\n%time x = 'some magic'", "sentry_sdk.flush(5)"])
    receiver.wait("span" if options else "transaction", 1 if options else 2)
    told = json.dumps(receiver.got, ensure_ascii=False)
    assert "secret prompt" not in told and "some magic" not in told and "much longer" not in told
    sources = [data["notebook.cell.source"] for data in root_data(receiver) if "notebook.cell.source" in data]
    assert sources == (["# …\nquestion = '…'\nanswer = len(question)"] if wanted else [])
    kernel.run(["%config AimonMagics.sentry_source = False"])
