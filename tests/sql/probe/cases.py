"""Cases for any database: PEP 249, and what this module adds. Each function runs in the plugin's process, with a table of its own."""

import math
import pickle
import threading
import uuid
import warnings
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum

from mattermost_plugin import db


@contextmanager
def table(columns="id integer primary key, name text", rows=()):
    """A table of this case, with rows; it goes at the end."""
    name = f"t_{uuid.uuid4().hex}"
    with db.connect() as connection:
        connection.execute(f"CREATE TABLE {name} ({columns})")
        for row in rows:
            connection.execute(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(row))})", row)
    try:
        yield name
    finally:
        with db.connect() as connection:
            connection.execute(f"DROP TABLE {name}")


@contextmanager
def limited(connection, seconds):
    """A limit for what takes longer; what is quick has none, since a busy machine may be slow."""
    before, connection.timeout = connection.timeout, seconds
    try:
        yield
    finally:
        connection.timeout = before


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


# The module.


def case_module_globals():
    assert db.apilevel == "2.0"
    assert db.threadsafety == 2
    assert db.paramstyle == "pyformat"


def case_exceptions_are_a_tree():
    for child, parent in [
        (db.Warning, Exception),
        (db.Error, Exception),
        (db.InterfaceError, db.Error),
        (db.DatabaseError, db.Error),
        (db.DataError, db.DatabaseError),
        (db.OperationalError, db.DatabaseError),
        (db.IntegrityError, db.DatabaseError),
        (db.InternalError, db.DatabaseError),
        (db.ProgrammingError, db.DatabaseError),
        (db.NotSupportedError, db.DatabaseError),
        (db.StatementTimeoutError, db.OperationalError),
        (db.StatementTimeoutError, TimeoutError),
    ]:
        assert issubclass(child, parent), (child, parent)
    with db.connect() as connection:
        for name in ["Error", "Warning", "IntegrityError", "ProgrammingError", "NotSupportedError", "InterfaceError"]:
            assert getattr(connection, name) is getattr(db, name)


def case_constructors():
    assert db.Date(2024, 2, 29) == date(2024, 2, 29)
    assert db.Time(1, 2, 3) == time(1, 2, 3)
    assert db.Timestamp(2024, 2, 29, 1, 2, 3) == datetime(2024, 2, 29, 1, 2, 3)
    assert db.Binary(b"\0x") == b"\0x"
    assert isinstance(db.DateFromTicks(0), date)
    assert isinstance(db.TimeFromTicks(0), time)
    assert db.TimestampFromTicks(1.5).microsecond == 500000


def case_the_database_says_what_it_is():
    with db.connect() as connection:
        assert connection.dialect in ("postgresql", "sqlite")
        assert connection.server_version[0].isdigit()


# Cursors.


def case_description_and_rows():
    with table(rows=[(1, "a"), (2, None)]) as t, db.connect() as connection:
        cursor = connection.cursor()
        assert cursor.description is None
        assert cursor.rowcount == -1
        assert cursor.execute(f"SELECT id, name FROM {t} ORDER BY id") is cursor
        assert [column[0] for column in cursor.description] == ["id", "name"]
        assert all(len(column) == 7 for column in cursor.description)
        assert cursor.description[0][1] == db.NUMBER
        assert cursor.description[0][1] != db.STRING
        assert cursor.description[1][1] == db.STRING
        assert cursor.rownumber == 0
        assert cursor.fetchone() == (1, "a")
        assert cursor.rownumber == 1
        assert cursor.fetchone() == (2, None)
        assert cursor.fetchone() is None
        assert cursor.fetchone() is None
        assert cursor.fetchmany(5) == []
        assert cursor.fetchall() == []
        assert cursor.rowcount == 2
        assert cursor.connection is connection


def case_fetching():
    with table(rows=[(n, f"n{n}") for n in range(7)]) as t, db.connect() as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT id FROM {t} ORDER BY id")
        assert cursor.fetchmany() == [(0,)]
        cursor.arraysize = 2
        assert cursor.fetchmany() == [(1,), (2,)]
        assert cursor.fetchmany(0) == []
        assert cursor.fetchmany(3) == [(3,), (4,), (5,)]
        assert cursor.fetchall() == [(6,)]
        cursor.execute(f"SELECT id FROM {t} WHERE id > 100")
        assert cursor.fetchall() == []
        assert cursor.rowcount == 0
        assert cursor.description is not None
        cursor.execute(f"SELECT id FROM {t} ORDER BY id DESC")
        assert [row[0] for row in cursor] == [6, 5, 4, 3, 2, 1, 0]


def case_without_rows_fetching_is_an_error():
    with table() as t, db.connect() as connection:
        cursor = connection.cursor()
        raises(db.ProgrammingError, cursor.fetchone)
        cursor.execute(f"INSERT INTO {t} VALUES (1, 'a')")
        assert cursor.description is None
        for fetch in (cursor.fetchone, cursor.fetchmany, cursor.fetchall, lambda: next(cursor)):
            raises(db.ProgrammingError, fetch)


def case_rowcount():
    with table() as t, db.connect() as connection:
        cursor = connection.cursor()
        assert cursor.execute(f"INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')").rowcount == 3
        assert cursor.execute(f"UPDATE {t} SET name = 'x' WHERE id > 1").rowcount == 2
        assert cursor.execute(f"DELETE FROM {t} WHERE id = 99").rowcount == 0
        assert cursor.execute(f"DELETE FROM {t}").rowcount == 3
        assert cursor.lastrowid is None


def case_sizes_may_be_set():
    with db.connect() as connection:
        cursor = connection.cursor()
        cursor.setinputsizes([int, None])
        cursor.setoutputsize(100)
        cursor.setoutputsize(100, 1)


def case_closed_things_are_closed():
    connection = db.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    with connection.cursor() as other:
        other.execute("SELECT 2")
    assert other.closed
    raises(db.InterfaceError, other.execute, "SELECT 1")
    raises(db.InterfaceError, other.fetchone)
    other.close()
    connection.close()
    connection.close()
    assert connection.closed
    assert cursor.closed
    for use in (connection.cursor, connection.commit, connection.rollback, connection.ping, cursor.fetchone):
        raises(db.InterfaceError, use)
    raises(db.InterfaceError, cursor.execute, "SELECT 1")
    cursor.close()


def case_a_connection_that_is_not_closed_is_told_of():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        db.connect().execute("SELECT 1")
    assert any(issubclass(warning.category, ResourceWarning) for warning in seen)


def case_returning():
    with table() as t, db.connect() as connection:
        statement = f"INSERT INTO {t} VALUES (%s, %s), (%s, %s) RETURNING id, name"
        for begin in (1, 11, 21):
            cursor = connection.execute(statement, [begin, "a", begin + 1, "b"])
            assert cursor.fetchall() == [(begin, "a"), (begin + 1, "b")]
            assert cursor.rowcount == 2
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (6,)


def case_returning_that_is_not_read():
    with table() as t:
        with db.connect() as connection:
            connection.execute(f"INSERT INTO {t} VALUES (1, 'a'), (2, 'b') RETURNING id").fetchone()
        with db.connect(autocommit=True) as connection:
            connection.execute(f"INSERT INTO {t} VALUES (3, 'a'), (4, 'b') RETURNING id").close()
            connection.execute(f"INSERT INTO {t} VALUES (5, 'a') RETURNING id")
        with db.connect() as connection:
            assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (5,)


def case_column_names_may_be_the_same():
    with db.connect() as connection:
        cursor = connection.execute('SELECT 1 AS a, 2 AS a, 3 AS "Ü b"')
        assert [column[0] for column in cursor.description] == ["a", "a", "Ü b"]
        assert cursor.fetchall() == [(1, 2, 3)]


# Parameters.


def case_placeholders():
    with table(rows=[(1, "a%b"), (2, "it's")]) as t, db.connect() as connection:
        one = lambda *args: connection.execute(*args).fetchone()  # noqa: E731
        assert one(f"SELECT id FROM {t} WHERE name = %s", ["it's"]) == (2,)
        assert one(f"SELECT id FROM {t} WHERE name = %(n)s AND id < %(i)s OR name = %(n)s", {"n": "it's", "i": 0}) == (
            2,
        )
        assert one(f"SELECT id FROM {t} WHERE name = $2 AND id = $1", (2, "it's")) == (2,)
        assert one(f"SELECT id FROM {t} WHERE name LIKE 'a%'") == (1,)
        assert one(f"SELECT id FROM {t} WHERE name LIKE 'a%%' AND id = %s", [1]) == (1,)
        assert one(f"SELECT id FROM {t} WHERE name LIKE 'a%' AND id = $1", [1]) == (1,)
        assert one(f"SELECT id /* %% ' */ FROM {t} -- %%\n WHERE id = %s", [2]) == (2,)
        assert one(f"SELECT 7 %% id FROM {t} WHERE id = %s", [2]) == (1,)
        assert one("SELECT 5 % 3") == (2,)
        assert one("SELECT '%%'", []) == ("%",)
        assert one("SELECT '$1'") == ("$1",)


def case_wrong_parameters():
    with db.connect() as connection:
        for statement, parameters in [
            ("SELECT %s", []),
            ("SELECT %s", [1, 2]),
            ("SELECT %s", {"a": 1}),
            ("SELECT %(a)s", [1]),
            ("SELECT %(a)s", {"b": 1}),
            ("SELECT %s, %(a)s", [1]),
            ("SELECT %s, $1", [1]),
            ("SELECT '%s'", ["a"]),
            ("SELECT 'a%'", []),
            ("SELECT %d", [1]),
            ("SELECT %s", "a"),
            ("SELECT %s", [object()]),
            ("SELECT $1", []),
            ("SELECT $2", [1]),
        ]:
            raises(db.ProgrammingError, connection.execute, statement, parameters)
            # None of them reached the database, so the transaction lives.
            assert connection.execute("SELECT 1").fetchone() == (1,)


def case_values_come_back_as_they_were():
    columns = "i bigint, f double precision, t text, b bytea, o boolean"
    samples = {
        "i": [0, 1, -1, 2**63 - 1, -(2**63)],
        "f": [0.0, 1.5, -2.25e300, 1e-300, math.pi],
        "t": ["", "a", 'it\'s "ü" 🦊\n\\ %s $1 {}', "x" * 100_000],
        "b": [b"", b"\0\1\xff'\\", bytes(range(256)) * 100],
        "o": [True, False],
    }
    with table(columns) as t, db.connect() as connection:
        for name, values in samples.items():
            for value in values:
                connection.execute(f"INSERT INTO {t} ({name}) VALUES (%s)", [value])
                (got,) = connection.execute(f"SELECT {name} FROM {t} WHERE {name} IS NOT NULL").fetchone()
                assert got == value, (name, value, got)
                assert type(got) is type(value), (name, value, got)
                connection.execute(f"DELETE FROM {t}")
        connection.execute(f"INSERT INTO {t} (t) VALUES (%s)", [None])
        assert connection.execute(f"SELECT * FROM {t}").fetchone() == (None,) * 5


def case_times_come_back_as_they_were():
    summer = timezone(timedelta(hours=5, minutes=30))
    columns = "z timestamptz, s timestamp, d date, c time"
    samples = {
        "z": [
            datetime(2024, 2, 29, 12, 30, 15, 123456, timezone.utc),
            datetime(1969, 12, 31, 23, 59, 59, 0, timezone.utc),
            datetime(2024, 7, 1, 12, 0, tzinfo=summer),
        ],
        "s": [datetime(2024, 2, 29, 12, 30, 15, 120000), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)],
        "d": [date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31)],
        "c": [time(0, 0), time(23, 59, 59, 999999), time(1, 2, 3, 400000)],
    }
    with table(columns) as t, db.connect() as connection:
        for name, values in samples.items():
            for value in values:
                connection.execute(f"INSERT INTO {t} ({name}) VALUES (%s)", [value])
                cursor = connection.execute(f"SELECT {name} FROM {t}")
                assert cursor.description[0][1] == db.DATETIME
                assert cursor.description[0][0] == name
                (got,) = cursor.fetchone()
                assert got == value, (name, value, got)
                if name == "z":
                    assert got.tzinfo is timezone.utc
                connection.execute(f"DELETE FROM {t}")
        assert connection.execute(f"SELECT * FROM {t}").fetchall() == []
        connection.execute(f"INSERT INTO {t} (d) VALUES (%s)", [date(2024, 1, 2)])
        assert connection.execute(f"SELECT * FROM {t}").fetchall() == [(None, None, date(2024, 1, 2), None)]
        returned = connection.execute(f"UPDATE {t} SET d = %s RETURNING d, z", [date(2025, 1, 2)]).fetchall()
        assert returned == [(date(2025, 1, 2), None)]
        assert connection.execute(f"SELECT d FROM {t}").fetchall() == [(date(2025, 1, 2),)]


def case_other_values():
    class Colour(Enum):
        RED = "red"

    class Text(str):
        pass

    columns = "n numeric(40, 10), u uuid, j json, t text"
    identity = uuid.UUID("12345678-1234-5678-1234-567812345678")
    with table(columns) as t, db.connect() as connection:

        def there_and_back(name, value):
            connection.execute(f"INSERT INTO {t} ({name}) VALUES (%s)", [value])
            (got,) = connection.execute(f"SELECT {name} FROM {t}").fetchone()
            connection.execute(f"DELETE FROM {t}")
            return got

        assert there_and_back("n", Decimal("12.5")) == Decimal("12.5")
        assert isinstance(there_and_back("n", Decimal("12.5")), Decimal)
        assert there_and_back("u", identity) == identity
        assert there_and_back("j", {"a": [1, None, "ü"]}) == {"a": [1, None, "ü"]}
        assert there_and_back("j", db.Json([1, {"b": 2}])) == [1, {"b": 2}]
        assert there_and_back("t", Colour.RED) == "red"
        assert there_and_back("t", Text("x")) == "x"
        assert there_and_back("t", 2**70) == str(2**70)


# Many.


def case_executemany():
    with table() as t, db.connect() as connection:
        cursor = connection.cursor()
        assert cursor.executemany(f"INSERT INTO {t} VALUES (%s, %s)", []) is cursor
        assert cursor.rowcount == 0
        cursor.executemany(f"INSERT INTO {t} VALUES (%s, %s)", ((n, f"n{n}") for n in range(1234)))
        assert cursor.rowcount == 1234
        cursor.executemany(
            f"UPDATE {t} SET name = %(name)s WHERE id < %(id)s", [{"id": 3, "name": "x"}, {"id": 2, "name": "y"}]
        )
        assert cursor.rowcount == 5
        assert connection.execute(f"SELECT name FROM {t} ORDER BY id LIMIT 4").fetchall() == [
            ("y",),
            ("y",),
            ("x",),
            ("n3",),
        ]
        big = "x" * 200_000
        cursor.executemany(f"INSERT INTO {t} VALUES ($1, $2)", [(10_000 + n, big) for n in range(5)])
        assert connection.execute(f"SELECT sum(length(name)) FROM {t} WHERE id >= 10000").fetchone()[0] == 1_000_000


def case_executemany_that_fails():
    with table() as t, db.connect() as connection:
        rows = [(1, "a"), (2, "b"), (1, "c")]
        raises(db.IntegrityError, connection.executemany, f"INSERT INTO {t} VALUES (%s, %s)", rows)
        connection.rollback()
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (0,)
        raises(db.DatabaseError, connection.executemany, "SELECT %s", [(1,), (2,)])
        raises(db.ProgrammingError, connection.executemany, f"INSERT INTO {t} VALUES (%s, %s)", [(1, "a"), (2,)])
        connection.rollback()


def case_several_statements():
    with table() as t, db.connect() as connection:
        connection.execute(f"INSERT INTO {t} VALUES (1, 'a;b'); INSERT INTO {t} VALUES (2, 'c');")
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (2,)
        raises(db.ProgrammingError, connection.execute, f"SELECT 1; DELETE FROM {t}")
        raises(db.ProgrammingError, connection.execute, f"DELETE FROM {t} WHERE id = %s; DELETE FROM {t}", [1])
        raises(db.ProgrammingError, connection.execute, "  ;  -- nothing")
        raises(db.ProgrammingError, connection.execute, "SELECT 1\0")
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (2,)


# Transactions.


def case_commit_and_rollback():
    with table() as t:
        connection = db.connect()
        assert not connection.in_transaction
        connection.commit()
        connection.rollback()
        connection.execute(f"INSERT INTO {t} VALUES (1, 'a')")
        assert connection.in_transaction
        connection.rollback()
        assert not connection.in_transaction
        connection.execute(f"INSERT INTO {t} VALUES (2, 'a')")
        connection.commit()
        connection.execute(f"INSERT INTO {t} VALUES (3, 'a')")
        connection.close()
        with db.connect() as other:
            assert other.execute(f"SELECT id FROM {t}").fetchall() == [(2,)]


def case_context_manager():
    with table() as t:
        with db.connect() as connection:
            connection.execute(f"INSERT INTO {t} VALUES (1, 'a')")
        assert connection.closed

        def fail():
            with db.connect() as connection:
                connection.execute(f"INSERT INTO {t} VALUES (2, 'a')")
                raise KeyError("x")

        raises(KeyError, fail)
        with db.connect() as connection:
            assert connection.execute(f"SELECT id FROM {t}").fetchall() == [(1,)]


def case_autocommit():
    with table() as t, db.connect(autocommit=True) as connection, db.connect(autocommit=True) as other:
        connection.execute(f"INSERT INTO {t} VALUES (1, 'a')")
        assert not connection.in_transaction
        assert other.execute(f"SELECT id FROM {t}").fetchall() == [(1,)]
        assert connection.execute(f"INSERT INTO {t} VALUES (2, 'a') RETURNING id").fetchall() == [(2,)]
        assert other.execute(f"SELECT count(*) FROM {t}").fetchone() == (2,)
        raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} VALUES (1, 'a') RETURNING id")
        raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} VALUES (1, 'a')")
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (2,)
        connection.autocommit = False
        connection.execute(f"DELETE FROM {t}")
        raises(db.ProgrammingError, setattr, connection, "autocommit", True)
        raises(db.ProgrammingError, setattr, connection, "read_only", True)
        raises(db.ProgrammingError, setattr, connection, "isolation_level", "serializable")
        connection.rollback()
        connection.autocommit = True
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (2,)


def case_savepoints():
    with table() as t, db.connect() as connection:
        connection.execute(f"INSERT INTO {t} VALUES (1, 'a')")
        connection.execute("SAVEPOINT here")
        raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} VALUES (1, 'b')")
        connection.execute("ROLLBACK TO SAVEPOINT here")
        connection.execute(f"INSERT INTO {t} VALUES (2, 'b')")
        connection.execute("RELEASE SAVEPOINT here")
        connection.commit()
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (2,)


def case_a_failed_transaction_does_nothing_more():
    with table() as t, db.connect() as connection:
        connection.execute(f"INSERT INTO {t} VALUES (1, 'a')")
        raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} VALUES (1, 'b')")
        error = raises(db.InternalError, connection.execute, "SELECT 1")
        assert error.sqlstate == "25P02"
        raises(db.Error, connection.commit)
        assert not connection.in_transaction
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (0,)


def case_transactions_are_not_to_be_typed():
    with db.connect() as connection:
        for statement in ("BEGIN", "commit", "ROLLBACK", "START TRANSACTION", "END", "SELECT 1; COMMIT"):
            raises(db.ProgrammingError, connection.execute, statement)
        for statement in ("PREPARE x AS SELECT 1", "DISCARD ALL", "LISTEN x", "COPY x TO STDOUT"):
            raises(db.NotSupportedError, connection.execute, statement)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def case_read_only():
    with table() as t, db.connect(read_only=True) as connection:
        error = raises(db.InternalError, connection.execute, f"INSERT INTO {t} VALUES (1, 'a')")
        assert error.sqlstate == "25006"
        connection.rollback()
        connection.read_only = False
        connection.execute(f"INSERT INTO {t} VALUES (1, 'a')")


def case_isolation_levels():
    for level in ("read uncommitted", "read committed", "repeatable read", "serializable"):
        with db.connect(isolation_level=level) as connection:
            connection.execute("SELECT 1")
            assert connection.isolation_level == level
    raises(db.ProgrammingError, db.connect, isolation_level="snapshot")


def case_a_replica_can_be_read():
    with table(rows=[(1, "a")]) as t, db.connect(replica=True) as connection:
        assert connection.execute(f"SELECT name FROM {t}").fetchall() == [("a",)]


# Errors.


def case_errors_of_the_database():
    with (
        table("id integer primary key, name text not null, n integer check (n > 0)") as t,
        db.connect(autocommit=True) as connection,
    ):
        connection.execute(f"INSERT INTO {t} VALUES (1, 'a', 1)")
        error = raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} VALUES (1, 'b', 1)")
        assert error.sqlstate == "23505"
        assert error.table == t
        error = raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} VALUES (2, NULL, 1)")
        assert error.sqlstate == "23502"
        assert error.column == "name"
        assert raises(db.IntegrityError, connection.execute, f"INSERT INTO {t} VALUES (2, 'b', 0)").sqlstate == "23514"
        assert (
            raises(db.ProgrammingError, connection.execute, "SELECT * FROM there_is_no_such_table").sqlstate == "42P01"
        )
        assert raises(db.ProgrammingError, connection.execute, f"SELECT no_such FROM {t}").sqlstate == "42703"
        assert raises(db.ProgrammingError, connection.execute, f"SELEC 1 FROM {t}").sqlstate == "42601"
        assert raises(db.ProgrammingError, connection.execute, f"CREATE TABLE {t} (a int)").sqlstate == "42P07"
        assert not error.connection_lost
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.sqlstate) == (type(error), str(error), "23502")


# Rows in batches.


def case_big_results():
    with table() as t, db.connect() as connection:
        connection.executemany(f"INSERT INTO {t} VALUES (%s, %s)", ((n, f"name {n}") for n in range(20_000)))
        n_rows = 0
        for n, row in enumerate(connection.execute(f"SELECT id, name FROM {t} ORDER BY id")):
            assert row == (n, f"name {n}")
            n_rows += 1
        assert n_rows == 20_000
        # Only some of them.
        cursor = connection.execute(f"SELECT id FROM {t} ORDER BY id")
        assert cursor.fetchmany(1000)[-1] == (999,)
        cursor.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def case_wide_rows():
    with db.connect() as connection:
        columns = ", ".join(f"{n} AS c{n}" for n in range(300))
        row = connection.execute(f"SELECT {columns}").fetchone()
        assert row == tuple(range(300))
        with table("id integer, body text") as t:
            connection.executemany(f"INSERT INTO {t} VALUES (%s, %s)", [(n, "y" * 100_000) for n in range(20)])
            rows = connection.execute(f"SELECT id, body FROM {t} ORDER BY id").fetchall()
            assert [len(body) for _, body in rows] == [100_000] * 20
            connection.rollback()


def case_two_cursors():
    with table(rows=[(n, "x") for n in range(500)]) as t, db.connect() as connection:
        first, second = connection.cursor(), connection.cursor()
        first.execute(f"SELECT id FROM {t} ORDER BY id")
        seen = [first.fetchone()[0]]
        for (number,) in first:
            second.execute(f"UPDATE {t} SET name = 'y' WHERE id = %s", [number])
            seen.append(number)
        assert seen == list(range(500))
        first.execute(f"SELECT id FROM {t} ORDER BY id")
        assert first.fetchone() == (0,)
        connection.commit()
        assert len(first.fetchall()) == 499
        first.execute(f"SELECT id FROM {t} ORDER BY id")
        first.fetchone()
        connection.rollback()
        raises(db.ProgrammingError, first.fetchall)
        first.execute(f"SELECT id FROM {t}")
        first.fetchone()
        connection.ping()
        assert len(first.fetchall()) == 499


def case_threads_share_a_connection():
    with table() as t, db.connect(autocommit=True) as connection:
        failures = []

        def work(number):
            try:
                for n in range(20):
                    connection.execute(f"INSERT INTO {t} VALUES (%s, 'a')", [number * 100 + n])
                    rows = connection.execute(f"SELECT id FROM {t} WHERE id = %s", [number * 100 + n]).fetchall()
                    assert rows == [(number * 100 + n,)]
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures
        assert connection.execute(f"SELECT count(*) FROM {t}").fetchone() == (100,)


def case_a_statement_without_time_is_not_executed():
    with db.connect() as connection:
        connection.timeout = 0
        error = raises(db.StatementTimeoutError, connection.execute, "SELECT 1")
        assert not error.connection_lost
        connection.timeout = None
        assert connection.execute("SELECT 1").fetchone() == (1,)
    raises(TypeError, db.connect, timeout="soon")


def case_a_long_statement_is_cancelled():
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0"
    with db.connect() as connection:
        # In the end, and before it has begun.
        for seconds in (0.5, 0.001):
            with limited(connection, seconds):
                error = raises(db.StatementTimeoutError, connection.execute, endless)
            assert not error.connection_lost, error
            connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)
