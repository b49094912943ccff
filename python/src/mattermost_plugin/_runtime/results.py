"""What a handler returned, turned into the fields of the hook's response; and what is refused, with what would be accepted.

One converter is made per handler when the plugin starts, from the hook's outcome and the table of its response:

==================  ==========================================================================================
outcome             accepted
==================  ==========================================================================================
verdict             ``Allow``, ``Replace(x)``, ``Reject("why")``, ``Dismiss`` (where dismissible), ``x``, ``None``,
                    ``(x, "")``, ``(None, "why")``
rejection           ``Allow``, ``Reject("why")``, ``"why"``, ``""``, ``None``
value, no field     anything; what is not ``None`` is ignored with one warning
value, one field    a value of the field's type; a dict for a model; a text where the hook has a field for it
==================  ==========================================================================================

What distinguishes single hooks is in the generated `HookSpec`: no hook is known here by its name.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin._runtime import codec_kinds as kinds
from mattermost_plugin._runtime.codec import resolve
from mattermost_plugin._runtime.from_fields import from_fields
from mattermost_plugin._runtime.parts import result_fields
from mattermost_plugin._runtime.signatures import result_text
from mattermost_plugin.errors import HookRejected, HookResultError
from mattermost_plugin.verdicts import Allow, Dismiss, Reject, Replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from mattermost_plugin._generated.hooks import HookSpec

    #: (what the handler returned, the hook's arguments) → the response's fields
    Converter = Callable[[object, tuple[Any, ...]], tuple[object, ...]]

__all__ = ["make_converter", "shown"]

#: Mattermost's own word for dropping a new post silently.
DISMISS_REASON: Final = "plugin.message_will_be_posted.dismiss_post"

_log = logging.getLogger("mattermost_plugin.runtime")


def make_converter(spec: HookSpec, label: str) -> Converter:
    """Returns what turns the results of one handler into the response's fields.

    Args:
        spec: The handler's hook.
        label: The handler, for error texts.
    """
    fields = result_fields(spec)
    if spec.outcome == "verdict":
        return _Verdict(spec, label, fields[0])
    if spec.outcome == "rejection":
        return _Rejection(spec, label)
    if not fields or spec.stream == "http_exchange":
        return _Nothing(spec, label)
    if spec.refuses_by_error:
        return _ReplaceOrFail(spec, label, fields[0])
    if len(fields) == 1:
        return _Single(spec, label, fields[0])
    return _Several(spec, label, fields)


class _Base:
    """What every converter knows."""

    def __init__(self, spec: HookSpec, label: str) -> None:
        self._spec = spec
        self._label = label

    def _refuse(self, result: object, why: str = "") -> HookResultError:
        """Returns the error for a result that the hook cannot take."""
        reason = f" ({why})" if why else ""
        return HookResultError(
            f"{self._label} returned {shown(result)}{reason}, but {self._spec.go} takes: {result_text(self._spec)}"
        )

    def _model(self, value: object, field: kinds.Field) -> object:
        """Returns `value` as the model of the field: itself, or made of a dict.

        Raises:
            HookResultError: It is neither.
        """
        cls, _ = resolve(field[3])
        if cls is None or isinstance(value, cls):
            return value
        if isinstance(value, dict):
            try:
                return from_fields(cls, value)
            except TypeError as error:
                raise self._refuse(value, str(error)) from None
        raise self._refuse(value)


class _Nothing(_Base):
    """The hook has no result; a mistaken one hurts nobody, but is said once."""

    _told = False

    def __call__(self, result: object, args: tuple[Any, ...]) -> tuple[object, ...]:
        if isinstance(result, BaseException):
            raise result
        if isinstance(result, Reject):
            raise HookRejected(result.reason)
        if result is not None and not isinstance(result, Allow) and result is not Allow and not self._told:
            self._told = True
            _log.warning(
                "%s returned %s, which is ignored: %s has no result%s",
                self._label,
                shown(result),
                self._spec.go,
                "; to refuse, raise HookRejected" if self._spec.outcome == "error" else "",
            )
        return ()


class _Rejection(_Base):
    """The hook asks for a reason to refuse, or nothing."""

    def __call__(self, result: object, args: tuple[Any, ...]) -> tuple[object, ...]:
        if result is None or result is Allow or isinstance(result, Allow):
            return ("",)
        if isinstance(result, Reject):
            return (result.reason,)
        if isinstance(result, str):
            return (result,)
        raise self._refuse(result)


class _Verdict(_Base):
    """The hook asks for a replacement or a reason to refuse."""

    def __init__(self, spec: HookSpec, label: str, field: kinds.Field) -> None:
        super().__init__(spec, label)
        self._field = field
        # Where the server takes "nothing" for a refusal, allowing means giving an argument back.
        self._echoed = spec.params.index(spec.allow_returns) if spec.allow_returns else None

    def __call__(self, result: object, args: tuple[Any, ...]) -> tuple[object, ...]:
        value, reason = self._decide(result)
        if value is None and not reason and self._echoed is not None:
            value = args[self._echoed]
        return value, reason

    def _decide(self, result: object) -> tuple[object, str]:
        if result is None or result is Allow or isinstance(result, Allow):
            return None, ""
        if isinstance(result, Replace):
            return self._model(result.value, self._field), ""
        if isinstance(result, Reject):
            return None, result.reason
        if result is Dismiss or isinstance(result, Dismiss):
            if not self._spec.dismissible:
                raise self._refuse(result, "only new posts can be dismissed")
            return None, DISMISS_REASON
        if isinstance(result, tuple):
            return self._pair(result)
        if isinstance(result, str):
            raise self._refuse(result, "a text alone is neither a replacement nor a refusal: return Reject(text)")
        return self._model(result, self._field), ""

    def _pair(self, result: tuple[object, ...]) -> tuple[object, str]:
        if len(result) != 2 or not isinstance(result[1], (str, type(None))):
            raise self._refuse(result, "a pair is (replacement or None, reason or '')")
        value, reason = result[0], str(result[1] or "")
        if reason:
            return None, reason
        return (None if value is None else self._model(value, self._field)), ""


class _ReplaceOrFail(_Verdict):
    """Like a verdict, where refusing is an error of the call: ``ConfigurationWillBeSaved``."""

    def __call__(self, result: object, args: tuple[Any, ...]) -> tuple[object, ...]:
        value, reason = self._decide(result)
        if reason:
            raise HookRejected(reason)
        return (value,)


class _Single(_Base):
    """The hook has one result."""

    def __init__(self, spec: HookSpec, label: str, field: kinds.Field) -> None:
        super().__init__(spec, label)
        self._field = field

    def __call__(self, result: object, args: tuple[Any, ...]) -> tuple[object, ...]:
        if self._spec.text_field:
            return (self._answer(result),)
        return (self._checked(result, self._field),)

    def _answer(self, result: object) -> object:
        """A text is a model with that text; nothing is an empty model, since the server takes no answer for a failure."""
        if result is None:
            result = {}
        elif isinstance(result, str):
            result = {**dict(self._spec.text_with), self._spec.text_field: result}
        return self._model(result, self._field)

    def _checked(self, result: object, field: kinds.Field) -> object:
        kind = field[2]
        if kinds.is_repeated(kind):
            if result is None:
                return []
            if not isinstance(result, (list, tuple)):
                raise self._refuse(result)
            return [self._one(item, field) for item in result]
        if result is None and kinds.is_optional(kind):
            return None
        if result is None and kinds.base_of(kind) == kinds.MESSAGE:
            # The server cannot take "nothing" here; an empty value says the same.
            result = {}
        return self._one(result, field)

    def _one(self, value: object, field: kinds.Field) -> object:
        base = kinds.base_of(field[2])
        if base == kinds.MESSAGE:
            return self._model(value, field)
        if not isinstance(value, _PYTHON_TYPES.get(base, object)) or (
            isinstance(value, bool) and base in kinds.INTEGERS
        ):
            raise self._refuse(value)
        return value


class _Several(_Single):
    """The hook has several results, returned as a tuple."""

    def __init__(self, spec: HookSpec, label: str, fields: tuple[kinds.Field, ...]) -> None:
        super().__init__(spec, label, fields[0])
        self._fields = fields

    def __call__(self, result: object, args: tuple[Any, ...]) -> tuple[object, ...]:
        if not isinstance(result, tuple) or len(result) != len(self._fields):
            raise self._refuse(result)
        return tuple(self._checked(value, field) for value, field in zip(result, self._fields, strict=True))


_PYTHON_TYPES: Final[dict[int, type | tuple[type, ...]]] = {
    kinds.BOOL: bool,
    2: int,
    3: int,
    4: int,
    5: int,
    6: (int, float),
    7: (int, float),
    kinds.STRING: str,
    kinds.BYTES: (bytes, bytearray, memoryview),
    kinds.STRING_ENUM: str,
    kinds.INT_ENUM: int,
    kinds.MAP: dict,
}


def shown(value: object) -> str:
    """Returns a value short enough for an error's text: models and long texts by their type."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str) and len(value) <= 40:
        return repr(value)
    if isinstance(value, tuple) and len(value) <= 3:
        return f"({', '.join(shown(item) for item in value)})"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    article = "an" if type(value).__name__[:1].lower() in "aeiou" else "a"
    return f"{article} {type(value).__name__}"
