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
_full_name: Callable[[type], str] = type.__dict__["__name__"].__get__
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
_TABLES = frozenset({"Table", "RecordBatch"})
_FRAMES = _TABLES | {"DataFrame", "GeoDataFrame"}
_NAMED: tuple[type, ...] = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_NAMED += (types.FunctionType, types.BuiltinFunctionType)
_BYTES: tuple[Any, ...] = (bytes, bytearray)
_FIELDS = (("dataclasses", "Field"), ("attr", "Attribute"), ("pydantic.fields", "FieldInfo"))
_BUILTINS: tuple[type, ...] = (types.MethodType, types.ModuleType, range)
_LOOKED_AT = (*_NAMED, *_BUILTINS)


def _name(kind: type) -> str:
    return _short(_full_name(kind))


def _short(name: str) -> str:
    """Return the start of a name, which may be of a class derived from `str`."""
    start: str = str.__getitem__(name, slice(0, _LONGEST))
    return start


def fixed_words(kind: type) -> str | None:
    """Return what each value of a class is, `<TypeName>`; None where each is looked at."""
    if any(kind is known for known in _LOOKED_AT) or issubclass(kind, (*_BYTES, type)):
        return None
    return None if _may_be_sized(kind) else f"<{_name(kind)}>"


def describe(value: Any, kind: type, *, with_size: bool = True) -> Any:
    """Return what a value is, `<TypeName>` at least; `kind` is its type.

    Of a frame it is a `Sized`, whose text our thread writes.
    """
    name = _name(kind)
    for known in _NAMED:
        if kind is known:
            return f"<{_KINDS.get(name, name)} {_short(value.__name__)}>"
    for known in _BYTES:
        if issubclass(kind, known):
            return f"<{name}: {known.__len__(value):,}>"
    if issubclass(kind, type):
        return f"<class {_name(value)}>"
    if issubclass(kind, Enum):
        member = (_dict_of(kind, value) or {}).get("_name_")
        return f"<{name}.{member[:_LONGEST]}>" if type(member) is str else f"<{name}>"
    if any(kind is known for known in _BUILTINS):
        return _builtin(value, kind, name)
    return (_sized(value, kind, name) if with_size else None) or f"<{name}>"


_KINDS = {"builtin_function_or_method": "function", "async_generator": "async generator"}


def _builtin(value: Any, kind: type, name: str) -> str:
    if kind is range:
        ends = (value.start, value.stop, value.step)
        short = all(type(end) is int and end.bit_length() <= 64 for end in ends)
        return f"<range {ends[0]} to {ends[1]} by {ends[2]}>" if short else "<range>"
    if kind is types.MethodType:
        inner = value.__func__
        return (
            f"<method {_short(inner.__name__)}>"
            if type(inner) is types.FunctionType
            else "<method>"
        )
    called = types.ModuleType.__getattribute__(value, "__dict__").get("__name__")
    return f"<module {called[:_LONGEST]}>" if type(called) is str else f"<{name}>"


class Sized:
    """An array or a frame by its size; what it is written with is immutable."""

    __slots__ = ("_columns", "_dtype", "_name", "_shape")

    def __init__(self, name: str, shape: Any, dtype: Any = None, columns: Any = None) -> None:
        self._name, self._shape, self._dtype, self._columns = name, shape, dtype, columns

    def __str__(self) -> str:
        try:
            dtype = "" if self._dtype is None else f" {_dtype_text(self._dtype)}"
            columns = "" if self._columns is None else _columns_text(self._columns)
            return f"<{self._name} {_by(self._shape)}{dtype}{columns}>"
        except Exception:  # a library's own, of a version that we do not know
            return f"<{self._name}>"


def _may_be_sized(kind: type) -> bool:
    module = _module(kind)
    if type(module) is not str or module.partition(".")[0] not in _LIBRARIES:
        return False
    # A class of the user's may call itself so.
    home = sys.modules.get(module)
    return type(home) is types.ModuleType and vars(home).get(_name(kind)) is kind


def _sized(value: Any, kind: type, name: str) -> Any:
    """Return the size of an array, a frame or a picture of a known library; None for others."""
    if not _may_be_sized(kind):
        return None
    if name in _FRAMES:
        # pyarrow's `columns` are the data.
        columns = getattr(value, "column_names", None) if name in _TABLES else value.columns
        return Sized(name, value.shape, columns=columns)
    if name in _ARRAYS:
        return Sized(name, value.shape, dtype=getattr(value, "dtype", None))
    is_picture = _module(kind).startswith("PIL.") and name.endswith(("Image", "ImageFile"))
    return f"<{name} {_by(value.size)} {value.mode}>" if is_picture else None


def is_numpy_number(kind: type) -> bool:
    """Return whether it is a class of numpy's own for single numbers."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not _may_be_sized(kind):
        return False
    return issubclass(kind, (numpy.number, numpy.bool_))


def _by(shape: Sequence[int]) -> str:
    return " × ".join(f"{size:,}" for size in tuple(shape)[:8]) or "()"


def _dtype_text(dtype: Any) -> str:
    return "structured" if getattr(dtype, "names", None) else str(dtype)[:_LONGEST]


def _columns_text(names: Any) -> str:
    count = len(names)
    shown = [
        one[:_LONGEST] if type(one) is str else str(one) if type(one) is int else "…"
        for one in list(names[:_COLUMNS])
    ]
    more = f", … {count - _COLUMNS:,} more" if count > _COLUMNS else ""
    return f": {', '.join(shown)}{more}" if shown else ""


def _dict_of(kind: type, value: Any) -> dict[str, Any] | None:
    """Return an object's own `__dict__`; None where it has none, or a property of that name."""
    slot = _dict_slot(kind)
    held = None if slot is None else slot.__get__(value)
    return held if type(held) is dict else None


def _dict_slot(kind: type) -> types.GetSetDescriptorType | None:
    found = _inherited(kind, "__dict__")
    return found if type(found) is types.GetSetDescriptorType else None


Reader = Callable[[Any], list[tuple[str, Any]]]


def fields_reader(kind: type) -> Reader | None:
    """Return what reads names and values of a record: a dataclass's, a model's, a named tuple's."""
    if issubclass(kind, tuple):
        fields = _inherited(kind, "_fields")
        if type(fields) is not tuple or not fields:
            return None
        return lambda value: list(zip(fields, tuple.__iter__(value), strict=False))
    shown = _shown_names(kind)
    if shown is None:
        return None
    slot = _dict_slot(kind)
    if slot is not None:
        return lambda value: _held(slot.__get__(value), shown)
    slots = [(name, _inherited(kind, name)) for name in shown]
    members = [(n, one) for n, one in slots if type(one) is types.MemberDescriptorType]
    return lambda value: [(name, one.__get__(value, kind)) for name, one in members]


def _held(held: dict[str, Any], shown: list[str]) -> list[tuple[str, Any]]:
    # By the base class's methods: one may give an object a dict of a class of one's own.
    if not shown:
        return list(dict.items(held))
    return [(name, dict.__getitem__(held, name)) for name in shown if dict.__contains__(held, name)]


def _shown_names(kind: type) -> list[str] | None:
    """Return the names in a record that its own text would show; None for what is no record.

    A model of pydantic 1 holds its fields alone: no names stand for all of them.
    """
    fields = _inherited(kind, "__dataclass_fields__")
    if type(fields) is dict:
        return [name for name, one in fields.items() if not _is_hidden(one)]
    attributes = _inherited(kind, "__attrs_attrs__")
    if attributes is not None and issubclass(type(attributes), tuple):
        return [one.name for one in tuple.__iter__(attributes) if not _is_hidden(one)]
    if not _is_pydantic(kind):
        return None
    fields = _inherited(kind, "__pydantic_fields__")
    if type(fields) is not dict:
        return []
    return [name for name, one in fields.items() if not _is_hidden(one)]


def _is_hidden(field: Any) -> bool:
    """Return whether the text of a record leaves a field out; of a foreign field it is unknown."""
    for name, kind in _FIELDS:
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
