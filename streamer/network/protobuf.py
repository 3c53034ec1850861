"""Protobuf messages that are declared in Python, with no more fields than are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.protobuf import descriptor_pb2, descriptor_pool

Fields = Mapping[str, Sequence[tuple[str, int, str, bool]]]
"""Messages by name, each with its fields: name, number, type or message, whether repeated."""


def declare(messages: Fields, syntax: str) -> descriptor_pool.DescriptorPool:
    """A pool of its own that holds ``streamer.NAME`` for each of ``messages``."""
    file = descriptor_pb2.FileDescriptorProto(
        name="streamer.proto", package="streamer", syntax=syntax
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in messages.items():
        declared = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            field = declared.field.add(name=name, number=number, label=label)
            if kind in messages:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".streamer.{kind}"
            else:
                field.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
