"""Which exception an error of the host is."""

from __future__ import annotations

import pickle

import pytest

from mattermost_plugin import MattermostError, db
from mattermost_plugin._runtime.sql_protocol import TABLES
from mattermost_plugin.db._errors import from_host

FIELDS = [name for _, name, _, _ in TABLES["host.SqlError"][1]]


def error(**given: object) -> db.DatabaseError:
    values = {name: 0 if name in ("kind", "position") else name == "never" if name == "lost" else "" for name in FIELDS}
    return from_host(tuple({**values, **given}.values()))


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"kind": 1}, db.OperationalError),
        ({"kind": 2}, db.StatementTimeoutError),
        ({"kind": 3}, db.ProgrammingError),
        ({"kind": 4}, db.NotSupportedError),
        ({"sqlstate": "23505"}, db.IntegrityError),
        ({"sqlstate": "22012"}, db.DataError),
        ({"sqlstate": "42P01"}, db.ProgrammingError),
        ({"sqlstate": "0A000"}, db.NotSupportedError),
        ({"sqlstate": "40001"}, db.OperationalError),
        ({"sqlstate": "25P02"}, db.InternalError),
        ({"sqlstate": "57014"}, db.OperationalError),
        ({"sqlstate": "XX000"}, db.InternalError),
        ({"sqlstate": "ZZ000"}, db.DatabaseError),
        ({}, db.DatabaseError),
        # What a later host may have.
        ({"kind": 99}, db.DatabaseError),
    ],
)
def test_classes(given: dict[str, object], kind: type[db.DatabaseError]) -> None:
    assert type(error(**given)) is kind


def test_all_that_is_known_is_kept() -> None:
    made = error(
        message="no", sqlstate="23505", detail="Key", hint="Do", position=7, table="t", constraint="c", lost=True
    )
    copy = pickle.loads(pickle.dumps(made))  # noqa: S301
    for it in (made, copy):
        assert (it.message, it.sqlstate, it.position, it.table, it.constraint) == ("no", "23505", 7, "t", "c")
        assert it.connection_lost
        assert str(it) == "no\nDETAIL: Key\nHINT: Do"
    assert isinstance(made, MattermostError)


def test_without_a_host_there_is_no_database() -> None:
    from mattermost_plugin.errors import NotRunningError

    with pytest.raises(NotRunningError):
        db.connect()
