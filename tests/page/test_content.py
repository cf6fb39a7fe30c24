"""What a page asks the kernel for, in JupyterLab and Notebook 7: the bytes of an image, and what crossed the wire."""

import base64
import json
import struct
import zlib

import pytest
from tests.parts.page import ROW


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0" + b"\xff\0\0" * 3 + b"\0" + b"\0\0\xff" * 3)) + chunk(b"IEND", b"")
IMAGE = base64.b64encode(PNG).decode()
CELL = f"""%%ai_track seen
told = client.chat.completions.create(model="gpt-4o-mini", tools=[dict(type="function", function=dict(name="look_up", description="DESCRIPTION", parameters={{}}))],
    messages=[dict(role="user", content=[dict(type="text", text="PROMPT with an image"), dict(type="image_url", image_url=dict(url="data:image/png;base64,{IMAGE}"))])])
"""


@pytest.fixture(params=["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def app(request):
    return request.param


def test_an_image_and_what_crossed_the_wire(notebook, app):
    """The page has an image's bytes and both bodies when it asks, after the cell and after a reload; the file has neither of them."""
    page = notebook(CELL, "%ai_show seen", app=app)
    page.run_cells(1)
    page.save()
    for index in (1, 2):
        if index == 2:
            page.reload()
            page.wait_ready()
            page.run_cells(2)
        page.open_view(index)
        page.output(index).locator(ROW, has_text="gpt-4o-mini").first.click()
        image = page.output(index).locator(".aimon .detail img").first
        image.wait_for()
        page.raw.wait_for_function("image => image.naturalWidth === 3 && image.naturalHeight === 2", arg=image.element_handle())
        page.output(index).locator("summary", has_text="as sent").click()
        page.output(index).get_by_text("/v1/chat/completions").first.wait_for()
        page.output(index).locator(".aimon .detail").get_by_text("look_up").first.wait_for()
    saved = json.dumps([cell.get("outputs") for cell in json.loads(page.save().read_text("utf-8"))["cells"]])
    assert "gpt-4o-mini" in saved
    assert IMAGE not in saved and "PROMPT" not in saved and "DESCRIPTION" not in saved
    assert [] == [error for error in page.errors if "aimon" in error.lower()]
