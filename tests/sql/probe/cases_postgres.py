"""Cases of PostgreSQL alone: its types, and how its statements are rewritten where a server could not send what they give."""

import os
import time as clock
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

from cases import limited, raises, table

from mattermost_plugin import db

NOON = "'2024-02-29 12:00:00+00'::timestamptz"
UTC_NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


def case_types():
    samples = [
        ("1::smallint", "INT2", 1),
        ("1::int", "INT4", 1),
        ("9223372036854775807::bigint", "INT8", 2**63 - 1),
        ("1.5::real", "FLOAT4", 1.5),
        ("0.1::float8", "FLOAT8", 0.1),
        ("12.340::numeric", "NUMERIC", Decimal("12.340")),
        ("'NaN'::numeric", "NUMERIC", "NaN"),
        ("true", "BOOL", True),
        ("'a'::text", "TEXT", "a"),
        ("'a'::varchar(5)", "VARCHAR", "a"),
        ("'a'::char(3)", "BPCHAR", "a  "),
        ("'a'::name", "NAME", "a"),
        ("'\\x00ff'::bytea", "BYTEA", b"\0\xff"),
        ("'12345678-1234-5678-1234-567812345678'::uuid", "UUID", uuid.UUID("12345678-1234-5678-1234-567812345678")),
        ("""'{"a": [1, 2.5, null]}'::jsonb""", "JSONB", {"a": [1, 2.5, None]}),
        ("'[1]'::json", "JSON", [1]),
        ("'1 day 02:03:04.5'::interval", "INTERVAL", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("'-1 day +02:00'::interval", "INTERVAL", timedelta(days=-1, hours=2)),
        ("'-02:03'::interval", "INTERVAL", -timedelta(hours=2, minutes=3)),
        ("'1 year 2 mons'::interval", "INTERVAL", timedelta(days=365 + 60)),
        ("'{1,NULL,3}'::int[]", "_INT4", [1, None, 3]),
        ("'{{1,2},{3,4}}'::bigint[]", "_INT8", [[1, 2], [3, 4]]),
        ("'{}'::text[]", "_TEXT", []),
        ("""array['a"b', 'c\\d', 'e,f', '', 'NULL', 'ü {}']""", "_TEXT", ['a"b', "c\\d", "e,f", "", "NULL", "ü {}"]),
        ("array[true, false]", "_BOOL", [True, False]),
        ("array['2024-02-29'::date]", "_DATE", [date(2024, 2, 29)]),
        ("array[1.5, 2]", "_NUMERIC", [Decimal("1.5"), Decimal(2)]),
        ("array['\\x01'::bytea]", "_BYTEA", [b"\1"]),
        ("5::oid", "OID", 5),
        ("'[1,5)'::int4range", "INT4RANGE", "[1,5)"),
        ("'127.0.0.1'::inet", "INET", "127.0.0.1"),
        ("NULL::int", "INT4", None),
        (NOON, "TIMESTAMPTZ", UTC_NOON),
        ("'2024-02-29 12:00:00.5'::timestamp", "TIMESTAMP", datetime(2024, 2, 29, 12, 0, 0, 500000)),
        ("'infinity'::timestamptz", "TIMESTAMPTZ", "infinity"),
        ("'0044-03-15 BC'::date", "DATE", "0044-03-15 BC"),
        ("'2024-02-29'::date", "DATE", date(2024, 2, 29)),
        ("'01:02:03'::time", "TIME", time(1, 2, 3)),
        ("'01:02:03-03:30'::timetz", "TIMETZ", time(1, 2, 3, tzinfo=timezone(-timedelta(hours=3, minutes=30)))),
    ]
    with db.connect() as connection:
        for expression, type_name, expected in samples:
            cursor = connection.execute(f"SELECT {expression} AS x")
            assert cursor.description[0][:2] == ("x", type_name), (expression, cursor.description)
            (got,) = cursor.fetchone()
            if expected == "NaN":
                assert got.is_nan()
                continue
            assert got == expected, (expression, got)
            assert type(got) is type(expected), (expression, got)
        cursor = connection.execute("SELECT 1.50::numeric(10, 2)")
        assert cursor.description[0][4:6] == (10, 2)
        connection.execute("CREATE TYPE pg_temp.mood AS ENUM ('fine', 'bad')")
        cursor = connection.execute("SELECT 'fine'::pg_temp.mood")
        assert cursor.fetchone() == ("fine",)
        connection.rollback()


def case_arguments():
    later = timezone(timedelta(hours=-8))
    samples = [
        ("%s::timestamptz", UTC_NOON, UTC_NOON),
        ("%s::timestamptz", datetime(2024, 2, 29, 4, tzinfo=later), UTC_NOON),
        ("%s::timestamp", datetime(2024, 2, 29, 12, 0, 0, 1), datetime(2024, 2, 29, 12, 0, 0, 1)),
        ("%s::date", date(2024, 2, 29), date(2024, 2, 29)),
        ("%s::time", time(1, 2, 3, 4), time(1, 2, 3, 4)),
        ("%s::timetz", time(1, 2, tzinfo=timezone.utc), time(1, 2, tzinfo=timezone.utc)),
        ("%s::interval", timedelta(days=-3, seconds=5, microseconds=7), timedelta(days=-3, seconds=5, microseconds=7)),
        ("%s::numeric", Decimal("-1.50"), Decimal("-1.50")),
        ("%s::numeric", 2**100, Decimal(2**100)),
        ("%s::int", 5, 5),
        ("%s + 1", 5, 6),
        ("%s::float8", float("inf"), float("inf")),
        ("%s::int[]", [1, None], [1, None]),
        ("%s::int[]", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ("%s::text[]", ['a"\\', "", "NULL", "{,}"], ['a"\\', "", "NULL", "{,}"]),
        ("%s::bytea[]", [b"\0\xff"], [b"\0\xff"]),
        ("%s::bool[]", [True, False], [True, False]),
        ("%s::jsonb", {"a": 1}, {"a": 1}),
        ("%s::jsonb", db.Json([1, "x"]), [1, "x"]),
        ("3 = ANY(%s)", [1, 2, 3], True),
        ("%s", "as text", "as text"),
        ("%s", 5, "5"),
        ("%s::bytea", b"\0", b"\0"),
        ("%s::int IS NULL", None, True),
    ]
    with db.connect() as connection:
        for expression, given, expected in samples:
            (got,) = connection.execute(f"SELECT {expression}", [given]).fetchone()
            assert got == expected, (expression, given, got)


def case_queries_with_times():
    rows = [(n, UTC_NOON + timedelta(days=n)) for n in range(300)]
    with table("id integer, at timestamptz") as t, db.connect() as connection:
        connection.executemany(f"INSERT INTO {t} VALUES (%s, %s)", rows)
        for statement in [
            f"SELECT id, at FROM {t} ORDER BY id",
            f"SELECT id, at FROM {t} ORDER BY at; -- the end",
            f"(SELECT id, at FROM {t}) ORDER BY 1",
            f"SELECT * FROM {t} ORDER BY id",
            f"TABLE {t} ORDER BY id",
            f"WITH x AS (SELECT * FROM {t}) SELECT id, at FROM x ORDER BY id",
            f"SELECT id, at FROM {t} ORDER BY id FOR UPDATE",
        ]:
            for _ in range(2):
                cursor = connection.execute(statement)
                assert [column[:2] for column in cursor.description] == [("id", "INT4"), ("at", "TIMESTAMPTZ")]
                assert cursor.fetchall() == rows, statement
        values = connection.execute("VALUES (1, %s::date), (2, NULL) ORDER BY 1", [date(2024, 1, 1)]).fetchall()
        assert values == [(1, date(2024, 1, 1)), (2, None)]
        same = connection.execute(f"SELECT {NOON} AS a, 1 AS a, {NOON} AS a")
        assert [column[0] for column in same.description] == ["a", "a", "a"]
        assert same.fetchall() == [(UTC_NOON, 1, UTC_NOON)]


def case_changes_with_times():
    with table("id integer primary key, at timestamptz default now()") as t:
        for autocommit in (False, True):
            with db.connect(autocommit=autocommit) as connection:
                for n in range(3):
                    key = 10 * n + autocommit
                    mark = int(autocommit)
                    moved = f"UPDATE {t} SET at = {NOON} WHERE id = %s RETURNING"
                    for statement in [
                        f"INSERT INTO {t} (id) VALUES (%s) RETURNING id, at, {mark}",
                        f"{moved} id, at, {mark}",
                        f"WITH x AS ({moved} *) SELECT id, at, {mark} FROM x",
                        f"WITH x AS (SELECT %s::int AS i) DELETE FROM {t} USING x WHERE id = i RETURNING id, at, {mark}",
                        f"INSERT INTO {t} (id) VALUES (%s) RETURNING *, {mark}",
                    ]:
                        cursor = connection.execute(statement, [key])
                        ((got, at, _),) = cursor.fetchall()
                        assert got == key, statement
                        assert isinstance(at, datetime), statement
                        assert at.tzinfo is timezone.utc
                        assert cursor.rowcount == 1
        with db.connect() as connection:
            # Each was executed once, although it was tried first.
            assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (6,)


def case_a_change_that_fails_in_its_trial():
    with table("id integer primary key, at timestamptz default now()", [(1, UTC_NOON)]) as t:
        with db.connect(autocommit=True) as connection:
            raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} (id) VALUES (1) RETURNING at, 1")
            assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (1,)
        with db.connect() as connection:
            raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} (id) VALUES (1) RETURNING at, 2")
            raises(db.InternalError, connection.execute, "SELECT 1")
            connection.rollback()
            assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (1,)


def case_a_query_has_no_effect_twice():
    with db.connect() as connection:
        connection.execute("CREATE TEMP SEQUENCE counter")
        for expected in (1, 2, 3):
            row = connection.execute(f"SELECT nextval('counter'), {NOON}").fetchone()
            assert row == (expected, UTC_NOON)
        connection.rollback()


def case_what_cannot_be_rewritten_is_refused():
    with table("at timestamptz", [(UTC_NOON,)]) as t, db.connect() as connection:
        connection.execute(f"DECLARE c CURSOR FOR SELECT at, at::text AS text FROM {t}")
        error = raises(db.NotSupportedError, connection.execute, "FETCH 1 FROM c")
        assert "at (TIMESTAMPTZ)" in str(error)
        assert "at::text" in str(error)
        # The connection lives, and so does the transaction.
        connection.execute(f"DECLARE d CURSOR FOR SELECT at::text FROM {t}")
        assert connection.execute("FETCH 1 FROM d").fetchone()[0].startswith("2024-02-29")
        assert connection.execute("SHOW server_version_num").fetchone()[0].isdigit()
        assert connection.execute("EXPLAIN SELECT 1").fetchall()


def case_columns_that_change():
    with table("id integer, at text", [(1, "x")]) as t, db.connect() as connection:
        statement = f"SELECT id, at FROM {t}"
        assert connection.execute(statement).fetchall() == [(1, "x")]
        connection.execute(f"ALTER TABLE {t} ALTER at TYPE timestamptz USING {NOON}")
        error = raises(db.OperationalError, connection.execute, statement)
        assert error.sqlstate == "40001"
        assert connection.execute(statement).fetchall() == [(1, UTC_NOON)]
        everything = f"SELECT * FROM {t}"
        assert connection.execute(everything).fetchall() == [(1, UTC_NOON)]
        connection.execute(f"ALTER TABLE {t} ADD COLUMN more integer DEFAULT 7")
        assert connection.execute(everything).fetchall() == [(1, UTC_NOON, 7)]
        connection.execute(f"ALTER TABLE {t} ALTER at TYPE integer USING 5")
        assert connection.execute(everything).fetchall() == [(1, 5, 7)]


def case_places_of_errors():
    with db.connect(autocommit=True) as connection:
        statement = "SELECT 'ä', oops FROM (SELECT 1) x"
        for _ in range(2):
            error = raises(db.ProgrammingError, connection.execute, statement)
            assert error.position == statement.index("oops") + 1
        error = raises(db.ProgrammingError, connection.execute, "  DELETE FROM no_such_table")
        assert error.position == 15
        error = raises(db.ProgrammingError, connection.execute, "SELECT 1 +")
        assert error.sqlstate == "42601"
        error = raises(db.DataError, connection.execute, "SELECT 1 / (1 - 1)")
        assert error.sqlstate == "22012"
        error = raises(db.DataError, connection.execute, "SELECT %s::int", ["x"])
        assert error.sqlstate == "22P02"


def case_an_error_in_the_middle_of_rows():
    with db.connect() as connection:
        cursor = connection.execute("SELECT 1 / (1000 - n) FROM generate_series(1, 2000) n")
        error = raises(db.DataError, cursor.fetchall)
        assert error.sqlstate == "22012"
        raises(db.ProgrammingError, cursor.fetchone)
        raises(db.InternalError, connection.execute, "SELECT 1")
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def sessions_leave_nothing_behind():
    """For a pool of one connection, which both sessions are."""
    with db.connect() as connection:
        backend = connection.execute("SELECT pg_backend_pid()").fetchone()
        connection.execute("SET statement_timeout = '77s'")
        connection.execute("SET application_name = 'left behind'")
        connection.execute("CREATE TEMP TABLE left_behind (id int)")
        connection.execute("SELECT pg_advisory_lock(42)")
    with db.connect() as connection:
        assert connection.execute("SELECT pg_backend_pid()").fetchone() == backend
        assert connection.execute("SHOW statement_timeout").fetchone() != ("77s",)
        assert connection.execute("SHOW application_name").fetchone() != ("left behind",)
        assert connection.execute("SELECT to_regclass('pg_temp.left_behind')").fetchone() == (None,)
        assert connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)


def case_isolation_reaches_the_database():
    for level in ("read committed", "repeatable read", "serializable"):
        with db.connect(isolation_level=level, read_only=True) as connection:
            assert connection.execute("SHOW transaction_isolation").fetchone() == (level,)
            assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)


def case_database_administrators_see_whose_statement_it_is():
    with db.connect() as connection:
        query = connection.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()[0]
        assert query.startswith("/*mattermost-plugin org.example.sql-probe ")


def change_and_sleep(table_name):
    """For faults: changes something, then waits in the database."""
    connection = db.connect(timeout=None)
    connection.execute(f"INSERT INTO {table_name} VALUES (1)")
    connection.execute("SELECT pg_sleep(600)")


def change_and_read(table_name):
    """For faults: changes something, then waits in the middle of rows."""
    connection = db.connect(timeout=None)
    connection.execute(f"INSERT INTO {table_name} VALUES (1)")
    cursor = connection.execute("SELECT n FROM generate_series(1, 1000000) n")
    cursor.fetchmany(10)
    clock.sleep(600)


def prepare_and_sleep(table_name):
    """For faults: waits within a prepared statement."""
    connection = db.connect(timeout=None)
    connection.executemany(f"INSERT INTO {table_name} SELECT n FROM (SELECT pg_sleep(%s), 1 AS n) x", [(0,), (600,)])


def lose_the_connection_while_reading():
    """For faults: another session ends this one in the middle of its rows."""
    with db.connect(autocommit=True) as other:
        connection = db.connect()
        (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        cursor = connection.execute("SELECT n, repeat('x', 1000) FROM generate_series(1, 1000000) n")
        cursor.fetchmany(10)
        assert other.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() == (True,)
        error = raises(db.OperationalError, cursor.fetchall)
        assert error.connection_lost
        assert connection.closed
        raises(db.InterfaceError, connection.execute, "SELECT 1")
        raises(db.InterfaceError, connection.commit)
        connection.close()
        assert other.execute("SELECT 1").fetchone() == (1,)


def lose_the_connection_between_statements():
    with db.connect(autocommit=True) as other:
        connection = db.connect()
        (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert other.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() == (True,)
        error = raises(db.OperationalError, connection.execute, "SELECT 2")
        assert error.connection_lost
        connection.close()


def take_all_connections(count):
    """For faults: opens as many connections as the pool has."""
    connections = [db.connect() for _ in range(count)]
    error = raises(db.StatementTimeoutError, db.connect, timeout=0.3)
    assert error.connection_lost
    for connection in connections:
        connection.close()
    # The one that came too late is given back as well.
    for _ in range(3):
        connections = [db.connect() for _ in range(count)]
        for connection in connections:
            connection.close()


def fork():
    connection = db.connect()
    connection.execute("SELECT 1")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            raises(db.InterfaceError, connection.execute, "SELECT 2")
            raises(db.InterfaceError, db.connect)
            connection.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert connection.execute("SELECT 3").fetchone() == (3,)
    connection.close()


def is_busy():
    """Whether another session sleeps in the database, or waits there until somebody reads."""
    with db.connect() as connection:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event IN ('PgSleep', 'ClientWrite')"
        return connection.execute(waits).fetchone() != (0,)


def make_table(table_name):
    with db.connect() as connection:
        connection.execute(f"CREATE TABLE {table_name} (n integer)")


def count_rows(table_name):
    with db.connect() as connection:
        return connection.execute(f"SELECT count(*) FROM {table_name}").fetchone()[0]


def read_much(count):
    """For memory: reads so many rows of a kilobyte."""
    with db.connect(timeout=None) as connection:
        cursor = connection.execute("SELECT n, repeat('x', 1000) FROM generate_series(1, %s) n", [count])
        return sum(len(text) for _, text in cursor)


def run_as_a_hook_would():
    """In a hook the hook's time is the limit."""
    with db.connect(timeout=None) as connection:
        try:
            connection.execute("SELECT pg_sleep(600)")
        except db.StatementTimeoutError:
            return "in time"
    return "not limited"


def case_sleeping_statements_are_cancelled():
    with db.connect() as connection:
        for seconds in (0.3, 0.001):
            with limited(connection, seconds):
                error = raises(db.StatementTimeoutError, connection.execute, "SELECT pg_sleep(600)")
            assert not error.connection_lost
            connection.rollback()
        cursor = connection.execute("SELECT n FROM generate_series(1, 10) n")
        assert len(cursor.fetchall()) == 10
    with db.connect(autocommit=True) as connection:
        for seconds in (0.3, 0.001):
            with limited(connection, seconds):
                sleep = "DO $$ BEGIN PERFORM pg_sleep(600); END $$"
                raises(db.StatementTimeoutError, connection.execute, sleep)
                raises(db.StatementTimeoutError, connection.executemany, sleep, [()])
                raises(db.StatementTimeoutError, connection.execute, "SELECT pg_sleep(600)")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def case_slow_rows_are_cancelled():
    with db.connect() as connection:
        cursor = connection.cursor()
        with limited(connection, 0.5):
            error = raises(
                db.StatementTimeoutError,
                lambda: cursor.execute("SELECT n, pg_sleep(0.01) FROM generate_series(1, 100000) n").fetchall(),
            )
        assert not error.connection_lost
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)
