"""`%s` and `%(name)s` become `$1`; quotes and comments hide them."""

from __future__ import annotations

import pytest

from mattermost_plugin.db import ProgrammingError
from mattermost_plugin.db._placeholders import template


@pytest.mark.parametrize(
    ("statement", "text", "names"),
    [
        ("SELECT 1", "SELECT 1", ()),
        ("SELECT %s, %s", "SELECT $1, $2", None),
        ("SELECT %(a)s, %(b c)s, %(a)s", "SELECT $1, $2, $1", ("a", "b c")),
        ("SELECT 5 %% %s", "SELECT 5 % $1", None),
        ("SELECT $2, $1", "SELECT $2, $1", None),
        ("SELECT $1 LIKE 'a%'", "SELECT $1 LIKE 'a%'", None),
        ("SELECT '%%', %s", "SELECT '%', $1", None),
        ("SELECT '''%%', %s", "SELECT '''%', $1", None),
        (r"SELECT E'\'%%', %s", r"SELECT E'\'%', $1", None),
        (r"SELECT '\', %s", r"SELECT '\', $1", None),
        ('SELECT "a%%b", %s', 'SELECT "a%b", $1', None),
        ("SELECT %s -- 100%% ' \n, %s", "SELECT $1 -- 100% ' \n, $2", None),
        ("SELECT /* ' %% */ %s", "SELECT /* ' % */ $1", None),
        ("SELECT $$ ' %% $$, %s", "SELECT $$ ' % $$, $1", None),
        ("SELECT $a$ $$ %% $a$, %s", "SELECT $a$ $$ % $a$, $1", None),
        ("SELECT a$1, %s", "SELECT a$1, $1", None),
        ("SELECT '$1', %s", "SELECT '$1', $1", None),
    ],
)
def test_statements(statement: str, text: str, names: tuple[str, ...] | None) -> None:
    made = template(statement)
    assert made.text == text
    assert made.names == names


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        ("SELECT %s, %(a)s", "with names and without"),
        ("SELECT %s, $1", "both %s and $1"),
        ("SELECT '%s'", "take the quotes away"),
        ("SELECT %s -- and %(a)s", "take the quotes away"),
        ("SELECT 'a%', %s", "write %% for a percent sign"),
        ("SELECT %d", "'%d' is no placeholder"),
        ("SELECT 100%", "is no placeholder"),
        ("SELECT %(a)d", "is no placeholder"),
    ],
)
def test_what_makes_no_sense_is_refused(statement: str, part: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        template(statement)
    assert part in str(caught.value)


def test_arguments() -> None:
    assert template("SELECT %(b)s, %(a)s").arguments({"a": 1, "b": 2, "c": 3}) == [2, 1]
    assert template("SELECT %s").arguments((5,)) == (5,)
    for statement, parameters in [
        ("SELECT %(a)s", [1]),
        ("SELECT %(a)s", {}),
        ("SELECT %s", {"a": 1}),
        ("SELECT %s", "x"),
        ("SELECT %s", b"x"),
    ]:
        with pytest.raises(ProgrammingError):
            template(statement).arguments(parameters)
