"""The settings as traits of `%config AimonMagics`: made of `app/settings.py`."""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Dict, Enum, Float, HasTraits, Int, TraitError, Unicode, default

from aimon_nb.ai.track_options import Options
from aimon_nb.app.settings import Setting, check_tags, from_environment, known_settings
from aimon_nb.model.budget import dollars


class _Tags(Dict):
    """Names and values of tags; one that Sentry would not take is refused."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return tags as `track` has them; `TraitError` says what is wrong with one."""
        tags = Options.of("", {"tags": super().validate(obj, value) or {}}).tags
        try:
            check_tags(tags)
        except ValueError as error:
            raise TraitError(str(error)) from None
        return tags


class _Dollars(Float[Any, Any]):
    """US dollars: more than 0; None for no limit."""

    def validate(self, _: Any, value: Any) -> Any:
        """Return the amount; `TraitError` says in a line what is wrong with it."""
        if value is None:
            return None
        try:
            return float(dollars(value))
        except (TypeError, ValueError) as error:
            raise TraitError(str(error)) from None


_TRAITS: dict[type, Any] = {bool: Bool, int: Int, float: Float, str: Unicode, dict: _Tags}
NAMES = [one.name for one in known_settings().values() if one.config is not None]


def traits() -> dict[str, Any]:
    """Return what stands in the class body of the magics: a trait a setting, by name.

    Where a variable of the environment gives a value, that is the trait's default.
    """
    body: dict[str, Any] = {}
    for name in NAMES:
        one = known_settings()[name]
        body[name] = _trait(one).tag(config=True)
        if one.environment:
            body[f"_{name}_default"] = default(name)(_effective_default(one))
    return body


def explicit_values(magics: HasTraits) -> dict[str, Any]:
    """Return the traits that differ from their defaults, by name."""
    defaults = from_environment()[0]
    values = {name: getattr(magics, name) for name in NAMES}
    return {
        name: value
        for name, value in values.items()
        if value != defaults.get(name, known_settings()[name].default)
    }


def _trait(one: Setting) -> Any:
    if one.choices:
        return Enum(one.choices, one.default, help=one.config)
    if one.name == "budget":
        return _Dollars(default_value=None, allow_none=True, help=one.config)
    limits = {} if one.minimum is None else {"min": one.minimum}
    return _TRAITS[one.kind](
        default_value=one.default, allow_none=one.default is None, help=one.config, **limits
    )


def _effective_default(one: Setting) -> Any:
    return lambda _: from_environment()[0].get(one.name, one.default)
