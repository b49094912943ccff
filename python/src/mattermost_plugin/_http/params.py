"""Arguments of routes: texts of path and query as the types that a handler's annotations say, the body's JSON as a model."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
import types
import typing
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Union

from mattermost_plugin._http.messages import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["is_model", "is_optional", "item_of_list", "json_value", "make_converter", "model_of"]

Convert = "Callable[[str], Any]"

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
#: `int` takes "1_000", " 7 " and digits of other scripts too, and fails for thousands of digits.
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,400}")
_UNIONS: Final = (Union, getattr(types, "UnionType", Union))


class _Misfit(ValueError):
    """A text is not what is wanted; its text says what that is."""


def _boolean(text: str) -> bool:
    folded = text.lower()
    if folded in _TRUE or folded in _FALSE:
        return folded in _TRUE
    raise _Misfit("true or false")


def _number(text: str) -> int:
    if _WHOLE.fullmatch(text):
        return int(text)
    raise _Misfit("a whole number")


def _float(text: str) -> float:
    try:
        if "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise _Misfit("a number")


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise _Misfit("a UUID") from None


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise _Misfit("a date such as 2026-11-23") from None


def _datetime(text: str) -> datetime.datetime:
    try:
        # Python 3.10 knows no "Z".
        return datetime.datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1:] in ("Z", "z") else text)
    except ValueError:
        raise _Misfit("a time such as 2026-11-23T12:00:00Z") from None


_SIMPLE: Final[dict[Any, Callable[[str], Any]]] = {
    str: str,
    Any: str,
    bool: _boolean,
    int: _number,
    float: _float,
    uuid.UUID: _uuid,
    datetime.date: _date,
    datetime.datetime: _datetime,
}


def make_converter(annotation: Any, what: str) -> Callable[[str], Any]:
    """Returns what makes a value of a text.

    Args:
        annotation: The type that is wanted.
        what: Where the text comes from, for people: ``query parameter 'limit'``.

    Raises:
        TypeError: There is no way from a text to this type.
    """
    convert = _converter(annotation)
    if convert is None:
        raise TypeError(f"{getattr(annotation, '__name__', annotation)} is no type that a text can be")

    def checked(text: str) -> Any:
        try:
            return convert(text)
        except _Misfit as misfit:
            raise HttpError(400, f"{what}: {_shown(text)} is not {misfit}") from None

    return checked


def _converter(annotation: Any) -> Callable[[str], Any] | None:
    simple = _SIMPLE.get(annotation) if isinstance(annotation, typing.Hashable) else None
    if simple is not None:
        return simple
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _one_of({str(member.value): member for member in annotation})
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return _one_of({str(value): value for value in arguments})
    if origin in _UNIONS:
        kinds = [kind for kind in arguments if kind is not type(None)]
        converters = [_converter(kind) for kind in kinds]
        if None not in converters:
            return _first_of([it for it in converters if it is not None])
    return None


def _one_of(values: dict[str, Any]) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        if text not in values:
            raise _Misfit(f"one of {', '.join(values)}")
        return values[text]

    return convert


def _first_of(converters: Sequence[Callable[[str], Any]]) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        misfits: list[str] = []
        for converter in converters:
            try:
                return converter(text)
            except _Misfit as misfit:
                misfits.append(str(misfit))
        raise _Misfit(" or ".join(misfits))

    return convert


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def is_optional(annotation: Any) -> bool:
    """Returns whether ``None`` is a value of the type."""
    return typing.get_origin(annotation) in _UNIONS and type(None) in typing.get_args(annotation)


def item_of_list(annotation: Any) -> Any:
    """Returns the type of the items of a ``list[…]``, ``None`` for any other type."""
    if annotation is list:
        return str
    if typing.get_origin(annotation) is list:
        return typing.get_args(annotation)[0]
    if is_optional(annotation):
        rest = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return item_of_list(rest[0]) if len(rest) == 1 else None
    return None


def is_model(annotation: Any) -> bool:
    """Returns whether the type is one that only a body can hold."""
    return isinstance(annotation, type) and (
        dataclasses.is_dataclass(annotation) or hasattr(annotation, "model_validate") or typing.is_typeddict(annotation)
    )


def model_of(annotation: Any, value: Any, where: str = "body") -> Any:
    """Returns JSON as the type that is wanted.

    Raises:
        HttpError: 400; it does not fit.
    """
    if annotation is Any or annotation is object:
        return value
    validate = getattr(annotation, "model_validate", None)
    if validate is not None:
        return _validated(validate, value)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in _UNIONS:
        return _one_of_models(arguments, value, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise HttpError(400, f"{where}: expected one of {', '.join(map(str, arguments))}")
        return value
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _dataclass(annotation, value, where)
    if typing.is_typeddict(annotation):
        return _typed_dict(annotation, value, where)
    if origin in (list, typing.get_origin(typing.Sequence[int])):
        _expect(list, value, where)
        return [model_of(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        _expect(dict, value, where)
        return {key: model_of(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        try:
            return annotation(value)
        except ValueError:
            known = ", ".join(str(member.value) for member in annotation)
            raise HttpError(400, f"{where}: expected one of {known}") from None
    if annotation in (uuid.UUID, datetime.date, datetime.datetime):
        _expect(str, value, where)
        return make_converter(annotation, where)(value)
    _expect(origin or annotation, value, where)
    return float(value) if annotation is float else value


def _expect(kind: Any, value: Any, where: str) -> None:
    kinds = (int, float) if kind is float else kind
    if not isinstance(kinds, (type, tuple)):
        raise TypeError(f"{where}: {kind} is no type that JSON can be")
    # True is an int to Python, not to JSON.
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind is not bool and kind is not object):
        raise HttpError(400, f"{where}: expected {_json_name(kind)}, got {_json_name(type(value))}")


def _json_name(kind: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a whole number"}
    return names.get(
        kind, "null" if kind is type(None) else "a number" if kind is float else str(getattr(kind, "__name__", kind))
    )


def _one_of_models(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    failure: HttpError | None = None
    for kind in kinds:
        if kind is not type(None):
            try:
                return model_of(kind, value, where)
            except HttpError as error:
                failure = failure or error
    raise failure or HttpError(400, f"{where}: expected null")


@lru_cache(256)
def _fields(annotation: Any) -> dict[str, Any]:
    return typing.get_type_hints(annotation)


def _dataclass(annotation: Any, value: Any, where: str) -> Any:
    _expect(dict, value, where)
    kinds = _fields(annotation)
    arguments = {}
    for field in dataclasses.fields(annotation):
        if not field.init:
            continue
        if field.name in value:
            arguments[field.name] = model_of(kinds[field.name], value[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise HttpError(400, f"{where}.{field.name} is missing")
    try:
        return annotation(**arguments)
    except (TypeError, ValueError) as error:
        # What the class's own __post_init__ refuses.
        raise HttpError(400, f"{where}: {error}") from None


def _typed_dict(annotation: Any, value: Any, where: str) -> Any:
    _expect(dict, value, where)
    made = dict(value)
    for name, kind in _fields(annotation).items():
        if name in value:
            made[name] = model_of(kind, value[name], f"{where}.{name}")
        elif name in annotation.__required_keys__:
            raise HttpError(400, f"{where}.{name} is missing")
    return made


def _validated(validate: Callable[[Any], Any], value: Any) -> Any:
    try:
        return validate(value)
    except ValueError as error:
        errors = getattr(error, "errors", None)
        if errors is None:
            raise HttpError(400, f"body: {error}") from None
        texts = [f"{'.'.join(['body', *map(str, it['loc'])])}: {it['msg']}" for it in errors()]
        raise HttpError(400, "; ".join(texts)) from None


def json_value(value: Any) -> Any:
    """Returns a result as plain JSON values: dataclasses and pydantic models become dicts. For `json.dumps`' ``default``."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be sent as JSON")
