"""What generated models are made with: open enums, and a stand-in for `dataclasses.dataclass` and `dataclasses.field`.

The standard decorator compiles `__init__`, `__repr__` and `__eq__` of every class when its module is imported. The models
are hundreds of classes, of which a plugin uses a handful, so that work is most of the time an import takes. Here a class
gets its slots at once and everything else when it is first needed.

Type checkers never see this module: generated code imports the standard one for them. What can be seen at run time is the
same too: `dataclasses.fields`, `replace`, `asdict`, `is_dataclass`, comparison, `repr`, `copy` and `pickle` work, and a test
compares each model with what the standard decorator makes of it.

It refuses what generated models do not use: inheritance between models, positional and `init=False` fields, options.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StrEnum", "dataclass", "field"]

_C = TypeVar("_C", bound=type)


class StrEnum(str, Enum):
    """A string enum whose members read as their values, as `enum.StrEnum` of Python 3.11."""

    def __str__(self) -> str:
        """Returns the value."""
        return str.__str__(self)

    def __format__(self, spec: str) -> str:
        """Formats the value."""
        return str.__format__(self, spec)


class _Factory:
    """What `field` returns: a default that is made anew for every object."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], object]) -> Any:
    """Declares the default of a mutable field.

    Args:
        default_factory: called without arguments for every object that is made without a value for the field.
    """
    return _Factory(default_factory)


def dataclass(*, slots: bool, kw_only: bool) -> Callable[[_C], _C]:
    """Makes a class with slots, whose `__init__` takes the annotated fields as keywords.

    Args:
        slots: must be true.
        kw_only: must be true.
    """
    if not (slots and kw_only):
        raise TypeError("models are dataclasses with slots=True and kw_only=True")
    return _make


def _make(cls: _C) -> _C:
    body = dict(cls.__dict__)
    names = tuple(cls.__annotations__)
    defaults = {name: body.pop(name) for name in names}
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    body.update(
        __slots__=names,
        __match_args__=(),
        __init__=_first_init,
        __repr__=_repr,
        __eq__=_eq,
        __hash__=None,
        __replace__=_replace,
        __qualname__=cls.__qualname__,
        __dataclass_fields__=_Fields(),
        __model_defaults__=defaults,
    )
    made: Any = type(cls)(cls.__name__, cls.__bases__, body)
    return cast("_C", made)


def _owner(cls: Any) -> Any:
    """The model itself, when `cls` is a class that a plugin derived from it."""
    return next(base for base in cls.__mro__ if "__model_defaults__" in base.__dict__)


def _first_init(self: Any, **values: object) -> None:
    """Stands in for `__init__` until a model is made for the first time, then compiles the real one."""
    cls = _owner(self.__class__)
    if cls.__init__ is _first_init:
        cls.__init__ = _compile_init(cls)
    cls.__init__(self, **values)


def _compile_init(cls: Any) -> Callable[..., None]:
    missing = object()
    scope: dict[str, object] = {"_mm_missing": missing}
    parameters: list[str] = []
    lines: list[str] = []
    for number, (name, default) in enumerate(cls.__model_defaults__.items()):
        if isinstance(default, _Factory):
            scope[f"_mm_{number}"] = default.make
            parameters.append(f"{name}=_mm_missing")
            lines.append(f" _mm_self.{name} = _mm_{number}() if {name} is _mm_missing else {name}")
        else:
            scope[f"_mm_{number}"] = default
            parameters.append(f"{name}=_mm_{number}")
            lines.append(f" _mm_self.{name} = {name}")
    head = f"def __init__(_mm_self, *, {', '.join(parameters)}):" if parameters else "def __init__(_mm_self):"
    exec("\n".join([head, *(lines or [" pass"])]), scope)  # noqa: S102 - from our own field names, as dataclasses does
    init: Any = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init  # type: ignore[no-any-return]


def _values(model: Any) -> tuple[object, ...]:
    return tuple(getattr(model, name) for name in _owner(model.__class__).__slots__)


def _repr(self: Any) -> str:
    names = _owner(self.__class__).__slots__
    inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
    return f"{self.__class__.__qualname__}({inner})"


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _values(self) == _values(other)


def _replace(self: Any, /, **changes: object) -> Any:
    """`copy.replace` of Python 3.13."""
    values = dict(zip(_owner(self.__class__).__slots__, _values(self), strict=True))
    return self.__class__(**{**values, **changes})


class _Fields:
    """`__dataclass_fields__`, made by the standard library when somebody asks for it."""

    def __get__(self, instance: object, cls: type) -> dict[str, Any]:
        import dataclasses

        owner = _owner(cls)
        namespace: dict[str, Any] = {"__annotations__": dict(owner.__annotations__), "__module__": owner.__module__}
        for name, default in owner.__model_defaults__.items():
            made = isinstance(default, _Factory)
            namespace[name] = dataclasses.field(default_factory=default.make) if made else default
        twin: Any = dataclasses.dataclass(kw_only=True)(type(owner.__name__, (), namespace))
        fields: dict[str, Any] = twin.__dataclass_fields__
        owner.__dataclass_fields__ = fields
        return fields
