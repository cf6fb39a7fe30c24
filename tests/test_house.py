"""The house: who imports whom, how long a file is, what importing costs, what the wheel holds."""

import ast
import functools
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec

import pytest

from tests.parts.places import ROOT

PACKAGE = ROOT / "aimon_nb"
MODULES = sorted(PACKAGE.rglob("*.py"))
ALL = {"model", "pricing", "capture", "sentry", "frameworks", "otel", "wire", "ai", "views", "app", "notebook", "testing"}

# docs/ARCHITECTURE.md's arrows: a room and the rooms it may import.
ARROWS = {
    "providers": set(),
    "files": set(),
    "model": set(),
    "pricing": {"model"},
    "capture": {"pricing", "model"},
    "sentry": {"capture", "model"},
    "wire": {"sentry", "capture", "model"},
    "otel": {"sentry", "capture", "model"},
    "frameworks": {"sentry", "capture", "model"},
    "ai": {"frameworks", "otel", "wire", "sentry", "capture", "model"},
    "views": {"pricing", "model"},
    "app": {"ai", "wire", "sentry", "views", "capture", "pricing", "model"},
    "testing": {"app", "capture", "wire", "model"},
    "notebook": ALL,
    "versions": {"ai", "wire", "views", "model"},
    "__main__": ALL | {"versions"},
}
# Inside of `views`: a run in words is below its forms, and `schema.py` describes what a file holds.
VIEWS = {
    "present": set(),
    "as_code": set(),
    "diff": {"present"},
    "schema": set(),
    "static": {"present"},
    "tables": {"present", "static", "schema"},
    "live": {"present", "static", "as_code", "diff"},
}
# Lines of a file, of Python and of the widget's scripts and style.
LINES = 300
CLASS_LINES = 150
# What is longer, by its file or by file and class (`app/run_view.py RunView`), and why: five at most.
LONGER = {}
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@functools.cache
def imports(path):
    """Each (full dotted name of what is imported, whether at the top of the module)."""
    return list(_imports(path))


def _imports(path):
    tree = ast.parse(path.read_text("utf-8"))
    inner = {id(n) for f in ast.walk(tree) if _waits(f) for n in ast.walk(f)}
    for_checkers = {id(n) for f in ast.walk(tree) if _is_for_checkers(f) for n in ast.walk(f)}
    package = ("aimon_nb", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if id(node) in for_checkers:
            continue
        top = id(node) not in inner
        if isinstance(node, ast.Import):
            yield from ((alias.name, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            yield from ((f"{base}.{alias.name}", top) for alias in node.names)


def _is_for_checkers(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _waits(node):
    """Whether what stands in a node runs later than the module."""
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))


@functools.cache
def is_module(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def named(path):
    return str(path.relative_to(ROOT))


def test_imports_follow_the_arrows():
    """A room imports no room but those that the architecture lets it."""
    wrong = []
    for path in MODULES:
        me = room(path)
        if me == "__init__":
            continue
        assert me in ARROWS, f"{named(path)}: a room that docs/ARCHITECTURE.md does not know"
        for name, _ in imports(path):
            parts = name.split(".")
            if parts[0] != "aimon_nb" or name.startswith(("aimon_nb.providers", "aimon_nb.files")):
                continue  # these two stand below all rooms
            # `from aimon_nb import x`: a room, or a name of the package itself.
            other = parts[1] if len(parts) > 1 and (is_module(f"aimon_nb.{parts[1]}")) else "__init__"
            if other not in ARROWS[me] | {me}:
                wrong.append(f"{named(path)} imports {name}")
    assert [] == wrong


# What sentry-sdk 3 has no more, and who may name it or what stands on it.
GONE = ("sentry_sdk.tracing.", "sentry_sdk.tracing_utils.has_span_streaming_enabled", "sentry_sdk.scrubber", "sentry_sdk.hub", "sentry_sdk.ai.monitoring")
ON_GONE = {
    "sdk.py": GONE,
    "compat_check.py": ("sentry_sdk.tracing.",),
    "own_spans.py": ("aimon_nb.sentry.own_spans_static",),
    "instrument.py": ("aimon_nb.sentry.span_static",),
}


def test_what_sentry_sdk_3_has_no_more():
    """It is imported by what is for series 2 alone, and by the places that ask which series is there."""
    static = ("aimon_nb.sentry.own_spans_static", "aimon_nb.sentry.span_static", "aimon_nb.sentry.adapters_static")
    wrong = [
        f"{named(path)} imports {name}"
        for path in MODULES
        if not path.stem.endswith("_static")
        for name, _ in imports(path)
        if f"{name}.".startswith((*GONE, *static)) and not f"{name}.".startswith(ON_GONE.get(path.name, "-"))
    ]
    assert [] == wrong
    # Their names in series 2, or in 3: `sentry/sdk.py` has one for both.
    renamed = re.compile(r"\btraces\.(NoOp)?(Streamed)?Span\b|\.streamed_span\b")
    assert [] == [named(path) for path in MODULES if renamed.search(path.read_text("utf-8"))]


def test_the_arrows_inside_of_views():
    """What says a run in words imports no form of it, and no form another but the static one."""
    wrong = [
        f"{named(path)} imports {name}"
        for path in MODULES
        if room(path) == "views" and path.parent.name != "views"
        for name, _ in imports(path)
        if name.startswith("aimon_nb.views.") and name.split(".")[2] not in VIEWS[path.relative_to(PACKAGE).parts[1]] | {path.relative_to(PACKAGE).parts[1]}
    ]
    assert [] == wrong


def test_no_file_imports_itself_in_a_circle():
    """No file needs another that needs it, not even inside a function; for type checkers it may."""
    modules = {".".join(("aimon_nb", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path for path in MODULES}
    needs = {name: {imported if imported in modules else imported.rpartition(".")[0] for imported, _ in imports(path)} & modules.keys() for name, path in modules.items()}
    done, under_way = set(), []

    def walk(name):
        if name in under_way:
            raise AssertionError(" → ".join([*under_way[under_way.index(name) :], name]))
        if name not in done:
            under_way.append(name)
            for other in sorted(needs[name] - {name}):
                walk(other)
            under_way.pop()
            done.add(name)

    for name in modules:
        walk(name)


def test_the_package_names_its_parts_lazily():
    """aimon_nb/__init__.py imports no room and no library when it is imported."""
    top = {name.split(".")[0] for name, is_top in imports(PACKAGE / "__init__.py") if is_top}
    assert top <= sys.stdlib_module_names


@pytest.mark.parametrize("name", ["model", "testing"])
def test_plain_rooms_need_the_standard_library_only(name):
    """Plain data and the truth server import nothing that has to be installed."""
    found = {n.split(".")[0] for p in (PACKAGE / name).rglob("*.py") for n, _ in imports(p)}
    assert found - {"aimon_nb"} <= sys.stdlib_module_names


def test_only_one_room_knows_the_insides_of_sentry_sdk():
    """No room but `sentry` imports a submodule of sentry_sdk."""
    wrong = [
        f"{named(path)} imports {name}"
        for path in MODULES
        if room(path) != "sentry"
        for name, _ in imports(path)
        if name.startswith("sentry_sdk.") and (name.count(".") > 1 or is_module(name))
    ]
    assert [] == wrong


def too_long():
    """What is over the limits: {`file` or `file class`: lines}."""
    files = [path for suffix in ("*.py", "*.js", "*.ts", "*.css") for path in sorted(PACKAGE.rglob(suffix))]
    found = {}
    for path in files:
        name, text = path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8")
        lines = len(text.splitlines())
        if lines > LINES:
            found[name] = lines
        classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)] if path.suffix == ".py" else []
        lengths = {node.name: node.end_lineno - node.lineno + 1 for node in classes}
        found |= {f"{name} {kind}": length for kind, length in lengths.items() if length > CLASS_LINES}
    return found


def test_files_and_classes_are_short():
    """No file is over 300 lines, no class of Python over 150, but for what has a reason; and each reason is needed still."""
    found = too_long()
    assert {} == {name: lines for name, lines in found.items() if name not in LONGER}
    assert [] == sorted(LONGER.keys() - found.keys())
    assert len(LONGER) <= 5 and all(LONGER.values())


def test_files_are_well_named():
    """None is called after nothing in particular."""
    assert [] == [named(p) for p in PACKAGE.rglob("*") if p.stem.lower().strip("_") in NO_NAMES]


@pytest.mark.kernel
def test_importing_the_package_imports_nothing_heavy():
    """`import aimon_nb` works without IPython and loads no library that costs time."""
    code = "import sys, aimon_nb; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = {"pandas", "numpy", "IPython", "anywidget", "ipywidgets", "genai_prices", "pydantic"}
    heavy |= {"sqlite3", "sentry_sdk", "openai", "httpx"}
    assert set() == heavy & set(run.stdout.split())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.getinfo(name).file_size for name in archive.namelist()}


@pytest.mark.kernel
def test_the_wheel_holds_the_whole_package(wheel):
    """Every file of the package is in the wheel: code, py.typed, the widget's script and style."""
    wanted = {named(p) for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert set() == wanted - set(wheel)
    assert "aimon_nb/py.typed" in wheel
    assert {"main.js", "loader.js", "tree.css", "preact.js", "htm.js"} <= {name.rpartition("/")[2] for name in wheel}


@pytest.mark.kernel
def test_the_wheel_holds_the_licence_and_the_startup_file_and_no_tests(wheel):
    """The wheel has its licence and the lazy magics' file, and nothing of the workshop."""
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)
    assert any(name.endswith(".data/data/etc/ipython/startup/50-aimon_nb.py") for name in wheel)
    tops = {name.split("/")[0] for name in wheel}
    assert {"aimon_nb"} == {top for top in tops if not top.startswith("aimon_nb-")}
