"""How the page's modules are joined."""

import re

import pytest

from aimon_nb.views.live.widget import script


@pytest.fixture
def joined(tmp_path, monkeypatch):
    """Join these files: `joined({"main.js": …})`."""

    def join(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.setattr(script, "_HERE", tmp_path)
        return script.joined_script.__wrapped__()

    return join


def test_each_module_keeps_its_names(joined):
    """A module is a scope that gives out what it exports, after those that it imports from, each once."""
    said = joined({
        "main.js": "import { a, b as c } from './one.js';\nimport two from './lib/two.js';\nexport default () => a + c + two;\n",
        "one.js": "import two from './lib/two.js';\nconst n = 1;\nexport const a = n;\nexport function b() {}\nexport class C {}\n",
        "lib/two.js": "const n=2;export default function(x){return x}export{n as many};\n//# sourceMappingURL=two.js.map\n",
    })  # fmt: skip
    assert ["$two", "$one", "$main"] == re.findall(r"^const (\$\w+) = ", said, re.MULTILINE)
    assert "const { a, b: c } = $one;" in said and "const { default: two } = $two;" in said
    assert "return {a,b,C};" in said and "return {many:n,default:default_};" in said
    assert said.endswith("export default $main.default;\n") and "sourceMappingURL" not in said
    assert not re.search(r"^(import|export (?!default \$main))", said, re.MULTILINE)


def test_comments_stay_in_the_files(joined):
    """Comments, types and indents are left out of our own modules: a page has no use for them. Of a library nothing is, nor of a text."""
    lib = "/** licence */\nexport const c = 3;\n"
    ours = "// @ts-check\n/**\n * what it is\n */\nimport { c } from './lib/two.js';\n/** why */\nexport const a = '// no', b = 2; // px\n  // and why\n  /** @type {string} */ const d = 'a // b'; // d's\nconst f = (/** @type {any} */ x) => x * 2;\nexport default a;\n"
    said = joined({"main.js": ours, "lib/two.js": lib})
    assert "what it is" not in said and "why" not in said and "@ts-check" not in said
    assert "const a = '// no', b = 2;\nconst d = 'a // b'; // d's\nconst f = (x) => x * 2;\n" in said and "licence" in said


def test_a_circle_is_an_error(joined):
    """Modules that import each other have no order."""
    with pytest.raises(ImportError, match="imports itself"):
        joined({"main.js": "import { a } from './one.js';\nexport default a;\n", "one.js": "import { b } from './main.js';\nexport const a = 1;\n"})
