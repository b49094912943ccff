"""The hand-written tables of the host's protocol, against host.proto as protoc reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from mattermost_plugin import _native
from mattermost_plugin._runtime import host_protocol, sql_protocol
from mattermost_plugin._runtime.codec import make_codec

KINDS = {
    FieldDescriptor.TYPE_BOOL: 1,
    FieldDescriptor.TYPE_STRING: 8,
    FieldDescriptor.TYPE_UINT32: 4,
    FieldDescriptor.TYPE_INT64: 3,
    FieldDescriptor.TYPE_ENUM: 2,
    FieldDescriptor.TYPE_MESSAGE: 10,
}


TABLES = {**host_protocol.TABLES, **sql_protocol.TABLES}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_fields_of_its_message(protocol: Any, name: str) -> None:
    fields = protocol.message(f"mattermost.host.v1.{name.removeprefix('host.')}").DESCRIPTOR.fields
    expected = []
    for field in fields:
        kind = 16 if field.message_type and field.message_type.GetOptions().map_entry else KINDS[field.type]
        if field.message_type is not None:
            kind = {"Value": 11, "SqlRow": 17}.get(field.message_type.name, kind)
        repeated = 0x40 if field.is_repeated and kind != 16 else 0
        optional = 0x20 if field.containing_oneof or field.name == "transaction" else 0
        expected.append((field.number, field.name, kind | repeated | optional))
    assert [field[:3] for field in TABLES[name][1]] == expected


@pytest.mark.parametrize("method", [host_protocol.HELLO, host_protocol.WRITE_LOGS, sql_protocol.SESSION])
def test_the_paths_are_those_of_the_service(protocol: Any, method: tuple[str, str, str]) -> None:
    path, request, response = method
    descriptor = protocol.method(path)
    assert descriptor.input_type.name == request.removeprefix("host.")
    assert descriptor.output_type.name == response.removeprefix("host.")


def test_records_travel(protocol: Any) -> None:
    record = (2, "text", "logger", 1795413600123, {"a": "b"}, "trace")
    data = make_codec().encode("host.WriteLogsRequest", ([record],))
    message = protocol.message("mattermost.host.v1.WriteLogsRequest").FromString(data)
    (seen,) = message.records
    assert (seen.level, seen.message, seen.logger, seen.time_ms, dict(seen.fields), seen.traceback) == record


def test_the_version_is_the_hosts() -> None:
    source = Path(__file__).parents[4] / "crates" / "mm-proto" / "src" / "lib.rs"
    found = re.search(r"PROTOCOL_VERSION: u32 = (\d+);", source.read_text())
    assert found
    assert int(found[1]) == host_protocol.PROTOCOL_VERSION


def test_the_versions_of_package_and_core_are_one() -> None:
    from mattermost_plugin import __version__

    assert _native.version() == __version__
    pyproject = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert f'version = "{__version__}"' in pyproject
