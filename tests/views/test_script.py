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
    assert "return { a: a, b: b, C: C };" in said and "return { many: n, default: default_ };" in said
    assert said.endswith("export default $main.default;\n") and "sourceMappingURL" not in said
    assert not re.search(r"^(import|export (?!default \$main))", said, re.MULTILINE)


def test_comments_stay_behind(joined):
    """A comment that has lines to itself is not sent; what stands behind one, or in a text, is, and so is a library as it was published."""
    ours = "// @ts-check\n/**\n * One.\n * @param {number} n\n */\nconst f = (n) => n; // two\n  /** @type {string} */ const t = 'http://x /** y */';\n  // three\nexport default [f, t];\n"
    said = joined({"main.js": f"import {{ a }} from './lib/one.js';\n{ours}", "lib/one.js": "/** MIT */\nexport const a = 1;\n"})
    assert "(n) => n; // two\n  /** @type {string} */ const t = 'http://x /** y */';\nconst default_ = [f, t];" in said
    assert "/** MIT */" in said and not [word for word in ("@ts-check", "One.", "@param", "three") if word in said]


def test_a_circle_is_an_error(joined):
    """Modules that import each other have no order."""
    with pytest.raises(ImportError, match="imports itself"):
        joined({"main.js": "import { a } from './one.js';\nexport default a;\n", "one.js": "import { b } from './main.js';\nexport const a = 1;\n"})
