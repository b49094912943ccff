"""Cases of the simulator's database alone: what it makes of PostgreSQL's SQL, and what it refuses."""

from datetime import datetime, timezone

from cases import raises, table

from mattermost_plugin import db


def case_postgres_words():
    with table("id serial primary key, at timestamptz default now(), name text") as t, db.connect() as connection:
        first = connection.execute(f"INSERT INTO {t} (name) VALUES (%s) RETURNING id, at", ["A"]).fetchone()
        assert first[0] == 1
        assert isinstance(first[1], datetime)
        assert first[1].tzinfo is timezone.utc
        assert connection.execute(f"SELECT id::text FROM {t} WHERE name ILIKE %s FOR UPDATE", ["a"]).fetchall() == [
            ("1",)
        ]


def case_what_it_does_not_have():
    with db.connect(autocommit=True) as connection:
        error = raises(db.ProgrammingError, connection.execute, "SELECT DISTINCT ON (a) a FROM (SELECT 1 AS a) b")
        assert "SQLite" in error.hint
        error = raises(db.ProgrammingError, connection.execute, "SELECT * FROM users")
        assert "no tables but the plugins' own" in error.hint
        raises(db.NotSupportedError, connection.execute, "SELECT '{1}'::int[]")
        raises(db.NotSupportedError, connection.execute, "CREATE TABLE x (a serial)")


def case_a_replica_refuses_changes():
    with table() as t, db.connect(replica=True, autocommit=True) as connection:
        error = raises(db.InternalError, connection.execute, f"INSERT INTO {t} VALUES (1, 'a')")
        assert error.sqlstate == "25006"


def case_a_writer_that_waits_too_long():
    with table() as t, db.connect() as one, db.connect() as other:
        one.execute(f"INSERT INTO {t} VALUES (1, 'a')")
        error = raises(db.OperationalError, other.execute, f"INSERT INTO {t} VALUES (2, 'a')")
        assert error.sqlstate == "55P03"
        one.rollback()
        other.rollback()
