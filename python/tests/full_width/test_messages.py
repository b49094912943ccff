"""Every message there and back, against the official protobuf: all fields filled, all empty, none there, and anything at random."""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timezone
from typing import Any

import pytest
import width_mapping as mapping
import width_types as types
from width_filler import KINDS, Absent, Filler, Random, Zeros
from width_protocol import Protocol
from width_types import Node

from mattermost_plugin import _native, models
from mattermost_plugin._generated import codec_api, codec_hooks
from mattermost_plugin._generated.index import MODULE_OF

MODELS = [name for name in models.__dir__() if types.model(name) is not None]
#: Requests, responses and parts of streams, which have no class: tuples in the codec.
TUPLES = sorted(
    {*codec_api.TABLES, *codec_hooks.TABLES, *(name for name in MODULE_OF if not hasattr(models, name))} - {"Value"}
)
#: What the codec knows by itself, as kinds of fields.
BUILT_IN = {
    "ErrorValue",
    "MessageAttachmentList",
    "NotificationTargetList",
    "PluginPropertyOptionList",
    "StringList",
    "Value",
    "ValueList",
    "ValueMap",
}
ROUNDS = 8
#: Models that are not called as in Go, where two packages may each have a type of one name.
GO_NAMES = {"PostgresError": "Error", "SamlProxyRestriction": "ProxyRestriction"}
#: Structs that are no models: a value of their own kind here, or part of the database driver that plugins in Go get.
NO_MODELS = {"ErrorString", "HTTPRequestSubset", "NamedValue", "ResultContainer", "TxOptions"}
#: Fields of these types do not travel.
FUNCTIONS = ("i18n.TranslateFunc",)


def seed(name: str) -> int:
    return zlib.crc32(name.encode())


def test_every_message_of_the_proto_files_is_tested(protocol: Protocol) -> None:
    assert sorted({*MODELS, *TUPLES, *BUILT_IN}) == sorted(protocol.plugin_messages)
    assert len(MODELS) > 190


def test_a_message_has_the_fields_of_its_struct(
    protocol: Protocol, surface: dict[str, Any], older_surfaces: list[dict[str, Any]]
) -> None:
    structs: dict[str, list[list[str]]] = {}
    for name, fields in structs_of_all(surface, older_surfaces).items():
        names = [it["name"].rpartition(".")[2].lower() for it in fields if it["type"] not in FUNCTIONS]
        structs.setdefault(bare(name), []).append(names)
    assert set(structs) - {GO_NAMES.get(name, name) for name in MODELS} == NO_MODELS
    for name in MODELS:
        fields = [it.name.replace("_", "") for it in protocol.message(name).DESCRIPTOR.fields]
        assert fields in structs[GO_NAMES.get(name, name)], name


def structs_of_all(surface: dict[str, Any], older_surfaces: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Returns the exported fields of every struct: the newest's, then those that only older servers have, and the structs of these."""
    structs = structs_of(surface)
    renamed = {it["name"]: it["type"] for it in surface["types"] if it["kind"] == "alias"}
    for older in older_surfaces:
        before = structs_of(older)
        added = []
        for name, fields in before.items():
            now = structs.get(renamed.get(name, name), [])
            gone = [it for it in fields if now and it["name"] not in [field["name"] for field in now]]
            now += gone
            added += gone
        while added:
            for name in re.findall(r"[\w/]+\.\w+", added.pop()["type"]):
                if name not in structs and name in before:
                    structs[name] = before[name]
                    added += before[name]
    return structs


def structs_of(surface: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        it["name"]: [field for field in it.get("fields", []) if field["exported"]]
        for it in surface["types"]
        if it["kind"] == "struct"
    }


def bare(name: str) -> str:
    """Returns a type's name without its package and its parameters."""
    return name.rpartition(".")[2].partition("[")[0]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_what_its_message_has(protocol: Protocol, codec: _native.Codec, name: str) -> None:
    cls: Any = types.model(name)
    anything = Random(seed(name))
    for filler in (Filler(seed(name)), Zeros(0), Absent(0), *[anything] * ROUNDS):
        official = filler.model(protocol.message(name)(), cls)
        compare(codec, name, official, mapping.model(official, cls), Node("model", cls))


def compare(codec: _native.Codec, name: str, official: Any, expected: Any, node: Node) -> None:
    """The codec reads what protobuf writes, as annotated, and protobuf reads what the codec writes."""
    decoded = codec.decode(name, official.SerializeToString())
    assert mapping.differences(expected, decoded, name) == []
    assert types.mistyped(decoded, node, name) == []
    assert mapping.wire_differences(official, type(official).FromString(codec.encode(name, decoded))) == []
    assert mapping.wire_differences(official, type(official).FromString(codec.encode(name, expected))) == []


def test_a_new_model_is_a_decoded_empty_message(codec: _native.Codec) -> None:
    for name in MODELS:
        cls: Any = types.model(name)
        decoded = codec.decode(name, b"")
        assert decoded == cls(), name
        assert types.mistyped(decoded, Node("model", cls), name) == []


@pytest.mark.parametrize("name", TUPLES)
def test_any_tuple_comes_back_as_it_went(protocol: Protocol, codec: _native.Codec, name: str) -> None:
    cls = protocol.message(name)
    fields = list(cls.DESCRIPTOR.fields)
    # A message of a stream is one of its parts at a time: each has its turn.
    parts = [it.name for it in fields] if "part" in cls.DESCRIPTOR.oneofs_by_name else [""]
    filler = Random(seed(name))
    for part in parts * (ROUNDS // len(parts) + 1):
        official = filler.message(cls(), part)
        decoded = codec.decode(name, official.SerializeToString())
        assert type(decoded) is tuple
        assert len(decoded) == len(fields)
        assert mapping.wire_differences(official, cls.FromString(codec.encode(name, decoded))) == []


class TestValue:
    """What Go calls ``any``."""

    def test_every_kind_of_value_travels(self, protocol: Protocol, codec: _native.Codec) -> None:
        fields = protocol.message("Value").DESCRIPTOR.oneofs_by_name["kind"].fields
        assert {it.name for it in fields} == set(KINDS)
        for kind in KINDS:
            filler = Filler(1)
            filler.first_kind = kind
            for _ in range(3):
                official = filler.model(protocol.message("PluginSetting")(), models.PluginSetting)
                assert official.default.WhichOneof("kind") == (None if kind == "null_value" else kind)
                expected = mapping.model(official, models.PluginSetting)
                compare(codec, "PluginSetting", official, expected, Node("model", models.PluginSetting))

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (True, "bool_value"),
            (0, "int_value"),
            (-(2**63), "int_value"),
            (2**63 - 1, "int_value"),
            (2**63, "uint_value"),
            (2**64 - 1, "uint_value"),
            (-0.0, "double_value"),
            ("", "string_value"),
            (next(iter(models.ChannelType)), "string_value"),
            (next(iter(models.Bitmask)), "int_value"),
            (b"", "bytes_value"),
            ([], "list_value"),
            ((1, 2), "list_value"),
            ([models.AutocompleteTextArg(), 1], "list_value"),
            ({}, "map_value"),
            (ValueError("no"), "error_value"),
            (models.AutocompleteTextArg(hint="h"), "autocomplete_text_arg"),
            ([models.MessageAttachment(text="t")], "message_attachments"),
            ([models.PluginPropertyOption()], "property_options"),
        ],
        ids=lambda it: repr(it)[:30],
    )
    def test_the_narrowest_kind_is_chosen(
        self, protocol: Protocol, codec: _native.Codec, value: object, kind: str
    ) -> None:
        encoded = codec.encode("PluginSetting", models.PluginSetting(default=value))
        assert protocol.message("PluginSetting").FromString(encoded).default.WhichOneof("kind") == kind

    def test_nothing_within_something_is_null(self, protocol: Protocol, codec: _native.Codec) -> None:
        encoded = codec.encode("PluginSetting", models.PluginSetting(default={"a": None, "b": [None]}))
        official = protocol.message("PluginSetting").FromString(encoded).default.map_value.values
        assert official["a"].WhichOneof("kind") == "null_value"
        assert official["b"].list_value.values[0].WhichOneof("kind") == "null_value"
        assert codec.decode("PluginSetting", encoded).default == {"a": None, "b": [None]}

    @pytest.mark.parametrize(
        ("value", "error"),
        [
            (2**64, ValueError),
            (-(2**63) - 1, ValueError),
            ({1: "a"}, TypeError),
            (object(), TypeError),
            ({1, 2}, TypeError),
            (datetime.now(timezone.utc), TypeError),
            (models.Post(), TypeError),
        ],
        ids=lambda it: repr(it)[:20],
    )
    def test_what_is_no_value_is_refused(self, codec: _native.Codec, value: object, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^PluginSetting\.default"):
            codec.encode("PluginSetting", models.PluginSetting(default=value))
