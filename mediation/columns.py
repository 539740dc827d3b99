"""The EDR columns as numbers: the order, pairs and ranges that plans and kernels work with.

Kernels know a column by its index in `COLUMNS` (the EDR schema without the identity, then what is
for sequence control only). Inside they all are int64 with `MISSING`; `KIND` and `LIMITS` say what they become in Arrow.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from mediation.edr import DIRECTIONS, EDR_SCHEMA, IDENTITY, MISSING, SERVICES

EDR_COLUMNS: Final[tuple[str, ...]] = tuple(EDR_SCHEMA.names[len(IDENTITY) :])
"""Every EDR column behind the identity, in schema order."""

RECORD_NUMBER: Final = "record_number"
"""Running number of a record among all of its node: for sequence control, in no EDR."""

COLUMNS: Final[tuple[str, ...]] = (*EDR_COLUMNS, RECORD_NUMBER)
"""What mappings fill."""

INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(COLUMNS)}
"""Column name to index."""

PAIRS: Final[dict[str, str]] = {
    "other_number": "other_text",
    "dialled": "dialled_zeros",
    "start_time": "utc_offset",
    "area": "cell",
}
"""Columns that one field fills together; where one comes from, the other comes from as well."""

QUANTITIES: Final = ("duration", "uplink", "downlink", "events")
"""What is measured: zero, not missing, where the record does not say."""

CODES: Final[dict[str, tuple[str, ...]]] = {"service": SERVICES, "direction": DIRECTIONS}
"""Columns with a fixed vocabulary; their int64 value is the index in it."""


def _kind(name: str) -> str:
    if name in CODES:
        return "code"
    if name == "record_type":
        return "record_type"
    if name == RECORD_NUMBER:
        return "number"
    return "text" if pa.types.is_dictionary(EDR_SCHEMA.field(name).type) else "number"


KIND: Final[tuple[str, ...]] = tuple(_kind(name) for name in COLUMNS)
"""Per column: number, text (dictionary), code (fixed vocabulary) or record_type."""


def _storage_bits(name: str) -> int:
    if name == RECORD_NUMBER:
        return 64
    kind = EDR_SCHEMA.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.index_type
    bits: int = kind.bit_width
    return bits


BITS: Final[tuple[int, ...]] = tuple(_storage_bits(name) for name in COLUMNS)
"""Per column: width of its Arrow values, or of its dictionary indices: 8, 16, 32 or 64."""

LIMITS: Final[tuple[tuple[int, int], ...]] = tuple(
    (max(-(2 ** (bits - 1)), MISSING + 1), 2 ** (bits - 1) - 1) for bits in BITS
)
"""Per column: smallest and largest value that it can hold; `MISSING` is not one of them."""


def too_far(column: str, number: str) -> str:
    """Returns what is wrong with a number that a mapping writes for a column; empty if nothing is."""
    low, high = LIMITS[INDEX[column]]
    fits = low <= int(number) <= high
    return "" if fits else f"`{column}` holds numbers from {low} to {high}, not {number}"
