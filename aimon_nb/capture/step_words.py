"""A value of the user's in a few words, by its type: `<DataFrame 3 × 2: a, b>`, `<generator>`.

No code of the value's own runs, nor of its class or metaclass: names are read as the
interpreter holds them. Of the types of known libraries, and of those alone, size is asked.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID

# Immutable, and written as text by our thread.
BY_REFERENCE: tuple[type, ...] = (datetime, date, time, timedelta, Decimal, UUID)
BY_REFERENCE += (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)

_mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_namespace: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_name: Callable[[type], str] = type.__dict__["__name__"].__get__
_module: Callable[[type], Any] = type.__dict__["__module__"].__get__
_LONGEST = 80
_COLUMNS = 20
# Libraries whose own classes tell their size for little, and without running what is not theirs.
_LIBRARIES = frozenset(
    {"numpy", "pandas", "polars", "pyarrow", "torch", "jax", "jaxlib", "tensorflow", "scipy"}
    | {"cupy", "mlx", "xarray", "geopandas", "PIL"}
)
_ARRAYS = frozenset(
    {"ndarray", "matrix", "Tensor", "Parameter", "ArrayImpl", "EagerTensor", "ResourceVariable"}
    | {"Series", "Index", "csr_matrix", "csc_matrix", "csr_array", "csc_array", "array"}
)
_FRAMES = frozenset({"DataFrame", "GeoDataFrame", "Table", "RecordBatch"})
_NAMED: tuple[type, ...] = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_NAMED += (types.FunctionType, types.BuiltinFunctionType)
_BYTES: tuple[Any, ...] = (bytes, bytearray)


def describe(value: Any, kind: type) -> str:
    """Return what a value is, `<TypeName>` at least; `kind` is its type."""
    name = _name(kind)[:_LONGEST]
    for known in _NAMED:
        if kind is known:
            return f"<{_KINDS.get(name, name)} {value.__name__[:_LONGEST]}>"
    for known in _BYTES:
        if issubclass(kind, known):
            return f"<{name}: {known.__len__(value):,}>"
    if issubclass(kind, type):
        return f"<class {_name(value)[:_LONGEST]}>"
    if issubclass(kind, Enum):
        return _member(value, kind, name)
    if kind is types.MethodType or kind is types.ModuleType or kind is range:
        return _builtin(value, kind, name)
    return _sized(value, kind, name) or f"<{name}>"


def _member(value: Any, kind: type, name: str) -> str:
    member = (instance_dict(value, kind) or {}).get("_name_")
    return f"<{name}.{member[:_LONGEST]}>" if type(member) is str else f"<{name}>"


_KINDS = {"builtin_function_or_method": "function", "async_generator": "async generator"}


def _builtin(value: Any, kind: type, name: str) -> str:
    if kind is range:
        ends = (value.start, value.stop, value.step)
        short = all(type(end) is int and end.bit_length() <= 64 for end in ends)
        return f"<range {ends[0]} to {ends[1]} by {ends[2]}>" if short else "<range>"
    if kind is types.MethodType:
        inner = value.__func__
        return f"<method {inner.__name__}>" if type(inner) is types.FunctionType else "<method>"
    called = types.ModuleType.__getattribute__(value, "__dict__").get("__name__")
    return f"<module {called[:_LONGEST]}>" if type(called) is str else f"<{name}>"


def _sized(value: Any, kind: type, name: str) -> str | None:
    """Return the size of an array, a frame or a picture of a known library; None for others."""
    module = _module(kind)
    if type(module) is not str or module.partition(".")[0] not in _LIBRARIES:
        return None
    # A class of the user's may call itself so.
    home = sys.modules.get(module)
    if type(home) is not types.ModuleType or vars(home).get(name) is not kind:
        return None
    if name in _FRAMES:
        return f"<{name} {_by(value.shape)}{_columns(value)}>"
    if name in _ARRAYS:
        dtype = getattr(value, "dtype", None)
        words = "" if dtype is None else f" {_dtype(dtype)}"
        return f"<{name} {_by(value.shape)}{words}>"
    if module.startswith("PIL.") and name.endswith("Image"):
        return f"<{name} {_by(value.size)} {value.mode}>" if hasattr(value, "mode") else None
    return f"<{name} {value.item()}>" if _is_numpy_number(module, kind) else None


def _is_numpy_number(module: str, kind: type) -> bool:
    numpy = sys.modules.get("numpy")
    return module == "numpy" and numpy is not None and issubclass(kind, (numpy.number, numpy.bool_))


def _by(shape: Sequence[int]) -> str:
    return " × ".join(f"{size:,}" for size in tuple(shape)[:8]) or "()"


def _dtype(dtype: Any) -> str:
    if getattr(dtype, "names", None):
        return "structured"
    return str(dtype)[:_LONGEST]


def _columns(frame: Any) -> str:
    names = getattr(frame, "columns", None)
    if type(names) is not list:
        # pyarrow's `columns` are the data.
        names = getattr(frame, "column_names", names)
    if names is None:
        return ""
    count = len(names)
    shown = [
        one[:_LONGEST] if type(one) is str else str(one) if type(one) is int else "…"
        for one in list(names[:_COLUMNS])
    ]
    more = f", … {count - _COLUMNS:,} more" if count > _COLUMNS else ""
    return f": {', '.join(shown)}{more}" if shown else ""


def instance_dict(value: Any, kind: type) -> dict[str, Any] | None:
    """Return an object's own `__dict__`; None where it has none, or a property of that name."""
    for base in _mro(kind):
        found = _namespace(base).get("__dict__")
        if found is not None:
            held = found.__get__(value) if type(found) is types.GetSetDescriptorType else None
            return held if type(held) is dict else None
    return None


def named_fields(value: Any, kind: type) -> list[tuple[str, Any]] | None:
    """Return names and values of a record: a dataclass's, a model's, a named tuple's; else None."""
    if issubclass(kind, tuple):
        names = _inherited(kind, "_fields")
        length = tuple.__len__(value)
        is_record = type(names) is tuple and len(names) == length and length > 0
        return list(zip(names, tuple.__iter__(value), strict=True)) if is_record else None
    shown = _shown_names(kind)
    if shown is None:
        return None
    held = instance_dict(value, kind)
    if held is not None:
        return [(name, held[name]) for name in shown or list(held) if name in held]
    slots = ((name, _inherited(kind, name)) for name in shown)
    return [
        (name, slot.__get__(value, kind))
        for name, slot in slots
        if type(slot) is types.MemberDescriptorType
    ]


def _shown_names(kind: type) -> list[str] | None:
    """Return the names in a record that its own text would show; None for what is no record.

    A model of pydantic holds its fields alone: no names stand for all of them.
    """
    fields = _inherited(kind, "__dataclass_fields__")
    if type(fields) is dict:
        return [name for name, one in fields.items() if not _is_hidden(one)]
    attributes = _inherited(kind, "__attrs_attrs__")
    if attributes is not None and issubclass(type(attributes), tuple):
        return [one.name for one in tuple.__iter__(attributes) if not _is_hidden(one)]
    return [] if _is_pydantic(kind) else None


def _is_hidden(field: Any) -> bool:
    """Return whether the text of a record leaves a field out; of a foreign field it is unknown."""
    for name, kind in (("dataclasses", "Field"), ("attr", "Attribute")):
        module = sys.modules.get(name)
        if module is not None and vars(module).get(kind) is type(field):
            return field.repr is False
    return True


def _is_pydantic(kind: type) -> bool:
    for base in _mro(kind):
        if _name(base) == "BaseModel" and str(_module(base)).partition(".")[0] == "pydantic":
            return True
    return False


def _inherited(kind: type, name: str) -> Any:
    for base in _mro(kind):
        found = _namespace(base).get(name)
        if found is not None:
            return found
    return None
