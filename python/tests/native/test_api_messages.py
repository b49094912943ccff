"""Every message of the plugin API: the SDK's tables against the protos, and values there and back against protobuf."""

from __future__ import annotations

import random
from typing import Any

import pytest
from echo import PlainError, split_error
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from random_messages import fill, is_optional, pruned

from mattermost_plugin import _native
from mattermost_plugin._runtime.codec import resolve, resolve_enum
from protos import REPOSITORY, compile_protos

PACKAGE = "mattermost.plugin.v1."
ROOT = REPOSITORY / "proto"

#: Messages that Python never sees as such: the codec makes plain values, lists, dicts and exceptions of them.
BUILT_IN = {"Value", "ValueList", "ValueMap", "ErrorValue"}

OPTIONAL, REPEATED, EMBED = 0x20, 0x40, 0x80

TYPES = {
    FieldDescriptor.TYPE_BOOL: 1,
    FieldDescriptor.TYPE_INT32: 2,
    FieldDescriptor.TYPE_INT64: 3,
    FieldDescriptor.TYPE_UINT32: 4,
    FieldDescriptor.TYPE_UINT64: 5,
    FieldDescriptor.TYPE_FLOAT: 6,
    FieldDescriptor.TYPE_DOUBLE: 7,
    FieldDescriptor.TYPE_STRING: 8,
    FieldDescriptor.TYPE_BYTES: 9,
}


def names() -> list[str]:
    """Returns the message names of the protos, by their text: pytest wants them before anything is compiled."""
    texts = [path.read_text() for path in sorted((ROOT / "mattermost/plugin/v1").glob("*.proto"))]
    return sorted(line.split()[1] for text in texts for line in text.splitlines() if line.startswith("message "))


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> dict[str, type[Any]]:
    """The official class of every message by name."""
    protos = sorted(str(it.relative_to(ROOT)) for it in ROOT.rglob("*.proto"))
    folder = tmp_path_factory.mktemp("api")
    compile_protos(folder, ROOT, *protos)
    import importlib

    for proto in protos:
        importlib.import_module(proto.removesuffix(".proto").replace("/", ".") + "_pb2")
    pool = descriptor_pool.Default()
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(PACKAGE + name)) for name in names()}


@pytest.fixture(scope="module")
def api_codec() -> _native.Codec:
    """A codec with the SDK's tables; errors keep all they say, so that they can be compared."""
    return _native.Codec(resolve, resolve_enum, make_error=PlainError, split_error=split_error)


def is_wrapper(descriptor: Descriptor) -> bool:
    """Returns whether the message only exists because proto cannot nest lists and maps."""
    return [it.name for it in descriptor.fields] == ["values"] and descriptor.fields[0].is_repeated


def table_of(name: str) -> Any:
    """Returns a message's table, or ``None`` when it has none."""
    try:
        return resolve(name)
    except KeyError:
        return None


@pytest.mark.parametrize("name", names())
class TestEveryMessage:
    def test_its_table_says_what_the_proto_says(self, name: str, official: dict[str, type[Any]]) -> None:
        descriptor: Descriptor = official[name].DESCRIPTOR
        table = table_of(name)
        if table is None:
            assert name in BUILT_IN or is_wrapper(descriptor), "there is no table for it"
            return
        _, rows = table
        assert [row[0] for row in rows] == [it.number for it in descriptor.fields]
        for row, field in zip(rows, descriptor.fields, strict=True):
            assert row[1].rstrip("_") == field.name
            check_kind(row[2], row[3], field)


def stands_alone(name: str) -> bool:
    """Returns whether the message is more than a part of others, such as `Value` and the wrappers."""
    return table_of(name) is not None and name != "Value"


@pytest.mark.parametrize("name", [name for name in names() if stands_alone(name)])
class TestEveryMessageThatStandsAlone:
    def test_values_come_back(self, name: str, official: dict[str, type[Any]], api_codec: _native.Codec) -> None:
        chance = random.Random(name)  # noqa: S311 (a seeded test)
        for _ in range(5):
            message = fill(official[name](), chance)
            decoded = api_codec.decode(name, message.SerializeToString())
            encoded = api_codec.encode(name, decoded)
            back = official[name].FromString(encoded)
            # Known field by known field: no field may have been sent as one that the other side does not know.
            assert pruned(back) == pruned(message)
            assert api_codec.decode(name, encoded) == decoded

    def test_emptiness_comes_back(self, name: str, official: dict[str, type[Any]], api_codec: _native.Codec) -> None:
        decoded = api_codec.decode(name, b"")
        encoded = api_codec.encode(name, decoded)
        official[name].FromString(encoded)
        assert api_codec.decode(name, encoded) == decoded
        # What the codec makes of nothing is what the class makes of no arguments.
        if not isinstance(decoded, tuple):
            assert decoded == type(decoded)()


def check_kind(kind: int, reference: Any, field: FieldDescriptor) -> None:
    """Asserts that a table's kind fits a field."""
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        assert kind == 16
        key, value, value_reference = reference
        check_base(key, None, message.fields_by_name["key"])
        check_base(value, value_reference, message.fields_by_name["value"])
        return
    assert bool(kind & REPEATED) == field.is_repeated
    if is_optional(field) or (field.containing_oneof is not None and field.containing_type.name != "Value"):
        assert kind & OPTIONAL, "it can be absent"
    elif message is None:
        assert not kind & OPTIONAL, "it cannot be absent"
    check_base(kind & ~(OPTIONAL | REPEATED | EMBED), reference, field)


def check_base(base: int, reference: Any, field: FieldDescriptor) -> None:
    """Asserts that a kind without flags fits the type of a field."""
    message = field.message_type
    if message is None:
        open_enums = {13: 8, 14: 3}
        wanted = 3 if field.type == FieldDescriptor.TYPE_ENUM else TYPES[field.type]
        assert open_enums.get(base, base) == wanted
        if base in open_enums and reference is not None:
            assert resolve_enum(reference).__name__ == reference
    elif message.full_name == "google.protobuf.Timestamp":
        assert base == 12
    elif message.name == "Value":
        assert base == 11
    elif message.name == "ErrorValue":
        assert base == 15
    elif base == 17:
        assert is_wrapper(message)
        kind, inner = reference
        check_kind(kind, inner, message.fields[0])
    else:
        assert (base, reference) == (10, message.name)


def test_there_are_messages() -> None:
    assert len(names()) > 700


def test_null_is_kept_inside_of_values(api_codec: _native.Codec) -> None:
    from mattermost_plugin.models import Post

    post = Post(props={"a": None, "b": [None, {"c": None}]})
    assert api_codec.decode("Post", api_codec.encode("Post", post)).props == {"a": None, "b": [None, {"c": None}]}


def test_attachments_travel_as_such(official: dict[str, type[Any]], api_codec: _native.Codec) -> None:
    from mattermost_plugin.models import MessageAttachment, Post

    post = Post(props={"attachments": [MessageAttachment(text="x")], "mixed": [MessageAttachment(), 1][1:]})
    message = official["Post"].FromString(api_codec.encode("Post", post))
    assert message.props["attachments"].WhichOneof("kind") == "message_attachments"
    assert message.props["mixed"].WhichOneof("kind") == "list_value"
    assert api_codec.decode("Post", message.SerializeToString()) == post
