"""Records for the decoder's tests: made by asn1tools, which shares no code with the decoder."""

# ruff: noqa: ANN401 - ASN.1 values are of any type
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.random_records import (
    encode,
    number,
    random_records,
    random_value,
    specification,
    tbcd,
    timestamp,
)
from mediation.kernels.shapes import OCTETS

if TYPE_CHECKING:
    from mediation.batch_facts import BatchFacts

__all__ = [
    "MO_CALL",
    "Memory",
    "content",
    "encode",
    "memory",
    "mo_call",
    "number",
    "random_records",
    "random_value",
    "specification",
    "tbcd",
    "timestamp",
    "wrap",
]


@dataclass(frozen=True)
class Memory:
    """Records in memory, as the decoder takes them."""

    format_name: str
    data: np.ndarray[Any, Any]
    offsets: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]
    file_id: str = "0" * 32
    batches: tuple[BatchFacts, ...] = ()


def memory(format_name: str, records: list[bytes], behind: int = OCTETS) -> Memory:
    """Returns records one behind the other, between other octets; so many octets stand `behind`."""
    data = b"\xff" + b"\xff".join(records) + b"\xff" * behind
    lengths = np.array([len(record) for record in records], np.int64)
    offsets = np.cumsum(lengths + 1) - lengths
    return Memory(format_name, np.frombuffer(data, np.uint8), offsets, lengths)


MO_CALL: dict[str, Any] = {
    "recordType": 0,
    "servedIMSI": tbcd("460001012345678"),
    "servedIMEI": tbcd("860000000000017"),
    "servedMSISDN": number("8619910000001"),
    "calledNumber": number("18820000002", 0xA1),
    "recordingEntity": number("8619900900001"),
    "mscOutgoingTKGP": ("tkgpName", b"TG01"),
    "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x56\x78"},
    "seizureTime": timestamp("261031235940+0800"),
    "answerTime": timestamp("261031235958+0800"),
    "callDuration": 130,
    "causeForTerm": 0,
    "diagnostics": ("gsm0408Cause", 16),
    "callReference": b"\x01\x02\x03",
}
"""A call of 130 s over midnight of the end of October."""


def mo_call(**changes: Any) -> bytes:
    """Returns `MO_CALL` with changes, encoded; None takes a field away."""
    value = {**MO_CALL, **changes}
    return encode("3gpp_cs", "moCallRecord", {k: v for k, v in value.items() if v is not None})


def content(record: bytes) -> bytes:
    """Returns what stands inside a record whose tag is one octet."""
    head = 2 if record[1] < 128 else 2 + (record[1] & 127)
    return record[head:]


def wrap(tag: bytes, inside: bytes) -> bytes:
    """Returns a TLV with a definite length."""
    size = len(inside)
    if size < 128:
        return tag + bytes([size]) + inside
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes([128 | len(octets)]) + octets + inside
