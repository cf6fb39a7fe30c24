"""What is said of the magics and of what a run gives: each name exists, and each has a place where people look."""

import re

import pytest

from aimon_nb.notebook import header
from aimon_nb.notebook.magics import AimonMagics
from tests.parts.places import ROOT

MAGICS = {name for names in AimonMagics.magics.values() for name in names}
# Written for people, or printed: whatever is in the package is in a docstring, a message or a comment.
SAID = [
    *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("jupyter-config/**/*.*"),
    *(ROOT / "aimon_nb").rglob("*.py"), *(ROOT / "aimon_nb").rglob("*.js"),
]  # fmt: skip
NAME = re.compile(r"%%?(ai_\w+)")
README = (ROOT / "README.md").read_text("utf-8")


def test_every_magic_that_is_named_exists():
    """No docstring, message or document names a magic that is not there."""
    said = {(str(path.relative_to(ROOT)), name) for path in SAID for name in NAME.findall(path.read_text("utf-8"))}
    assert {"ai_track", "ai_usage", "ai_show"} <= {name for _, name in said}
    assert [] == sorted(one for one in said if one[1] not in MAGICS)


def test_the_readme_lists_every_magic():
    """Each magic has a row in the README's list, with what it does."""
    rows = re.findall(r"^\| `%+(ai_\w+)[^|]*\| \S", README, re.M)
    assert sorted(MAGICS) == sorted(set(rows))


@pytest.mark.parametrize("said", ["last_run()", "runs()", ".spans(", ".usage(", ".plot()", ".tree()", ".export(", "styled=True", "--content", "%%ai_track -h"])
def test_the_readme_names_what_a_run_gives(said):
    """What one would else find by tab completion alone stands in the README."""
    assert said in README


def test_auto_is_told_at_once():
    """How to track each cell without a magic on it stands in the README's first minute."""
    minute = README[README.index("## In 60 seconds"):]
    assert "%ai_auto on" in minute[:minute.index("\n## ")]


def test_the_lazy_list_has_every_magic():
    """The startup file loads the extension at the first use of any magic."""
    lazy = (ROOT / "jupyter-config/ipython/startup/50-aimon_nb.py").read_text("utf-8")
    assert MAGICS == set(re.findall(r'"(ai_\w+)"', lazy))


def test_question_mark_shows_the_whole_help():
    """`?` behind a magic shows what `-h` prints: what it does, an example and all options."""
    assert header.help_text() == AimonMagics.ai_track.__doc__
    for name in MAGICS - {"ai_track"}:
        magic = getattr(AimonMagics, name)
        assert header.help_text(header.parser_of(magic), "%") == magic.__doc__


def test_what_full_keeps_is_said_before():
    """The help of `--save` says what `full` puts into the file."""
    said = " ".join(header.help_text().split())
    for word in ("prompts", "answers", "arguments", "results"):
        assert word in said[said.index("--save"):]

