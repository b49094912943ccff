"""Placeholders of a statement: ``%s`` and ``%(name)s`` become ``$1``, ``$2``, …, which the database knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from mattermost_plugin.db._errors import ProgrammingError

__all__ = ["Parameters", "Template", "template"]

Parameters = Sequence[Any] | Mapping[str, Any]

#: What hides placeholders: texts, names, comments. The comment in a comment is one that hardly anybody writes.
_HIDDEN: Final = r"""
    [eE]'(?:[^'\\]|\\.|'')*'
  | '(?:[^']|'')*'
  | "(?:[^"]|"")*"
  | --[^\r\n]*
  | /\*(?:(?!\*/).)*\*/
  | \$(?P<tag>(?:[^\W\d]\w*)?)\$(?:(?!\$(?P=tag)\$).)*\$(?P=tag)\$
"""

_PIECE: Final = re.compile(
    rf"(?P<hidden>{_HIDDEN})|(?<![\w$])\$(?P<native>\d+)|%(?:\((?P<name>[^)]*)\))?(?P<code>.)?", re.VERBOSE | re.DOTALL
)
_PERCENT: Final = re.compile(r"%(.)?", re.DOTALL)


class Template(NamedTuple):
    """A statement with its placeholders replaced.

    Attributes:
        text: With ``$1``, ``$2``, …
        names: Names of the arguments in order; ``None`` when they are given by position.
    """

    text: str
    names: tuple[str, ...] | None

    def arguments(self, parameters: Parameters) -> Sequence[Any]:
        """Returns the arguments in order.

        Raises:
            ProgrammingError: They are not of the kind that the statement wants, or one is missing.
        """
        if isinstance(parameters, (str, bytes, bytearray)):
            raise ProgrammingError(f"the parameters are one {type(parameters).__name__}; give a list or tuple of them")
        if isinstance(parameters, Mapping):
            if self.names is None:
                raise ProgrammingError("the statement has placeholders without names, so give a list or tuple")
            missing = [name for name in self.names if name not in parameters]
            if missing:
                raise ProgrammingError(f"there is no parameter for %({missing[0]})s")
            return [parameters[name] for name in self.names]
        if self.names:
            raise ProgrammingError("the statement has placeholders with names, so give a dict")
        return parameters


@lru_cache(maxsize=512)
def template(statement: str) -> Template:
    """Reads a statement that is executed with parameters.

    ``%s`` stands for the next of a sequence, ``%(name)s`` for one of a mapping, ``%%`` for a percent sign. A statement with ``$1``
    is left as it is, percent signs too.

    Raises:
        ProgrammingError: The placeholders make no sense.
    """
    names: dict[str, int] = {}
    positional = 0
    native = False
    parts: list[str] = []
    end = 0
    for match in _PIECE.finditer(statement):
        parts.append(statement[end : match.start()])
        end = match.end()
        if match["native"] is not None:
            native = True
            parts.append(match[0])
        elif match["hidden"] is not None:
            parts.append(_Hidden(match[0]))
        elif match["code"] == "%" and match["name"] is None:
            parts.append("%")
        elif match["code"] != "s":
            parts.append(_Wrong(match[0]))
        elif match["name"] is not None:
            parts.append(f"${names.setdefault(match['name'], len(names) + 1)}")
        else:
            positional += 1
            parts.append(f"${positional}")
    parts.append(statement[end:])
    if native:
        if positional or names:
            raise ProgrammingError("the statement has both %s and $1 for placeholders")
        return Template(statement, None)
    if positional and names:
        raise ProgrammingError("the statement has placeholders with names and without")
    text = "".join(part.checked() if isinstance(part, (_Hidden, _Wrong)) else part for part in parts)
    return Template(text, tuple(names) if names or not positional else None)


class _Hidden(str):
    """A text, name or comment."""

    __slots__ = ()

    def checked(self) -> str:
        """Returns it with single percent signs."""
        return _PERCENT.sub(self._percent, self)

    @staticmethod
    def _percent(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        if match[1] in ("s", "("):
            raise ProgrammingError("a placeholder stands in quotes or in a comment; take the quotes away")
        raise ProgrammingError("with parameters, write %% for a percent sign, in quotes too")


class _Wrong(str):
    """A percent sign that means nothing."""

    __slots__ = ()

    def checked(self) -> str:
        """Says what is wrong."""
        raise ProgrammingError(
            f"{str(self)!r} is no placeholder: there are %s and %(name)s; write %% for a percent sign"
        )
