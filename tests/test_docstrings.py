"""The docstrings of the public names: parameters, what comes back, errors, an example, the rule's source."""

import ast
import inspect
import re
import textwrap

import aimon_nb
from aimon_nb import pricing
from aimon_nb.app import Track
from aimon_nb.app.run_calls import RunCalls
from aimon_nb.pricing.explain import Explanation
from aimon_nb.pricing.pricing_context import PricingContext
from aimon_nb.views.tables.usage_table import UsageTable

# What the public functions return is public, too.
CLASSES = {"SPANDATA": aimon_nb.SPANDATA, "RunView": aimon_nb.RunView, "RunCalls": RunCalls, "Track": Track}
CLASSES |= {"Held": PricingContext, "Explanation": Explanation, "UsageTable": UsageTable}
FUNCTIONS = {name: getattr(aimon_nb, name) for name in aimon_nb.__all__ if name != "pricing"}
ROOMS = {"is_ready", "on_change", "prepare", "price", "price_run"}  # what the other rooms call
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


def test_every_parameter_is_told_and_typed():
    """Each parameter has a type and stands, in the signature's order, under Args."""
    for name, thing in CALLABLES.items():
        parameters = [p for p in inspect.signature(thing).parameters.values() if p.name != "self"]
        assert [] == [p.name for p in parameters if p.annotation is p.empty], name
        told = re.findall(r"^\*{0,2}(\w+): \S", part(thing, "Args") or "", re.M)
        assert [p.name for p in parameters] == told, name


def test_what_comes_back_is_told():
    """Where something comes back, Returns says what it is."""
    for name, thing in CALLABLES.items():
        back = inspect.signature(thing).return_annotation
        assert back is not inspect.Signature.empty, name
        assert (back not in (None, "None")) is bool(part(thing, "Returns")), name


def test_its_errors_are_told():
    """An error that the function itself raises stands under Raises, with when."""
    for name, thing in CALLABLES.items():
        for error in raises(thing):
            assert re.search(rf"^{error}: \S", part(thing, "Raises") or "", re.M), (name, error)


def test_there_is_an_example_that_parses():
    """Each has an example, which is Python and uses it."""
    made = {"RunView": "run", "RunCalls": "run", "Track": "track", "Held": "pricing.context", "Explanation": "explain", "UsageTable": "styled=True"}
    for name, thing in {**CALLABLES, **CLASSES}.items():
        example = part(thing, "Example") or ""
        assert example, f"no example of {name}"
        ast.parse(example)
        last = name.rpartition(".")[2]
        assert made.get(last, last) in example, name


def test_the_source_of_its_rule_is_told():
    """Each function and class says whose rule it follows."""
    assert [] == [name for name, thing in {**FUNCTIONS, **CLASSES}.items() if not part(thing, "Source")]


def test_a_property_has_a_type_and_a_sentence():
    """A property says in a sentence what it is."""
    for name, thing in PROPERTIES.items():
        assert inspect.signature(thing.fget).return_annotation is not inspect.Signature.empty, name
        assert (inspect.getdoc(thing) or "").split("\n")[0].endswith("."), name


def test_it_begins_with_one_sentence():
    """The first line ends with a full stop and has at most 100 characters: completion shows that line alone."""
    for name, thing in {**CALLABLES, **CLASSES}.items():
        first = (inspect.getdoc(thing) or "").split("\n")[0]
        assert first.endswith(".") and len(first) <= 100, name


def test_there_are_public_names():
    """What the tests above go through is not empty."""
    assert FUNCTIONS and METHODS and PROPERTIES and CLASSES


def test_units_of_amounts():
    """Whoever returns or takes amounts says their unit."""
    for name, unit in {"pricing.set": "USD per million tokens", "pricing.table": "USD per million tokens", "RunView.spans": "seconds", "RunView.usage": "US dollars"}.items():
        assert unit in " ".join((inspect.getdoc({**CALLABLES}[name]) or "").split()), name
