"""The codec against the official protobuf package: the same bytes, the same values, both ways."""

from __future__ import annotations

import math
from datetime import timedelta, timezone
from types import ModuleType
from typing import Any

import echo
import pytest
from echo import AppError, Color, Everything, Inner, Level, PlainError, PostgresError
from samples import FULL, NOON

from mattermost_plugin import _native


@pytest.fixture
def message(pb2: ModuleType) -> Any:
    return pb2.Everything


class TestAgainstProtobuf:
    def test_what_the_codec_writes_protobuf_reads(self, codec: _native.Codec, message: Any) -> None:
        official = message.FromString(codec.encode("Everything", FULL))
        assert official.an_int64 == -(2**63)
        assert official.a_uint64 == 2**64 - 1
        assert official.a_string == "Grüße 🦀"
        assert math.copysign(1, official.a_double) == -1
        assert official.value.map_value.values["list"].list_value.values[1].uint_value == 2**64 - 1
        assert official.value.map_value.values["null"].WhichOneof("kind") == "null_value"
        assert official.values["y"].WhichOneof("kind") == "inners"
        assert official.values["e"].error_value.app_error.id == "x"
        assert official.time.ToDatetime(timezone.utc) == NOON
        assert (official.color, official.level) == ("blue", 10)
        assert official.HasField("opt_bool")
        assert official.HasField("opt_string")
        assert list(official.headers["Accept"].values) == ["a", "b"]
        assert list(official.base.base_numbers) == [1, 2, 3]
        assert official.far == "away"

    def test_what_protobuf_writes_the_codec_reads(self, codec: _native.Codec, message: Any) -> None:
        official = message.FromString(codec.encode("Everything", FULL))
        assert codec.decode("Everything", official.SerializeToString()) == FULL

    def test_both_write_the_same_bytes(self, codec: _native.Codec, message: Any) -> None:
        # Deterministic output has sorted maps, and FULL's maps are not: compare without those of several entries.
        value = Everything(**{name: getattr(FULL, name) for name in Everything.__dataclass_fields__})
        value.value = None
        value.strings, value.inners, value.values, value.headers, value.flags = {"k": "v"}, {}, {}, {}, {}
        # The codec always packs; that field's proto says otherwise.
        value.unpacked = []
        encoded = codec.encode("Everything", value)
        assert encoded == message.FromString(encoded).SerializeToString(deterministic=True)

    def test_an_empty_message_has_defaults(self, codec: _native.Codec) -> None:
        decoded = codec.decode("Everything", b"")
        assert decoded == Everything()
        assert decoded.color is Color.NONE
        assert decoded.level is Level.LOW

    def test_an_unset_oneof_is_none(self, codec: _native.Codec, pb2: ModuleType) -> None:
        official = pb2.Everything(value=pb2.Value(), many_values=[pb2.Value()])
        decoded = codec.decode("Everything", official.SerializeToString())
        assert decoded.value is None
        assert decoded.many_values == [None]


class TestObjects:
    def test_defaults_are_fresh(self, codec: _native.Codec) -> None:
        first, second = codec.decode("Everything", b""), codec.decode("Everything", b"")
        first.texts.append("x")
        first.by_value.name = "x"
        first.strings["x"] = "x"
        assert second == Everything()

    def test_by_value_messages_are_always_written(self, codec: _native.Codec, message: Any) -> None:
        official = message.FromString(codec.encode("Everything", Everything()))
        assert official.HasField("by_value")
        assert not official.HasField("by_pointer")

    def test_enums_are_open(self, codec: _native.Codec) -> None:
        decoded = codec.decode("Everything", codec.encode("Everything", Everything(color="mauve", level=3)))
        assert (decoded.color, type(decoded.color)) == ("mauve", str)
        assert (decoded.level, type(decoded.level)) == (3, int)

    def test_subclasses_are_accepted(self, codec: _native.Codec) -> None:
        class Special(Inner):
            @property
            def name(self) -> str:
                return "special"

        special = Special.__new__(Special)
        Inner.count.__set__(special, 4)  # type: ignore[attr-defined]
        special.child = None
        assert codec.decode("Inner", codec.encode("Inner", special)) == Inner(name="special", count=4)

    def test_a_class_without_slots_works(self) -> None:
        class Loose:
            def __setattr__(self, name: str, value: object) -> None:
                super().__setattr__(name, [value])

        codec = _native.Codec({"Loose": (Loose, ((1, "a", 3, None),))}.__getitem__)
        assert codec.decode("Loose", b"\x08\x05").a == [5]

    def test_sequences_and_mappings_are_accepted(self, codec: _native.Codec) -> None:
        from types import MappingProxyType

        value = Everything(
            texts=("a", "b"),
            numbers={7},
            messages=(Inner(name=name) for name in "xy"),
            strings=MappingProxyType({"k": "v"}),
            a_bytes=memoryview(b"view"),
            opt_bytes=bytearray(b"array"),
            a_double=3,
            value=MappingProxyType({"t": (1, 2)}),
        )
        decoded = codec.decode("Everything", codec.encode("Everything", value))
        assert (decoded.texts, decoded.numbers, decoded.strings) == (["a", "b"], [7], {"k": "v"})
        assert [it.name for it in decoded.messages] == ["x", "y"]
        assert (decoded.a_bytes, decoded.opt_bytes, decoded.a_double) == (b"view", b"array", 3.0)
        assert decoded.value == {"t": [1, 2]}

    def test_what_has_an_index_is_an_int(self, codec: _native.Codec) -> None:
        class Five:
            def __index__(self) -> int:
                return 5

        assert codec.decode("Everything", codec.encode("Everything", Everything(an_int64=Five()))).an_int64 == 5

    def test_times_of_other_zones_travel_as_utc(self, codec: _native.Codec) -> None:
        local = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
        assert codec.decode("Everything", codec.encode("Everything", Everything(time=local))).time == NOON

    def test_errors_travel_as_exceptions(self, codec: _native.Codec) -> None:
        def there_and_back(error: Any) -> Any:
            return codec.decode("Everything", codec.encode("Everything", Everything(error=error))).error

        assert there_and_back(None) is None
        assert there_and_back("text") == PlainError(0, "text")
        assert there_and_back(ValueError("bad")) == PlainError(0, "bad")
        for detail in (AppError(id="a", status_code=404), PostgresError(code="23505")):
            assert there_and_back(PlainError(7, "m", detail)) == PlainError(7, "m", detail)

    def test_default_errors_need_no_functions(self) -> None:
        codec = _native.Codec(echo.TABLES.__getitem__, echo.ENUMS.__getitem__)
        decoded = codec.decode("Everything", codec.encode("Everything", Everything(error=OSError("x"))))
        assert (type(decoded.error), str(decoded.error)) == (RuntimeError, "x")


class TestWireFormat:
    def test_unknown_fields_are_skipped(self, codec: _native.Codec) -> None:
        unknown = b"\xf2\x0f\x03abc" + b"\xf8\x0f\x05" + b"\xfd\x0f1234" + b"\xf9\x0f12345678"
        group = b"\xf3\x0f" + unknown + b"\xf3\x0f\xf4\x0f" + b"\xf4\x0f"
        assert codec.decode("Inner", unknown + b"\x0a\x01x" + group + b"\x10\x05") == Inner(name="x", count=5)

    def test_the_last_scalar_wins_and_messages_merge(self, codec: _native.Codec, message: Any) -> None:
        first = Everything(
            a_string="1", by_pointer=Inner(name="n"), base_name="b", value=Inner(name="v"), wrapped=["1"]
        )
        second = Everything(
            a_string="2", by_pointer=Inner(count=2), base_numbers=[1], value=Inner(count=3), wrapped=["2"]
        )
        third = Everything(by_pointer=Inner(child=Inner()), value=Inner(child=Inner(name="c")))
        joined = b"".join(codec.encode("Everything", it) for it in (first, second, third))
        decoded = codec.decode("Everything", joined)
        assert decoded.by_pointer == Inner(name="n", count=2, child=Inner())
        assert decoded.value == Inner(name="v", count=3, child=Inner(name="c"))
        assert (decoded.a_string, decoded.base_name, decoded.base_numbers) == ("2", "b", [1])
        assert decoded.wrapped == ["1", "2"]
        assert decoded == codec.decode("Everything", message.FromString(joined).SerializeToString())

    def test_packed_and_unpacked_are_both_read(self, codec: _native.Codec) -> None:
        packed = b"\xea\x01\x03\x01\x02\x03"  # field 29
        unpacked = b"\xe8\x01\x04" + b"\xe8\x01\x05"
        assert codec.decode("Everything", packed + unpacked).numbers == [1, 2, 3, 4, 5]

    def test_a_map_entry_may_lack_key_or_value(self, codec: _native.Codec) -> None:
        entry = b"\x8a\x01"  # field 17
        decoded = codec.decode("Everything", entry + b"\x00" + entry + b"\x03\x0a\x01k" + entry + b"\x03\x12\x01v")
        assert decoded.strings == {"": "v", "k": ""}

    def test_numbers_are_cut_to_their_width(self, codec: _native.Codec, message: Any) -> None:
        data = b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        decoded, official = codec.decode("Everything", data), message.FromString(data)
        assert (decoded.an_int32, decoded.a_uint32) == (official.an_int32, official.a_uint32) == (-1, 2**32 - 1)


class TestTuples:
    def test_a_message_without_class_is_a_tuple(self, codec: _native.Codec) -> None:
        assert codec.decode("SayRequest", codec.encode("SayRequest", ("hi", b"x"))) == ("hi", b"x")
        assert codec.decode("NothingRequest", codec.encode("NothingRequest", ())) == ()

    def test_the_number_of_values_is_checked(self, codec: _native.Codec) -> None:
        with pytest.raises(TypeError, match=r"^SayRequest: expected 2 values, got 1$"):
            codec.encode("SayRequest", ("hi",))
        with pytest.raises(TypeError, match=r"^SayRequest: expected tuple, got list$"):
            codec.encode("SayRequest", ["hi", b""])


class TestTables:
    def test_a_table_is_asked_for_once(self) -> None:
        asked: list[str] = []

        def resolve(name: str) -> Any:
            asked.append(name)
            return echo.TABLES[name]

        codec = _native.Codec(resolve, echo.ENUMS.__getitem__)
        assert asked == []
        codec.decode("Inner", b"")
        codec.encode("Inner", Inner(child=Inner()))
        assert asked == ["Inner"]

    def test_an_unknown_message_raises_what_resolve_raised(self, codec: _native.Codec) -> None:
        with pytest.raises(KeyError, match="Nope"):
            codec.decode("Nope", b"")

    @pytest.mark.parametrize(
        ("table", "text"),
        [
            ((Inner,), r"table of T: expected \(class or None, tuple of fields\)"),
            ((3, ()), r"table of T: the first item must be a class or None"),
            ((Inner, ((1, "name"),)), r"table of T: expected \(number, attr, kind, ref\)"),
            ((Inner, ((0, "name", 8, None),)), r"table of T: 0 is no field number"),
            ((Inner, ((1, "name", 19, None),)), r"table of T: kind 19 is unknown"),
            ((Inner, ((1, "name", 10, None),)), r"table of T: expected a name as ref, got None"),
            ((Inner, ((1, "name", 16, (7, 8, None)),)), r"table of T: kind 7 cannot be a map key"),
            ((Inner, ((1, "name", 17, (8, None)),)), r"table of T: a wrapper holds a list or a map"),
            ((None, ((1, "name", 0x8A, "Inner"),)), r"table of T: a tuple message cannot embed another"),
        ],
    )
    def test_a_malformed_table_is_refused(self, table: Any, text: str) -> None:
        with pytest.raises(TypeError, match=text):
            _native.Codec(lambda _: table).decode("T", b"")
