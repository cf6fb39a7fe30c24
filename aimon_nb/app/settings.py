"""Every setting, once: its type, default and help, and who may give it.

The magic's options, the traits of `%config AimonMagics` and the variables of the
environment are made of these fields; `track` checks its keywords by them. A new setting
is one field here, and the code that goes by it.
"""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from aimon_nb.capture.limits import Limits
from aimon_nb.capture.redact import redact_name
from aimon_nb.model.budget import OnBudget
from aimon_nb.views.live.environment import View
from aimon_nb.views.live.mimebundle import DEFAULT_SAVE, Save

_PREFIX = "AIMON_NB_"
_TAG = re.compile(r"[A-Za-z0-9_.:\-]{1,200}")
_LIMITS = Limits()
_SWITCH = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}


def _metadata(
    *,
    option: str | None = None,
    config: str | None = None,
    environment: bool = False,
    minimum: int | None = None,
) -> dict[str, Any]:
    """Return what a field of `Settings` holds beside its type and default.

    Args:
        option: help of the option `--NAME` of `%%ai_track`; None: it has no option.
        config: help of `AimonMagics.NAME`; None: `%config` does not know it.
        environment: whether the variable `AIMON_NB_NAME` gives it.
        minimum: the lowest number that it takes.

    """
    return {"option": option, "config": config, "environment": environment, "minimum": minimum}


@dataclass(frozen=True, slots=True)
class Settings:
    """The value of every setting, for one run or for all that do not say otherwise."""

    op: str | None = field(
        default=None, metadata=_metadata(option="op of the root span (default: ai.pipeline)")
    )
    view: View = field(
        default="auto",
        metadata=_metadata(
            option="how the run is shown: live is the widget, html needs none, auto fits the place",
            config="default of --view",
            environment=True,
        ),
    )
    save: Save = field(
        default=DEFAULT_SAVE,
        metadata=_metadata(
            option="what the saved notebook keeps of it: tree (no prompts), one line, nothing, or "
            "full: the whole view, with prompts and answers, arguments and results of steps, "
            "which the output then says of itself",
            config="default of --save",
            environment=True,
        ),
    )
    estimate: bool = field(
        default=False,
        metadata=_metadata(
            config="Where a provider tells no usage, count tokens here: marked ~, in no exact sum."
        ),
    )
    budget: float | None = field(
        default=None,
        metadata=_metadata(
            config="US dollars that all runs from here on may spend together; None: no limit."
        ),
    )
    max_calls: int | None = field(
        default=None,
        metadata=_metadata(option="model calls that the run may send, at most", minimum=1),
    )
    max_tokens: int | None = field(
        default=None,
        metadata=_metadata(option="tokens, in and out, that the run may use, at most", minimum=1),
    )
    on_budget: OnBudget = field(
        default="stop",
        metadata=_metadata(
            option="what a call beyond --budget, --max-calls or --max-tokens does: stop is not "
            "sent and ends the run, warn is sent, and a line says so",
            config="default of --on-budget",
        ),
    )
    content: bool = field(
        default=True,
        metadata=_metadata(
            config="Keep and show prompts, answers, arguments, results, images and sound, and what "
            "crossed the wire: live and where content is asked for. False: none of it.",
            environment=True,
        ),
    )
    previews: bool = field(
        default=True,
        metadata=_metadata(config="Say in live rows what was asked and came.", environment=True),
    )
    step_content: bool = field(
        default=True,
        metadata=_metadata(
            config="Take what goes into tools, agents and tracked functions and comes out: shown "
            "live and in spans(content=True) alone.",
        ),
    )
    redact_emails: bool = field(
        default=False,
        metadata=_metadata(config="Leave e-mail addresses out of error messages, as keys are."),
    )
    sentry_source: bool = field(
        default=False,
        metadata=_metadata(
            config="Send a cell's source to Sentry, without long strings, long comments and keys."
        ),
    )
    auto: bool = field(
        default=False,
        metadata=_metadata(config="Track every cell; one without a model call shows nothing."),
    )
    tags: dict[str, str] | None = field(
        default=None,
        metadata=_metadata(config="Tags of every run, {'team': 'search'}; --tag adds to them."),
    )
    sentry_auto: bool = field(
        default=False,
        metadata=_metadata(
            config="Send the cells that `auto` tracks to Sentry, too.", environment=True
        ),
    )
    sentry_flush: float = field(
        default=2.0,
        metadata=_metadata(
            config="Seconds that the end of the process waits until all is sent, at most.",
            environment=True,
            minimum=0,
        ),
    )
    sentry_url: str | None = field(
        default=None,
        metadata=_metadata(
            config="Your team's Sentry, https://my-team.sentry.io: %ai_sentry links to it.",
            environment=True,
        ),
    )
    max_spans: int = field(
        default=_LIMITS.spans,
        metadata=_metadata(
            config="Spans a run: later ones fold; what they cost is counted.", minimum=1
        ),
    )
    max_attribute_bytes: int = field(
        default=_LIMITS.attribute_bytes,
        metadata=_metadata(config="Bytes of attributes kept of a span.", minimum=0),
    )
    content_budget: int = field(
        default=_LIMITS.content_budget,
        metadata=_metadata(
            config="Bytes of prompts, answers, arguments, results, images and sound, and of what "
            "crossed the wire, kept of all runs: packed, the oldest runs lose theirs first.",
            environment=True,
            minimum=0,
        ),
    )
    max_runs: int = field(
        default=_LIMITS.runs, metadata=_metadata(config="Finished runs kept in memory.", minimum=1)
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one setting; `choices` are all values of a text that has a few."""

    name: str
    kind: type
    default: Any
    choices: tuple[str, ...]
    option: str | None
    config: str | None
    environment: bool
    minimum: int | None

    @property
    def variable(self) -> str:
        """The name of its variable in the environment."""
        return _PREFIX + self.name.upper()

    def check(self, value: Any) -> None:
        """Raise `ValueError` for a value that is none of its choices; None is no value."""
        if self.choices and value not in (None, *self.choices):
            known = ", ".join(self.choices)
            raise ValueError(f"{self.name} must be one of {known}; not {value!r}")

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for; `ValueError` says which there are."""
        try:
            value = _SWITCH.get(text.lower()) if self.kind is bool else self.kind(text)
        except ValueError:
            value = None
        low = self.minimum is not None and value is not None and value < self.minimum
        if value is None or low or (self.choices and value not in self.choices):
            known = ", ".join(self.choices or ("on", "off")) if self.kind in (str, bool) else ""
            least = f" of at least {self.minimum}" if self.minimum is not None else ""
            raise ValueError(f"set it to {known or f'a number{least}'}, or unset it")
        return value


@cache
def known_settings(kind: type = Settings) -> dict[str, Setting]:
    """Return what is known of each setting, by name, in the order of the fields."""
    hints = get_type_hints(kind)
    return {
        one.name: Setting(
            one.name, _kind(hints[one.name]), one.default, _choices(hints[one.name]), **one.metadata
        )
        for one in fields(kind)
    }


def _choices(hint: Any) -> tuple[str, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(choice for part in get_args(hint) for choice in _choices(part))


def _kind(hint: Any) -> type:
    """Return the class of the values of a hint, None aside."""
    if _choices(hint):
        return str
    one = hint
    if isinstance(hint, UnionType):
        one = next(part for part in get_args(hint) if part is not NoneType)
    kind: type = get_origin(one) or one
    return kind


def check(**values: Any) -> None:
    """Raise `ValueError` for a value that is none of its setting's choices."""
    for name, value in values.items():
        known_settings()[name].check(value)


def check_tags(tags: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a tag that Sentry would not take, or whose name holds a key."""
    for given, value in tags.items():
        name = redact_name(given)
        if not str(value).strip():
            raise ValueError(f"a tag needs a value: {name} has none")
        if not _TAG.fullmatch(name):
            shown = reprlib.repr(name)
            raise ValueError(
                "a tag's name has 1 to 200 letters, digits and any of _ . : - and no key in it: "
                f"it is not {shown}"
            )


def from_environment(
    environ: Mapping[str, str] = os.environ, kind: type = Settings
) -> tuple[dict[str, Any], list[str]]:
    """Return the values that the environment gives, by name, and a line for each bad one.

    Nothing is raised: this is read while the extension loads and when a run opens.
    """
    values: dict[str, Any] = {}
    problems = []
    for one in known_settings(kind).values():
        text = environ.get(one.variable, "").strip() if one.environment else ""
        if not text:
            continue
        try:
            values[one.name] = one.parse(text)
        except ValueError as error:
            problems.append(f"{one.variable}={reprlib.repr(text)} is not used: {error}")
    return values, problems


def resolve(
    options: Mapping[str, Any], config: Mapping[str, Any], environment: Mapping[str, Any]
) -> Settings:
    """Return what holds: option > `%config` > environment > default; None is no value."""
    resolved: dict[str, Any] = {}
    for layer in (environment, config, options):
        resolved |= {name: value for name, value in layer.items() if value is not None}
    return Settings(**resolved)
