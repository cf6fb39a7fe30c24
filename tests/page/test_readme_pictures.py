"""The README's pictures: one cell in JupyterLab as it begins, half way and ended, and one of its calls."""

import base64

import pytest
from tests.parts.page import HOME, PICTURES, ROOT, ROW

FUNCTIONS = """SUMMARISE, REPORT = "Summarise the note in one sentence, with its numbers.", "Write a report for sailors from the notes alone."
NOTES = ["The Moon raises two bulges of water, so most coasts see two high tides a day",
         "In a narrow bay the water piles up: Fundy turns 1 m at its mouth into 16 m at its head",
         "At new and full Moon the Sun pulls along, and the tides are a fifth higher"]
RULES = ["Say the height in metres", "Say the hours in local time", "Warn of the ebb in narrow places", "Name the source of each number",
         "Write for a small boat with a keel", "Leave out what the notes do not say", "Use words that a beginner knows", "End with the next spring tide"]

def told(system, user):
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]

def summarise(note):
    return client.chat.completions.create(model="gpt-4o-mini", messages=told(SUMMARISE, note)).choices[0].message.content

@ai_track("read notes")
def read(notes):
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(summarise, notes))

def write(notes):
    asked = "A narrow bay has the highest tides, for its water sways once in twelve hours, in step with the Moon: sail at high water\\n"
    asked += "".join(f"- {line}\\n" for line in notes + RULES) + "[hold after 10]"
    stream = client.chat.completions.create(model="gpt-4o", messages=told(REPORT, asked), temperature=0.3, stream=True, stream_options={"include_usage": True})
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

def check(report):
    return client.chat.completions.create(model="gpt-4o-mini", messages=told("Say what the notes do not support.", report))
"""
CELL = """%%ai_track tide report
report = write(read(NOTES))
checked = check(report)"""
FRAMES = ("just begun", "half way: the answer streams in", "ended")
LARGEST = 250_000  # bytes of a picture that each visitor loads


def joined(browser, shots, dark):
    """Pictures below each other, each with its words above it, as one."""
    ink, paper = ("#b1bac4", "#111") if dark else ("#59636e", "#fff")
    shown = "".join(
        f'<p>{words}</p><img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for words, shot in zip(FRAMES, shots, strict=True)
    )
    style = f"body{{margin:0;width:max-content;background:{paper};color:{ink};font:13px/20px sans-serif}}p{{margin:0;padding:6px 8px 2px 84px}}img{{display:block;clip-path:inset(1px)}}img~img{{margin-left:5px}}"
    page = browser.new_page()
    page.set_content(f"<style>{style}</style>{shown}")
    page.wait_for_function("() => [...document.images].every(image => image.complete)")
    picture = page.locator("body").screenshot()
    page.close()
    return picture


def test_pictures_of_a_running_cell(notebook, truth, browser):
    """One cell as it begins, with calls that run, half way, with an answer that grows, and ended, with its cost: joined as one picture, light and dark; and the call that wrote, opened. Each is small, and the README shows them with words for who does not see them."""
    page = notebook(FUNCTIONS, CELL, height=1200)
    page.run_cells(1)
    view, rows, taken = page.output(2).locator(ROOT), page.output(2).locator(ROW), {"light": [], "dark": []}

    def frame():
        for theme, shots in taken.items():
            page.theme(theme)
            whole = page.cell(2) if not shots else page.cell(2).locator(".jp-Cell-outputWrapper")
            shots.append(whole.screenshot(animations="disabled"))
        page.theme("light")

    truth.hold()
    page.run(2)
    truth.wait_held(3)
    rows.filter(has_text="summarise").nth(2).wait_for()
    assert "[*]:" == page.prompt(2)
    frame()
    truth.release()
    rows.filter(has_text="streaming").get_by_text("In short").wait_for()
    assert "[*]:" == page.prompt(2)
    frame()
    truth.release()
    page.wait_idle()
    assert "✓" in view.locator(".head").inner_text() and "5 calls" in view.locator(".head").inner_text() and "$" in view.locator(".head .cost").inner_text()
    frame()
    rows.filter(has_text="write").first.click()
    view.locator(".detail").get_by_text("for sailors").wait_for()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for theme, shots in taken.items():
        ending = "-dark" * (theme == "dark")
        (PICTURES / f"frames{ending}.png").write_bytes(joined(browser, shots, theme == "dark"))
        page.screenshot(PICTURES / f"call{ending}.png", theme=theme, cell=2)
    page.theme("light")
    sizes = {name: (PICTURES / name).stat().st_size for name in ("frames.png", "frames-dark.png", "call.png", "call-dark.png")}
    assert max(sizes.values()) <= LARGEST, sizes


@pytest.mark.parametrize("name", ["frames", "call"])
def test_the_readme_shows_them(name):
    """Near its top, light and dark, each with what it shows in words."""
    top = (HOME / "README.md").read_text()[:4000]
    assert f'srcset="docs/images/{name}-dark.png"' in top and f'src="docs/images/{name}.png" alt="' in top
    assert (HOME / "docs" / "images" / f"{name}.png").exists() and (HOME / "docs" / "images" / f"{name}-dark.png").exists()
