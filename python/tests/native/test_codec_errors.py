"""What the codec refuses, and how it says so. No input may do worse than raise."""

from __future__ import annotations

import contextlib
import random
from datetime import datetime, timedelta, timezone
from types import ModuleType
from typing import Any

import grpc_peer
import pytest
from echo import Everything, Inner
from google.protobuf.message import DecodeError
from samples import FULL

from mattermost_plugin import _native


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"a_bool": 1}, TypeError, "Everything.a_bool: expected bool, got int"),
        ({"an_int64": "x"}, TypeError, "Everything.an_int64: expected int, got str"),
        ({"an_int64": True}, TypeError, "Everything.an_int64: expected int, got bool"),
        ({"an_int64": 1.0}, TypeError, "Everything.an_int64: expected int, got float"),
        ({"an_int64": None}, TypeError, "Everything.an_int64: expected int, got None"),
        ({"an_int64": 2**63}, ValueError, "Everything.an_int64: 9223372036854775808 is out of range for int64"),
        ({"an_int64": -(2**63) - 1}, ValueError, "Everything.an_int64: -9223372036854775809 is out of range for int64"),
        ({"an_int64": 10**5000}, ValueError, "Everything.an_int64: the number is out of range for int64"),
        ({"an_int32": 2**31}, ValueError, "Everything.an_int32: 2147483648 is out of range for int32"),
        ({"a_uint32": -1}, ValueError, "Everything.a_uint32: -1 is out of range for uint32"),
        ({"a_uint64": -1}, ValueError, "Everything.a_uint64: -1 is out of range for uint64"),
        ({"a_uint64": 2**64}, ValueError, "Everything.a_uint64: 18446744073709551616 is out of range for uint64"),
        ({"a_float": 1e39}, ValueError, "Everything.a_float: 1e+39 is out of range for float"),
        ({"a_double": "1"}, TypeError, "Everything.a_double: expected float, got str"),
        ({"a_double": True}, TypeError, "Everything.a_double: expected float, got bool"),
        ({"a_double": 10**400}, ValueError, "Everything.a_double: the number is out of range for float"),
        ({"a_string": b"x"}, TypeError, "Everything.a_string: expected str, got bytes"),
        (
            {"a_string": "a\ud800"},
            ValueError,
            "Everything.a_string: the text has a lone surrogate, which is no Unicode character",
        ),
        ({"a_bytes": "x"}, TypeError, "Everything.a_bytes: expected bytes (use .encode()), got str"),
        ({"a_bytes": [1]}, TypeError, "Everything.a_bytes: expected bytes, got list"),
        ({"by_value": None}, TypeError, "Everything.by_value: expected Inner, got None"),
        ({"by_pointer": Everything()}, TypeError, "Everything.by_pointer: expected Inner, got Everything"),
        ({"by_pointer": Inner(count="x")}, TypeError, "Inner.count: expected int, got str"),
        ({"color": 3}, TypeError, "Everything.color: expected str, got int"),
        ({"level": "x"}, TypeError, "Everything.level: expected int, got str"),
        ({"time": 3}, TypeError, "Everything.time: expected datetime, got int"),
        (
            {"time": datetime(2020, 1, 1)},
            ValueError,
            "Everything.time: the datetime has no time zone; use datetime.now(timezone.utc) or .astimezone()",
        ),
        (
            {"time": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))},
            ValueError,
            "Everything.time: in UTC the time is outside the years 1 to 9999",
        ),
        ({"error": 3}, TypeError, "Everything.error: expected an exception or str, got int"),
        ({"texts": "abc"}, TypeError, "Everything.texts: expected list, got str"),
        ({"texts": None}, TypeError, "Everything.texts: expected list, got None"),
        ({"texts": 5}, TypeError, "Everything.texts: expected list, got int"),
        ({"texts": ["a", None]}, TypeError, "Everything.texts[1]: expected str, got None"),
        ({"numbers": [1, "2"]}, TypeError, "Everything.numbers[1]: expected int, got str"),
        ({"messages": [None]}, TypeError, "Everything.messages[0]: expected Inner, got None"),
        ({"lists": [["a"], [1]]}, TypeError, "Everything.lists[1][0]: expected str, got int"),
        ({"strings": []}, TypeError, "Everything.strings: expected dict, got list"),
        ({"strings": {1: "x"}}, TypeError, "Everything.strings[1]: expected str, got int"),
        ({"strings": {"k": 1}}, TypeError, "Everything.strings['k']: expected str, got int"),
        ({"headers": {"k": "v"}}, TypeError, "Everything.headers['k']: expected list, got str"),
        ({"value": {1: 2}}, TypeError, "Everything.value[1]: expected str as key, got int"),
        ({"value": 2**64}, ValueError, "Everything.value: 18446744073709551616 is out of range for uint64"),
        ({"value": -(2**63) - 1}, ValueError, "Everything.value: -9223372036854775809 is out of range for uint64"),
        (
            {"values": {"a": [{"b": "\udfff"}]}},
            ValueError,
            "Everything.values['a'][0]['b']: the text has a lone surrogate",
        ),
        (
            {"values": {"a": [object()]}},
            TypeError,
            "Everything.values['a'][0]: cannot send object here; give None, bool, int",
        ),
        ({"base_numbers": ["x"]}, TypeError, "Base.base_numbers[0]: expected int, got str"),
    ],
)
def test_a_wrong_value_is_named(
    codec: _native.Codec, fields: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as raised:
        codec.encode("Everything", Everything(**fields))
    assert type(raised.value) is error
    assert str(raised.value).startswith(text)


def test_a_wrong_object_is_named(codec: _native.Codec) -> None:
    with pytest.raises(TypeError, match=r"^Inner: expected Inner, got dict$"):
        codec.encode("Inner", {})


def test_an_object_that_was_never_filled_raises(codec: _native.Codec) -> None:
    with pytest.raises(AttributeError, match="name"):
        codec.encode("Inner", Inner.__new__(Inner))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x0a", "Inner.name: the bytes end in the middle of a field"),
        (b"\x0a\x05ab", "Inner.name: the bytes end in the middle of a field"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "Inner.name: the bytes end in the middle of a field"),
        (b"\x0a\x01\xff", "Inner.name: the text is not valid UTF-8"),
        (b"\x0a\x03\xed\xa0\x80", "Inner.name: the text is not valid UTF-8"),
        (b"\x08\x01", "Inner.name: has wire type 0, expected 2"),
        (b"\x10" + b"\x80" * 10 + b"\x01", "Inner.count: a number is longer than ten bytes"),
        (b"\x10" + b"\xff" * 9 + b"\x02", "Inner.count: a number is longer than ten bytes"),
        (b"\x1a\x02\x10", "Inner.child: the bytes end in the middle of a field"),
        (b"\x1a\x01\x10", "Inner.count: the bytes end in the middle of a field"),
        (b"\x00", "Inner: a field number is out of range"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "Inner: a field number is too big"),
        (b"\x07", "Inner: a field number is out of range"),
        (b"\x27", "Inner: a field has a wire type that does not exist"),
        (b"\x24", "Inner: a group ends that did not begin"),
        (b"\x23\x2c", "Inner: a group ends that did not begin"),
        (b"\x23", "Inner: the bytes end in the middle of a field"),
        (b"\x23" * 200, "Inner: groups are nested too deeply"),
    ],
)
def test_bad_bytes_are_refused(codec: _native.Codec, data: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=r"^Inner") as raised:
        codec.decode("Inner", data)
    assert str(raised.value) == text


def test_times_outside_of_pythons_range_are_refused(codec: _native.Codec, pb2: ModuleType) -> None:
    for seconds, nanos in ((2**40, 0), (-(2**40), 0), (0, -1), (0, 10**9)):
        official = pb2.Everything()
        official.time.seconds, official.time.nanos = seconds, nanos
        with pytest.raises(ValueError, match=r"^Everything\.time: the time .* is outside the years 1 to 9999$"):
            codec.decode("Everything", official.SerializeToString())


class TestDepth:
    def test_the_limit_is_the_one_of_protobuf(self, codec: _native.Codec, pb2: ModuleType) -> None:
        def nested(depth: int) -> Inner:
            value = Inner(name="x")
            for _ in range(depth):
                value = Inner(child=value)
            return value

        deepest = codec.encode("Inner", nested(100))
        assert codec.decode("Inner", deepest) == nested(100)
        assert pb2.Inner.FromString(deepest).SerializeToString() == deepest
        with pytest.raises(ValueError, match="nested deeper than 100 messages"):
            codec.encode("Inner", nested(101))
        too_deep = deepest
        for _ in range(2):
            too_deep = grpc_peer.field(3, too_deep)
        with pytest.raises(ValueError, match="nested deeper than 100 messages"):
            codec.decode("Inner", too_deep)
        with pytest.raises(DecodeError):
            pb2.Inner.FromString(too_deep)

    def test_what_contains_itself_is_refused(self, codec: _native.Codec) -> None:
        loop: list[Any] = []
        loop.append({"again": loop})
        ring = Inner()
        ring.child = ring
        with pytest.raises(ValueError, match=r"^Everything\.value\[0\].*….*does it contain itself") as raised:
            codec.encode("Everything", Everything(value=loop))
        assert len(str(raised.value)) < 250
        with pytest.raises(ValueError, match=r"does it contain itself"):
            codec.encode("Inner", ring)

    def test_a_class_that_always_contains_itself_is_refused(self) -> None:
        codec = _native.Codec({"Inner": (Inner, ((3, "child", 10, "Inner"),))}.__getitem__)
        with pytest.raises(ValueError, match="nested deeper than 100"):
            codec.decode("Inner", b"")


def test_any_bytes_give_a_value_or_an_error(codec: _native.Codec) -> None:
    chance = random.Random(20261123)  # noqa: S311 (a seeded test)
    whole = codec.encode("Everything", FULL)
    refused = 0
    for _ in range(20_000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            position = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[position] = chance.randrange(256)
                case 1:
                    del data[position : position + chance.randint(1, 8)]
                case _:
                    data[position:position] = chance.randbytes(chance.randint(1, 8))
        try:
            decoded = codec.decode("Everything", bytes(data))
        except ValueError:
            refused += 1
        else:
            # What was read can be written again, unless it is text or time that only Python refuses.
            codec.encode("Everything", decoded)
    assert 0 < refused < 20_000


def test_random_bytes_give_a_value_or_an_error(codec: _native.Codec) -> None:
    chance = random.Random(7)  # noqa: S311 (a seeded test)
    for _ in range(20_000):
        data = chance.randbytes(chance.randint(0, 60))
        for message in ("Everything", "Inner", "SayRequest"):
            with contextlib.suppress(ValueError):
                codec.decode(message, data)


class TestPythonCodeOnTheWay:
    def test_its_exceptions_come_through(self, codec: _native.Codec) -> None:
        class Odd:
            def __index__(self) -> int:
                raise LookupError("odd")

        with pytest.raises(LookupError, match="odd"):
            codec.encode("Everything", Everything(an_int64=Odd()))

    def test_a_list_that_shrinks_meanwhile_is_no_harm(self, codec: _native.Codec) -> None:
        items: list[Any] = []

        class Shrinks:
            def __index__(self) -> int:
                items.clear()
                return 1

        items.extend([Shrinks(), 2, 3])
        assert codec.decode("Everything", codec.encode("Everything", Everything(numbers=items))).numbers == [1]

    def test_a_dict_that_changes_meanwhile_is_an_error(self, codec: _native.Codec) -> None:
        inners: dict[int, Inner] = {}

        class Grows(Inner):
            @property
            def name(self) -> str:
                inners[len(inners) + 100] = Inner()
                return ""

        grows = Grows.__new__(Grows)
        grows.count, grows.child = 0, None
        inners.update({1: grows, 2: Inner()})
        with pytest.raises(ValueError, match=r"^Everything\.inners: the dict was changed"):
            codec.encode("Everything", Everything(inners=inners))
