"""The docstrings of the public names: parameters, what comes back, errors, an example, the rule's source."""

import ast
import inspect
import re
import textwrap

import pytest

import aimon_nb
from aimon_nb import pricing
from aimon_nb.api import Track
from aimon_nb.pricing.explanation import Explanation
from aimon_nb.pricing.held import Held
from aimon_nb.views.styled import UsageTable

# What the public functions return is public, too.
CLASSES = {"SPANDATA": aimon_nb.SPANDATA, "RunView": aimon_nb.RunView, "Track": Track}
CLASSES |= {"Held": Held, "Explanation": Explanation, "UsageTable": UsageTable}
FUNCTIONS = {name: getattr(aimon_nb, name) for name in aimon_nb.__all__ if name != "pricing"}
ROOMS = {"on_change", "prepare", "price", "price_run"}  # what the other rooms call
FUNCTIONS |= {f"pricing.{name}": getattr(pricing, name) for name in pricing.__all__ if name not in ROOMS}
FUNCTIONS = {name: thing for name, thing in FUNCTIONS.items() if not isinstance(thing, type)}
MEMBERS = {
    f"{name}.{part}": thing
    for name, kind in CLASSES.items()
    for part, thing in vars(kind).items()
    if not part.startswith("_") and (callable(thing) or isinstance(thing, property))
}
METHODS = {name: thing for name, thing in MEMBERS.items() if not isinstance(thing, property)}
PROPERTIES = {name: thing for name, thing in MEMBERS.items() if isinstance(thing, property)}


def part(thing, title):
    """What stands under a title of a docstring, indentation removed; None if there is no such title."""
    doc = inspect.getdoc(thing) or ""
    found = re.search(rf"^{title}:[ \n](.*?)(?=^\w+:[ \n]|\Z)", doc, re.S | re.M)
    return found and textwrap.dedent(found[1]).strip()


def raises(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return {ast.unparse(n.exc.func) for n in ast.walk(tree) if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call)}


CALLABLES = {**FUNCTIONS, **METHODS}


@pytest.mark.parametrize("name", CALLABLES)
def test_every_parameter_is_told_and_typed(name):
    """Each parameter has a type and stands, in the signature's order, under Args."""
    parameters = [p for p in inspect.signature(CALLABLES[name]).parameters.values() if p.name != "self"]
    assert [] == [p.name for p in parameters if p.annotation is p.empty]
    told = re.findall(r"^\*{0,2}(\w+): \S", part(CALLABLES[name], "Args") or "", re.M)
    assert [p.name for p in parameters] == told


@pytest.mark.parametrize("name", CALLABLES)
def test_what_comes_back_is_told(name):
    """Where something comes back, Returns says what it is."""
    back = inspect.signature(CALLABLES[name]).return_annotation
    assert back is not inspect.Signature.empty
    assert (back not in (None, "None")) is bool(part(CALLABLES[name], "Returns"))


@pytest.mark.parametrize("name", CALLABLES)
def test_its_errors_are_told(name):
    """An error that the function itself raises stands under Raises, with when."""
    for error in raises(CALLABLES[name]):
        assert re.search(rf"^{error}: \S", part(CALLABLES[name], "Raises") or "", re.M), error


@pytest.mark.parametrize("name", {**CALLABLES, **CLASSES})
def test_there_is_an_example_that_parses(name):
    """Each has an example, which is Python and uses it."""
    thing = {**CALLABLES, **CLASSES}[name]
    example = part(thing, "Example") or ""
    assert example, "no example"
    ast.parse(example)
    last = name.rpartition(".")[2]
    made = {"RunView": "run", "Track": "track", "Held": "pricing.context", "Explanation": "explain", "UsageTable": "styled=True"}
    assert made.get(last, last) in example


@pytest.mark.parametrize("name", {**FUNCTIONS, **CLASSES})
def test_the_source_of_its_rule_is_told(name):
    """Each function and class says whose rule it follows."""
    assert part({**FUNCTIONS, **CLASSES}[name], "Source")


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_has_a_type_and_a_sentence(name):
    """A property says in a sentence what it is."""
    assert inspect.signature(PROPERTIES[name].fget).return_annotation is not inspect.Signature.empty
    assert (inspect.getdoc(PROPERTIES[name]) or "").split("\n")[0].endswith(".")


@pytest.mark.parametrize("name", {**CALLABLES, **CLASSES})
def test_it_begins_with_one_sentence(name):
    """The first line is a sentence, for completion shows no more."""
    first = (inspect.getdoc({**CALLABLES, **CLASSES}[name]) or "").split("\n")[0]
    assert first.endswith(".") and len(first) <= 100


def test_units_of_amounts():
    """Whoever returns or takes amounts says their unit."""
    for name, unit in {"pricing.set": "USD per million tokens", "pricing.table": "USD per million tokens", "RunView.spans": "seconds", "RunView.usage": "US dollars"}.items():
        assert unit in " ".join((inspect.getdoc({**CALLABLES}[name]) or "").split()), name
