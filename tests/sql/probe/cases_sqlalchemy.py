"""Cases of SQLAlchemy: the same on PostgreSQL and in the simulator, and some of PostgreSQL alone."""

import enum
import os
import sys
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

sys.path += os.environ.get("PLUGIN_SQL_PATH", "").split(os.pathsep)

import sqlalchemy as sa
from cases import raises
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from mattermost_plugin.db.sqlalchemy import create_engine

NOON = datetime(2024, 2, 29, 12, 0, 0, 123456, timezone.utc)


class Base(orm.DeclarativeBase):
    pass


class Mood(enum.Enum):
    FINE = "fine"
    BAD = "bad"


class Author(Base):
    __tablename__ = "sa_author"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(50), unique=True)
    born: orm.Mapped[date | None]
    made: orm.Mapped[datetime] = orm.mapped_column(sa.DateTime(timezone=True), server_default=sa.func.now())
    books: orm.Mapped[list["Book"]] = orm.relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "sa_book"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    title: orm.Mapped[str]
    price: orm.Mapped[Decimal] = orm.mapped_column(sa.Numeric(10, 2))
    rating: orm.Mapped[float | None]
    sold: orm.Mapped[bool] = orm.mapped_column(default=False)
    facts: orm.Mapped[dict | None] = orm.mapped_column(sa.JSON)
    mood: orm.Mapped[Mood | None]
    code: orm.Mapped[uuid.UUID] = orm.mapped_column(default=uuid.uuid4)
    at: orm.Mapped[datetime | None]
    cover: orm.Mapped[bytes | None]
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("sa_author.id"))
    author: orm.Mapped[Author] = orm.relationship(back_populates="books")


def engine_with_tables():
    engine = create_engine()
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    return engine


def case_orm():
    engine = engine_with_tables()
    code = uuid.uuid4()
    with orm.Session(engine) as session:
        anna = Author(name="Anna 100%", born=date(1990, 1, 2))
        anna.books = [
            Book(title="One", price=Decimal("9.90"), rating=4.5, facts={"pages": [1, None]}, mood=Mood.FINE, code=code),
            Book(title="Two", price=Decimal(12), at=datetime(2024, 2, 29, 12), cover=b"\0\xff"),
        ]
        session.add(anna)
        session.flush()
        assert isinstance(anna.id, int)
        assert isinstance(anna.made, datetime)
        session.commit()
    with orm.Session(engine) as session:
        anna = session.scalars(sa.select(Author).where(Author.name.like("Anna%"))).one()
        assert anna.born == date(1990, 1, 2)
        one, two = sorted(anna.books, key=lambda book: book.title)
        assert (one.price, one.rating, one.sold, one.facts, one.mood) == (
            Decimal("9.90"),
            4.5,
            False,
            {"pages": [1, None]},
            Mood.FINE,
        )
        assert (two.at, two.cover, two.facts) == (datetime(2024, 2, 29, 12), b"\0\xff", None)
        assert session.scalars(sa.select(Book).where(Book.code == code)).one() is one
        one.sold = True
        two.price += 1
        session.commit()
        assert session.execute(sa.select(sa.func.count()).where(Book.sold)).scalar_one() == 1
        rows = session.execute(
            sa.select(Author.name, sa.func.sum(Book.price)).join(Author.books).group_by(Author.name)
        ).all()
        assert rows == [("Anna 100%", Decimal("22.90"))]
        session.delete(anna)
        session.commit()
        assert session.scalars(sa.select(Book)).all() == []


def case_core():
    engine = engine_with_tables()
    author, book = Author.__table__, Book.__table__
    with engine.begin() as connection:
        result = connection.execute(sa.insert(author).values(name="Ben").returning(author.c.id, author.c.made))
        key, made = result.one()
        assert isinstance(made, datetime)
        many = [{"title": f"T{n}", "price": n, "author_id": key} for n in range(250)]
        connection.execute(sa.insert(book), many)
        assert connection.execute(sa.update(book).where(book.c.price < 10).values(sold=True)).rowcount == 10
        query = sa.select(book.c.title).where(book.c.title.in_(["T1", "T2"])).order_by(book.c.title).limit(2).offset(1)
        assert connection.execute(query).scalars().all() == ["T2"]
        assert connection.execute(sa.select(sa.literal("50%"), sa.literal(5) % 3)).one() == ("50%", 2)
        assert connection.execute(sa.text("SELECT 'a%b', :x"), {"x": "y"}).one() == ("a%b", "y")
        inserted = connection.execute(sa.insert(book).returning(book.c.id), many)
        assert len(inserted.all()) == 250
    with engine.connect() as connection:
        raises(sa.exc.IntegrityError, connection.execute, sa.insert(author).values(name="Ben"))
        connection.rollback()
        with connection.begin(), connection.begin_nested() as savepoint:
            connection.execute(sa.delete(book))
            savepoint.rollback()
        assert connection.execute(sa.select(sa.func.count()).select_from(book)).scalar_one() == 500


def case_autocommit_and_isolation():
    engine = engine_with_tables()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.insert(Author).values(name="C"))
        assert connection.get_isolation_level() == "AUTOCOMMIT"
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count(Author.id))).scalar_one() == 1
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        assert connection.execute(sa.select(sa.func.count(Author.id))).scalar_one() == 1
        assert connection.get_isolation_level() == "SERIALIZABLE"


def case_reflection():
    engine = engine_with_tables()
    inspector = sa.inspect(engine)
    assert {"sa_author", "sa_book"} <= set(inspector.get_table_names())
    assert [column["name"] for column in inspector.get_columns("sa_author")] == ["id", "name", "born", "made"]
    assert inspector.get_pk_constraint("sa_book")["constrained_columns"] == ["id"]
    (key,) = inspector.get_foreign_keys("sa_book")
    assert (key["referred_table"], key["constrained_columns"]) == ("sa_author", ["author_id"])
    table = sa.Table("sa_book", sa.MetaData(), autoload_with=engine)
    assert isinstance(table.c.price.type, sa.Numeric)


def postgres_types():
    engine = create_engine()
    table = sa.Table(
        "sa_types",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tags", postgresql.ARRAY(sa.String)),
        sa.Column("data", postgresql.JSONB),
        sa.Column("at", sa.DateTime(timezone=True)),
        sa.Column("span", sa.Interval),
        sa.Column("mood", sa.Enum(Mood, name="mood_of_types")),
        sa.Column("amount", sa.Numeric),
    )
    values = {
        "tags": ["a", 'b"', "ü"],
        "data": {"a": {"b": [1, 2]}, "n": 5},
        "at": NOON,
        "span": timedelta(days=2, seconds=3),
        "mood": Mood.BAD,
        "amount": Decimal("1.23456789012345678901"),
    }
    table.metadata.drop_all(engine)
    table.metadata.create_all(engine)
    with engine.begin() as connection:
        inserted = connection.execute(sa.insert(table).values(**values).returning(*table.c)).one()
        # Its number is not 1: the sequence counts the trial, too.
        key = inserted.id
        assert inserted._asdict() == {"id": key, **values}
        select = sa.select(table.c.id)
        for condition in [
            table.c.tags.contains(["a"]),
            sa.literal("a") == sa.any_(table.c.tags),
            table.c.data["a"]["b"][1].as_integer() == 2,
            table.c.data["n"].as_integer() == 5,
            table.c.data.contains({"n": 5}),
            table.c.at == NOON,
            table.c.at > NOON - timedelta(days=1),
            table.c.at + timedelta(days=1) > NOON,
            sa.func.date_trunc("day", table.c.at) <= NOON,
            table.c.mood == Mood.BAD,
            table.c.amount > 1,
            table.c.span == timedelta(days=2, seconds=3),
        ]:
            assert connection.execute(select.where(condition)).scalars().all() == [key], str(condition)
        upsert = postgresql.insert(table).values(id=key, amount=2)
        upsert = upsert.on_conflict_do_update(index_elements=["id"], set_={"amount": upsert.excluded.amount})
        connection.execute(upsert)
        assert connection.execute(sa.select(table.c.amount)).scalar_one() == 2
        assert connection.execute(sa.select(sa.literal(5) + 1)).scalar_one() == 6
