"""Layouts compiled for the fast writer, with tags taken from records that asn1tools wrote.

A template of each kind is encoded by asn1tools and read back as TLVs; walking it beside the
layout gives every field its tag octets. No tag number is written down twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from traffic import tlv
from traffic.digits import INTERNATIONAL
from traffic.encode import encode_events
from traffic.kernels import writer
from traffic.layout import LAYOUTS, Codec, Containers, Group, Join, Leaf, Listed, Node, Pick
from traffic.table import (
    COLUMN,
    CONTAINER_COLUMN,
    CONTAINER_COLUMNS,
    KINDS,
    TEXTS,
    Events,
    new_values,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_FIRST_DATE: Final = date(1970, 1, 1)
_LAST_DATE: Final = date(2099, 12, 31)
_FIXED: Final = {Codec.DIGITS: 8, Codec.TIME: 9, Codec.BITS: 5}
_LONGEST: Final = {Codec.INTEGER: 9, Codec.DIGITS: 8, Codec.NUMBER: 9, Codec.TIME: 9}


@dataclass(frozen=True, slots=True)
class Program:
    """What `writer.write_records` needs beside the events; see its arguments."""

    operations: Ints
    start: Ints
    blob: NDArray[np.uint8]
    texts: Ints
    dates: NDArray[np.uint8]
    room: Ints


class _Compiler:
    """Collects operations, first field first, and their literals."""

    def __init__(self) -> None:
        self.blob = bytearray(b"".join(TEXTS))
        self.operations: list[list[int]] = []
        self.room = [0, 0]

    def literal(self, octets: bytes) -> None:
        last = self.operations[-1] if self.operations else None
        if last and last[0] == writer.LITERAL and last[2] + last[4] == len(self.blob):
            last[4] += len(octets)
        else:
            self._add(writer.LITERAL, column=len(self.blob), size=len(octets))
        self.blob += octets

    def leaf(self, part: Leaf, tag: bytes, *, inner: bool) -> None:
        size = max(map(len, TEXTS)) if part.codec == Codec.TEXT else part.size
        self.room[inner] += 6 + _LONGEST.get(part.codec, max(size, 5))
        fixed = _FIXED.get(part.codec, part.size)
        head = tag + bytes((fixed,)) if tag and fixed else tag
        self._add(writer.LEAF, part.column, part.codec, part.size, head, inner=inner)

    def mark(self, code: int, tag: bytes = b"", column: int = -1) -> None:
        self._add(code, column, tag=tag)

    def _add(
        self,
        code: int,
        column: int = -1,
        codec: int = 0,
        size: int = 0,
        tag: bytes = b"",
        *,
        inner: bool = False,
    ) -> None:
        self.room[inner] += 8 + (size if code == writer.LITERAL else 0)
        number = int.from_bytes(tag, "big")
        self.operations.append([code, int(inner), column, int(codec), size, number, len(tag), 0])

    def walk(self, part: Node, element: tlv.Tlv, *, inner: bool = False) -> None:
        """Adds the operations of one field, which `element` shows as asn1tools wrote it."""
        if _constant(part):
            self.literal(element.octets())
            return
        match part:
            case Leaf():
                self.leaf(part, element.tag, inner=inner)
            case Pick() | Listed():
                self.mark(writer.OPEN, element.tag)
                leaf = part.part.part if isinstance(part.part, Pick) else part.part
                self.walk(leaf, _only(element))
                self.mark(writer.CLOSE, column=leaf.column)
            case Group():
                self.mark(writer.OPEN, element.tag)
                self._members(part.parts, element, inner=inner)
                self.mark(writer.CLOSE, column=part.optional)
            case Join():
                self.mark(writer.OPEN, element.tag)
                for piece in part.parts:
                    if piece.codec == Codec.CONSTANT:
                        self.literal(bytes(piece.constant))  # type: ignore[call-overload]
                    else:
                        self.leaf(piece, b"", inner=inner)
                self.mark(writer.CLOSE)
            case Containers():
                one = _only(element)
                self.mark(writer.OPEN, element.tag)
                self.mark(writer.REPEAT_BEGIN)
                self.mark(writer.OPEN, one.tag)
                self._members(part.parts, one, inner=True)
                self.mark(writer.CLOSE)
                self.mark(writer.REPEAT_END)
                self.mark(writer.CLOSE)
                self.room[1] += 16

    def _members(self, parts: tuple[Node, ...], element: tlv.Tlv, *, inner: bool) -> None:
        for part, member in zip(parts, element.parts or (), strict=True):
            self.walk(part, member, inner=inner)

    def finish(self, base: int) -> list[list[int]]:
        """Returns the operations in running order, the last field first, with their jumps."""
        ordered = self.operations[::-1]
        open_at: list[int] = []
        for index, operation in enumerate(ordered):
            if operation[0] in {writer.CLOSE, writer.REPEAT_END}:
                open_at.append(index)
            elif operation[0] in {writer.OPEN, writer.REPEAT_BEGIN}:
                partner = open_at.pop()
                ordered[partner][7] = base + index
                operation[7] = base + partner
        self.operations = []
        return ordered


def _constant(part: Node) -> bool:
    match part:
        case Leaf():
            return part.codec == Codec.CONSTANT
        case Pick() | Listed():
            return _constant(part.part)
        case _:
            return False


def _only(element: tlv.Tlv) -> tlv.Tlv:
    (part,) = element.parts or ()
    return part


def template(kind: str) -> Events:
    """Returns one event of a kind with every field present and one container."""
    values = new_values(1)
    values[:] = 1
    for name in ("msisdn", "calling", "called", "entity"):
        values[COLUMN[name]] = 1 << 12 | 1 << 8 | INTERNATIONAL
    containers = np.ones((len(CONTAINER_COLUMNS), 1), np.int64)
    one = np.ones(1, np.int64)
    return Events(
        kind=np.full(1, KINDS.index(kind), np.int8),
        values=values,
        containers=containers,
        container_first=one - 1,
        container_count=one,
    )


@cache
def compile_program() -> Program:
    """Returns the program of all kinds of records."""
    compiler = _Compiler()
    operations: list[list[int]] = []
    start = [0]
    room = []
    for kind in KINDS:
        (octets,) = encode_events(template(kind))
        record, _ = tlv.parse(octets)
        compiler.room = [32, 0]
        compiler.walk(Group(kind, LAYOUTS[kind]), record)
        operations += compiler.finish(len(operations))
        start.append(len(operations))
        room.append(compiler.room)
    days = (_LAST_DATE - _FIRST_DATE).days + 1
    dates = b"".join(
        bytes.fromhex((_FIRST_DATE + timedelta(days=day)).strftime("%y%m%d")) for day in range(days)
    )
    return Program(
        operations=np.asarray(operations, np.int64),
        start=np.asarray(start, np.int64),
        blob=np.frombuffer(bytes(compiler.blob), np.uint8),
        texts=np.cumsum([0, *map(len, TEXTS)], dtype=np.int64),
        dates=np.frombuffer(dates, np.uint8).reshape(days, 3),
        room=np.asarray(room, np.int64),
    )


def write_events(
    events: Events, buffer: NDArray[np.uint8] | None = None, record_head: bytes = b""
) -> tuple[NDArray[np.uint8], Ints]:
    """Returns the octets of the events in their order, and where each record begins in them.

    Args:
        events: What to write.
        buffer: Memory to write into; it is used when it is large enough. The returned octets are
            then a view of it, good until the next call.
        record_head: Octets behind the length in a TS 32.297 record header; empty for bare records.

    Returns:
        uint8[size] and int64[records]; with headers, a record begins behind its header.
    """
    program = compile_program()
    bound = int(
        program.room[events.kind, 0].sum()
        + (program.room[events.kind, 1] * events.container_count).sum()
    )
    if buffer is None or len(buffer) < bound:
        buffer = np.empty(bound, np.uint8)
    starts = np.empty(len(events), np.int64)
    front = writer.write_records(
        events.kind,
        events.values,
        events.containers,
        events.container_first,
        events.container_count,
        program.operations,
        program.start,
        program.blob,
        program.texts,
        program.dates,
        COLUMN["offset"],
        CONTAINER_COLUMN["offset"],
        np.frombuffer(record_head, np.uint8),
        program.room,
        buffer,
        starts,
    )
    if front == writer.NO_ROOM:
        message = "the writer's bound of a record's size is too small; this is a bug"
        raise RuntimeError(message)
    return buffer[front:], starts - front
