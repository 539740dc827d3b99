"""Events to BER through asn1tools' encoder: the slow writer, which shares no code with ours.

Its bytes are what the samples consist of and what the fast writer is compared with.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import asn1tools

from traffic.digits import MISSING, octets_of, tbcd
from traffic.layout import (
    LAYOUTS,
    Codec,
    Containers,
    Group,
    Join,
    Leaf,
    Listed,
    Node,
    Pick,
)
from traffic.table import COLUMN, CONTAINER_COLUMN, CONTAINER_COLUMNS, KINDS, TEXTS, Events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT_TYPES = {"3gpp_cs": "CSRecord", "3gpp_ps": "GPRSRecord"}
FORMAT_OF_KIND = {
    kind: "3gpp_ps" if kind in {"sGWRecord", "pGWRecord"} else "3gpp_cs" for kind in KINDS
}
_ACTIONS = ("registration", "erasure", "activation", "deactivation", "interrogation")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def specification(format_name: str) -> Any:  # noqa: ANN401 - asn1tools has no types
    """Returns asn1tools' compiled form of a format's ASN.1 modules."""
    folder = resources.files("mediation.formats") / format_name
    texts = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".asn")]
    return asn1tools.compile_string("\n".join(texts), "ber")


def encode_value(kind: str, value: dict[str, Any]) -> bytes:
    """Returns the octets of one record given as asn1tools wants it."""
    format_name = FORMAT_OF_KIND[kind]
    encoded: bytes = specification(format_name).encode(ROOT_TYPES[format_name], (kind, value))
    return bytes(encoded)


def encode_events(events: Events) -> Iterator[bytes]:
    """Yields the events' records in order, about 15,000 a second."""
    for kind, value in record_values(events):
        yield encode_value(kind, value)


def record_values(events: Events) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields kind and value, as asn1tools takes and gives them."""
    rows = events.values.T.tolist()
    containers = events.containers.T.tolist()
    first, count = events.container_first.tolist(), events.container_count.tolist()
    for row, number in enumerate(events.kind.tolist()):
        kind = KINDS[number]
        mine = containers[first[row] : first[row] + count[row]]
        yield kind, _members(LAYOUTS[kind], rows[row], mine)


def _members(
    parts: tuple[Node, ...], row: Sequence[int], containers: list[list[int]]
) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for part in parts:
        value = _value(part, row, containers)
        if value is not None:
            members[part.name] = value
    return members


def _value(part: Node, row: Sequence[int], containers: list[list[int]]) -> Any:  # noqa: ANN401, PLR0911 - one line a node
    """Returns the value of one field, None when it is absent."""
    match part:
        case Leaf():
            return _leaf(part, row)
        case Pick():
            inner = _leaf(part.part, row)
            return None if inner is None else (part.part.name, inner)
        case Listed():
            return [_value(part.part, row, containers)]
        case Group():
            if part.optional >= 0 and row[part.optional] == MISSING:
                return None
            return _members(part.parts, row, containers)
        case Containers():
            return [_members(part.parts, mine, []) for mine in containers]
        case Join():
            return b"".join(_leaf(piece, row) for piece in part.parts)


def _leaf(part: Leaf, row: Sequence[int]) -> Any:  # noqa: ANN401, PLR0911
    if part.codec == Codec.CONSTANT:
        return part.constant
    value = row[part.column]
    if value == MISSING:
        return None
    match part.codec:
        case Codec.INTEGER:
            return _ACTIONS[value] if part.name == "ssAction" else value
        case Codec.OCTETS:
            return value.to_bytes(part.size, "big")
        case Codec.DIGITS:
            return tbcd(str(value).zfill(15))
        case Codec.NUMBER:
            return octets_of(value)
        case Codec.TIME:
            inner = len(row) == len(CONTAINER_COLUMNS)
            return time_stamp(value, row[CONTAINER_COLUMN["offset"] if inner else COLUMN["offset"]])
        case Codec.TEXT:
            return TEXTS[value]
        case _:
            return value.to_bytes(4, "big"), 32


def time_stamp(seconds: int, offset: int) -> bytes:
    """Returns a TS 32.298 TimeStamp: BCD local time, sign, BCD offset from UTC.

    Args:
        seconds: UTC seconds since 1970.
        offset: Minutes that the local clock is ahead of UTC.
    """
    local = _EPOCH + timedelta(seconds=seconds, minutes=offset)
    hours, minutes = divmod(abs(offset), 60)
    sign = b"-" if offset < 0 else b"+"
    return bytes.fromhex(f"{local:%y%m%d%H%M%S}") + sign + bytes.fromhex(f"{hours:02}{minutes:02}")
