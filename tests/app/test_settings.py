"""The settings: each stands once, and option > `%config` > environment > default."""

import inspect
import typing
from dataclasses import dataclass, field

import pytest
import traitlets
from IPython.core.error import UsageError

import aimon_nb
from aimon_nb.app import monitor, settings
from aimon_nb.app.settings import Settings, from_environment, known_settings, resolve
from aimon_nb.capture import recorder
from aimon_nb.capture.limits import Limits
from aimon_nb.notebook import header, setting_traits
from aimon_nb.notebook.magics import AimonMagics
from aimon_nb.wire.token_estimate import estimates

KNOWN = known_settings()
VARIABLES = [one for one in KNOWN.values() if one.environment and one.choices]
# A value of each setting that is not its default.
OTHER = {"op": "my.op", "view": "html", "save": "full", "estimate": True, "auto": True, "max_spans": 7, "max_attribute_bytes": 0, "step_content": False, "previews": False, "redact_emails": True, "sentry_source": True, "content": False, "content_budget": 5, "max_runs": 3,
         "budget": 2.5, "max_calls": 7, "max_tokens": 8, "on_budget": "warn", "tags": {"team": "search"}, "sentry_auto": True, "sentry_flush": 0.5, "sentry_url": "https://x.sentry.io"}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """No variable that another test set; nothing stays configured."""
    for one in KNOWN.values():
        monkeypatch.delenv(one.variable, raising=False)
    yield
    monitor.uninstall()


@pytest.fixture
def magics():
    """The magics of a shell, with their traits."""
    return AimonMagics(None, tracker=None, monitor=monitor)


def test_the_table_of_this_test_is_whole():
    """Each setting has a value here that is not its default."""
    assert OTHER.keys() == KNOWN.keys()
    assert [] == [name for name, value in OTHER.items() if value == KNOWN[name].default]


def test_options_of_the_magic():
    """The magic has an option for each setting that is one, with its choices, help and no default of its own."""
    made = {action.dest: action for action in header.parser_of(None)._actions}
    wanted = {name for name, one in KNOWN.items() if one.option}
    assert wanted == made.keys() - {"help", "name", "tag", "data", "budget"}
    for name in wanted:
        assert (KNOWN[name].option, None) == (made[name].help, made[name].default)
        assert (KNOWN[name].choices or None) == made[name].choices
    asked = header.parse(" ".join(f"--{name.replace('_', '-')} {OTHER[name]}" for name in wanted))
    assert {name: OTHER[name] for name in wanted} == header.settings_of(asked)


def test_traits_of_config(magics):
    """`%config AimonMagics` has a trait for each setting that is one, with its default and help."""
    traits = magics.traits(config=True)
    assert {name for name, one in KNOWN.items() if one.config} == traits.keys()
    for name, trait in traits.items():
        assert (KNOWN[name].default, KNOWN[name].config) == (getattr(magics, name), trait.help)


@pytest.mark.parametrize("name", [name for name, one in KNOWN.items() if one.config])
def test_config_is_what_holds(magics, name):
    """What `%config` sets holds for all that do not say otherwise, until the extension is unloaded."""
    setattr(magics, name, OTHER[name])
    assert OTHER[name] == getattr(monitor.settings, name)
    assert Settings(**{name: OTHER[name]}) == monitor.settings
    monitor.uninstall()
    assert Settings() == monitor.settings


def test_what_no_run_is_opened_with(magics):
    """The caps and the estimate are in place at once, and gone with the extension."""
    magics.max_spans, magics.max_attribute_bytes, magics.max_runs, magics.estimate = 7, 8, 9, True
    magics.content_budget = 10
    assert Limits(7, 8, 9, 10) == recorder.limits and estimates.on
    monitor.uninstall()
    assert Limits() == recorder.limits and not estimates.on


def test_install_leaves_the_other_settings(magics):
    """`install(estimate=True)` sets that one alone, and another setting leaves it so."""
    magics.max_runs = 3
    aimon_nb.install(estimate=True)
    magics.save = "none"
    assert estimates.on and 3 == recorder.limits.runs
    aimon_nb.install()
    assert estimates.on


@pytest.mark.parametrize("one", VARIABLES, ids=lambda one: one.name)
def test_precedence(one, magics, monkeypatch):
    """Option > `%config` > environment > default, for each setting that is an option and a variable."""
    name, first, second, third = one.name, *[choice for choice in one.choices if choice != one.default][:3]

    def holds(**option):
        return getattr(resolve(option, magics.explicit, from_environment()[0]), name)

    assert one.default == holds() == getattr(monitor.settings, name)
    monkeypatch.setenv(one.variable, first)
    assert first == holds() == getattr(monitor.settings, name)
    setattr(magics, name, second)
    assert second == holds() == getattr(monitor.settings, name)
    assert third == holds(**{name: third})
    assert second == holds(**{name: None})


@pytest.mark.parametrize("one", VARIABLES, ids=lambda one: one.name)
def test_config_of_the_default_beats_the_environment(one, monkeypatch):
    """Also where `%config` or a configuration file sets the very default."""
    other = next(choice for choice in one.choices if choice != one.default)
    monkeypatch.setenv(one.variable, other)
    magics = AimonMagics(None, tracker=None, monitor=monitor)
    assert other == getattr(magics, one.name) == getattr(monitor.settings, one.name)
    setattr(magics, one.name, one.default)
    assert one.default == getattr(monitor.settings, one.name)
    monitor.uninstall()
    AimonMagics(None, tracker=None, monitor=monitor, **{one.name: one.default})
    assert one.default == getattr(monitor.settings, one.name)


def test_the_environment_of_a_run(monkeypatch):
    """A run goes by the variable, also by one that is set after the import."""
    monkeypatch.setattr("aimon_nb.views.live.environment.outputs_are_saved", lambda: True)
    monkeypatch.setenv("AIMON_NB_SAVE", "summary")
    opened = monitor.open("run", "none")
    opened.end(None)
    assert "summary" == opened.run.options["save"]


@pytest.mark.parametrize("one", VARIABLES, ids=lambda one: one.name)
@pytest.mark.parametrize("text", ["all", "1", "TREE ", "x" * 10_000], ids=["word", "number", "case", "long"])
def test_a_bad_value_in_the_environment(one, text, monkeypatch):
    """It is one line in each run, which says what, the value and what to do; the default holds, and nothing is raised."""
    monkeypatch.setenv(one.variable, text)
    magics = AimonMagics(None, tracker=None, monitor=monitor)
    assert one.default == getattr(magics, one.name) == getattr(monitor.settings, one.name)
    opened = monitor.open("run", "none")
    opened.end(None)
    (line,) = [note for note in opened.run.notes if "AIMON_NB" in note]
    assert line.startswith(f"{one.variable}='{text[:3]}")
    assert line.endswith(f"is not used: set it to {', '.join(one.choices)}, or unset it")
    assert "\n" not in line and len(line) < 150


@pytest.mark.parametrize(("name", "text", "value"), [("sentry_auto", "on", True), ("sentry_flush", "0", 0.0), ("sentry_url", "https://x", "https://x")])
def test_variables_without_choices(name, text, value, magics, monkeypatch):
    """Switches, numbers and texts of the environment hold as its words do: below `%config`, above the default."""
    assert KNOWN[name].default == getattr(monitor.settings, name)
    monkeypatch.setenv(f"AIMON_NB_{name.upper()}", text)
    assert value == getattr(monitor.settings, name)
    setattr(magics, name, OTHER[name])
    assert OTHER[name] == getattr(monitor.settings, name)


@pytest.mark.parametrize("name", ["my tag", "", "x" * 201, "ä", "sk-canary0123456789abcdef"])
def test_a_tag_that_sentry_does_not_take(magics, name):
    """It is one clear line wherever tags are given: `%config`, `track` and `--tag`."""
    line = "a tag's name has 1 to 200 letters, digits and any of _ . : - and no key in it: it is not "
    with pytest.raises(traitlets.TraitError, match=line):
        magics.tags = {name: "x"}
    with pytest.raises(ValueError, match=line):
        aimon_nb.track("x", tags={name: "x"})
    with pytest.raises(UsageError) as error:
        header.parse(f'--tag "{name}=x"')
    assert "\n" not in str(error.value) and "canary" not in str(error.value) and str(error.value).startswith("argument --tag: ")


@pytest.mark.parametrize("value", ["", "  "])
def test_a_tag_without_a_value(magics, value):
    """Sentry takes none: it is one clear line, too; a function's is left out."""
    line = "a tag needs a value: team has none"
    with pytest.raises(traitlets.TraitError, match=line):
        magics.tags = {"team": value}
    with pytest.raises(ValueError, match=line):
        aimon_nb.track("x", tags={"team": value})
    with pytest.raises(UsageError, match=line):
        header.parse(f'--tag "team={value}"')


def test_pairs_of_the_magic():
    """`--tag` and `--data` take KEY=VALUE, quoted or not, several times; numbers and truth values of data are what they say."""
    line = """NAME --tag team=search --tag "stage=a b" --tag 'x=c d' --data n=3 --data r=0.5 --data ok=true --data "w=two words" --data v=1.2.3"""
    args = header.parse(line)
    assert "NAME" == args.name
    options = header.options_of(args)
    assert {"team": "search", "stage": "a b", "x": "c d"} == options["tags"]
    assert {"n": 3, "r": 0.5, "ok": True, "w": "two words", "v": "1.2.3"} == options["data"]
    assert {} == header.options_of(header.parse("NAME"))


@pytest.mark.parametrize("word", ["team", "=x", '""'])
@pytest.mark.parametrize("option", ["--tag", "--data"])
def test_no_pair(option, word):
    """What is none is one line, which says what is wanted."""
    with pytest.raises(UsageError, match=f"^argument {option}: give KEY=VALUE, not "):
        header.parse(f"NAME {option} {word}")


@pytest.mark.parametrize("one", VARIABLES, ids=lambda one: one.name)
def test_an_empty_variable_is_none(one):
    """A variable that is empty or blank is as one that is not set."""
    assert ({}, []) == from_environment({one.variable: " "}) == from_environment({})
    assert ({one.name: one.choices[0]}, []) == from_environment({one.variable: f" {one.choices[0]} "})


@dataclass(frozen=True)
class Further:
    """Settings as later ones may be."""

    share: bool = field(default=False, metadata=settings._metadata(environment=True))
    count: int = field(default=3, metadata=settings._metadata(environment=True, minimum=0))
    dollars: float | None = field(default=None, metadata=settings._metadata(environment=True))
    url: str | None = field(default=None, metadata=settings._metadata(environment=True))
    secret: str = field(default="", metadata=settings._metadata())


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("share", "1", True), ("share", "on", True), ("share", "False", False),
        ("count", "0", 0), ("count", "12", 12), ("dollars", "0.5", 0.5), ("url", "http://x", "http://x"),
    ],
)  # fmt: skip
def test_kinds_of_values(name, text, value):
    """Switches, numbers and texts are read from the environment as their field says."""
    assert ({name: value}, []) == from_environment({f"AIMON_NB_{name.upper()}": text}, Further)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("share", "yes!", "set it to on, off, or unset it"),
        ("count", "-1", "set it to a number of at least 0, or unset it"),
        ("count", "many", "set it to a number of at least 0, or unset it"),
        ("dollars", "1 USD", "set it to a number, or unset it"),
    ],
)
def test_bad_kinds_of_values(name, text, what):
    """What is none of them is one line."""
    variable = f"AIMON_NB_{name.upper()}"
    assert ({}, [f"{variable}='{text}' is not used: {what}"]) == from_environment({variable: text}, Further)


def test_a_setting_that_is_no_variable():
    """A variable of its name changes nothing."""
    assert ({}, []) == from_environment({"AIMON_NB_SECRET": "x"}, Further)
    assert ({}, []) == from_environment({"AIMON_NB_MAX_RUNS": "x"})


def test_keywords_of_track():
    """`track` refuses a value that there is not, for each of its keywords with choices, in the same words."""
    keywords = inspect.signature(aimon_nb.track).parameters.keys() & KNOWN.keys()
    assert {"view", "save", "budget", "max_calls", "max_tokens", "on_budget"} == keywords
    for name in ("view", "save", "on_budget"):
        known = ", ".join(KNOWN[name].choices)
        with pytest.raises(ValueError, match=f"{name} must be one of {known}; not 'all'"):
            aimon_nb.track("x", **{name: "all"})


def test_types_are_those_of_track():
    """Choices are those that `track` and type checkers know."""
    hints = typing.get_type_hints(aimon_nb.track)
    assert KNOWN["save"].choices == settings._choices(hints["save"])
    assert KNOWN["view"].choices == settings._choices(hints["view"])


def test_traits_of_further_settings(monkeypatch):
    """Switches, numbers and texts are traits that refuse what they are not; one that nobody decides may be None."""
    monkeypatch.setattr(setting_traits, "known_settings", lambda: known_settings(Further))
    monkeypatch.setattr(setting_traits, "NAMES", [*known_settings(Further)])
    holder = type("Holder", (traitlets.HasTraits,), setting_traits.traits())()
    assert {} == setting_traits.explicit_values(holder)
    for name, wrong in {"share": "on", "count": -1, "dollars": "1 USD", "url": 7, "secret": None}.items():
        with pytest.raises(traitlets.TraitError):
            setattr(holder, name, wrong)
    holder.dollars, holder.url = 0.5, "http://x"
    assert {"dollars": 0.5, "url": "http://x"} == setting_traits.explicit_values(holder)
    holder.dollars = None
