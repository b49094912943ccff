"""Fills official protobuf messages with random values, every field of them.

Only with what has one spelling, so that what comes back can be compared: a `Value` that holds an unsigned number holds a large one, a
list of models is never empty, times have microseconds.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

#: Below this depth messages are left empty; recursive types would never end.
DEEPEST = 4

SCALARS = {
    FieldDescriptor.TYPE_BOOL: lambda chance: True,
    FieldDescriptor.TYPE_INT32: lambda chance: chance.choice([-(2**31), -1, 1, chance.getrandbits(31)]),
    FieldDescriptor.TYPE_INT64: lambda chance: chance.choice([-(2**63), -1, 1, chance.getrandbits(63)]),
    FieldDescriptor.TYPE_UINT32: lambda chance: chance.getrandbits(32) | 1,
    FieldDescriptor.TYPE_UINT64: lambda chance: chance.getrandbits(64) | 1,
    FieldDescriptor.TYPE_FLOAT: lambda chance: chance.choice([-0.5, 1.5, float("inf")]),
    FieldDescriptor.TYPE_DOUBLE: lambda chance: chance.uniform(-1e300, 1e300),
    FieldDescriptor.TYPE_STRING: lambda chance: "".join(chance.choices("aä€🦀\x00\n", k=chance.randint(1, 20))),
    FieldDescriptor.TYPE_BYTES: lambda chance: chance.randbytes(chance.randint(1, 20)),
    FieldDescriptor.TYPE_ENUM: lambda chance: 0,
}


def fill(message: Message, chance: random.Random, depth: int = 0) -> Message:
    """Sets every field of a message: one member of each oneof, one to three elements of what repeats."""
    descriptor = message.DESCRIPTOR
    if descriptor.full_name == "google.protobuf.Timestamp":
        message.seconds = chance.randrange(-62_135_596_800, 253_402_300_800)
        message.nanos = chance.randrange(1, 1_000_000) * 1000
        return message
    if descriptor.name == "Value":
        return fill_value(message, chance, depth)
    for field in chosen(descriptor, chance):
        fill_field(message, field, chance, depth)
    return message


def chosen(descriptor: Descriptor, chance: random.Random) -> Iterable[FieldDescriptor]:
    """Returns the fields to set: all, but one of each oneof and one detail of an error."""
    fields = [it for it in descriptor.fields if it.containing_oneof is None or is_optional(it)]
    fields += [chance.choice(it.fields) for it in descriptor.oneofs if not it.name.startswith("_")]
    if descriptor.name == "ErrorValue":
        fields.remove(descriptor.fields_by_name[chance.choice(["app_error", "postgres_error"])])
    return fields


def is_optional(field: FieldDescriptor) -> bool:
    """Returns whether the field is written ``optional``, which is a oneof of its own behind the scenes."""
    return field.containing_oneof is not None and field.containing_oneof.name.startswith("_")


def fill_field(message: Message, field: FieldDescriptor, chance: random.Random, depth: int) -> None:
    """Sets one field."""
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        fill_map(value, field.message_type, chance, depth)
    elif field.is_repeated:
        for _ in range(chance.randint(1, 3)):
            if field.message_type is not None:
                nested(value.add(), chance, depth)
            else:
                value.append(SCALARS[field.type](chance))
    elif field.message_type is not None:
        value.SetInParent()
        nested(value, chance, depth)
    else:
        setattr(message, field.name, SCALARS[field.type](chance))


def fill_map(target: Any, entry: Descriptor, chance: random.Random, depth: int) -> None:
    """Sets one to three entries of a map."""
    key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
    for _ in range(chance.randint(1, 3)):
        if value.message_type is not None:
            nested(target[SCALARS[key.type](chance)], chance, depth)
        else:
            target[SCALARS[key.type](chance)] = SCALARS[value.type](chance)


def nested(message: Message, chance: random.Random, depth: int) -> None:
    """Fills a message inside another, unless it is deep enough."""
    needs_content = message.DESCRIPTOR.name == "Value" or message.DESCRIPTOR.full_name == "google.protobuf.Timestamp"
    if depth < DEEPEST or needs_content:
        fill(message, chance, depth + 1)


def fill_value(message: Message, chance: random.Random, depth: int) -> Message:
    """Sets one member of a ``Value``; null only where it can be told from nothing, and there by hand."""
    members = [it for it in message.DESCRIPTOR.fields if it.name != "null_value"]
    if depth >= DEEPEST:
        members = [it for it in members if it.message_type is None]
    member = chance.choice(members)
    if member.name == "uint_value":
        message.uint_value = 2**63 + chance.getrandbits(62)
    elif member.message_type is not None and not member.message_type.fields:
        getattr(message, member.name).SetInParent()
    elif member.name.endswith("_value") or member.message_type is None:
        fill_field(message, member, chance, depth)
    else:
        # A list of models that is empty looks like any empty list.
        fill_field(message, member, chance, min(depth, DEEPEST - 1))
    return message


def pruned(message: Message) -> Message:
    """Removes sub-messages that are empty: where ``fill`` stopped, the codec writes those that are there by value."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for item in value.values():
                    pruned(item)
        elif field.is_repeated:
            for item in value:
                pruned(item)
        elif not pruned(value).ListFields() and field.message_type.name != "Value":
            message.ClearField(field.name)
    return message
