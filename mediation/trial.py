"""A few records through the decoder: for tests of formats, and to see whether a format fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.decoder import decode_chunk
from mediation.format_folders import looking_in
from mediation.normalize import CHINA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediation.decoder import Records
    from mediation.formats import Format
    from mediation.normalize import NormalizationSettings


@dataclass(frozen=True, slots=True)
class MemoryRecords:
    """Records behind one another, as the decoder takes them."""

    format_name: str
    data: np.ndarray[Any, Any]
    offsets: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]
    file_id: str = "0" * 32


UNSAID: Final = frozenset({"missing_time_zone", "missing_utc_offset"})
"""Reasons for suspense that say nothing against a format: the source has to say it."""

UNREAD: Final = frozenset({"decode", "normalize"})
"""Stages at which a record stops that its format cannot read; a rule of validation says nothing."""


def sensible(file: Records, count: int) -> int:
    """Returns how many of the first records of a file have values that its format can read."""
    if count == 0:
        return 0
    stopped = decode_chunk(file, range(count)).suspense.to_pylist()
    unread = {
        row["offset"]
        for row in stopped
        if row["reason"] not in UNSAID
        and (row["stage"] in UNREAD or row["reason"] == "missing_start_time")
    }
    return count - len(unread)


class NotDecodedError(ValueError):
    """A record that did not become rows; says why."""


def rows_of(
    cdr_format: Format,
    records: Sequence[bytes],
    normalization: NormalizationSettings = CHINA,
    *,
    time_zone: str = "",
) -> list[dict[str, Any]]:
    """Returns the EDR rows of records, one dict a row.

    Args:
        cdr_format: The format.
        records: Records, one by one.
        normalization: How numbers are written.
        time_zone: Of records that carry none, such as ``Asia/Shanghai``.

    Raises:
        NotDecodedError: A record was suspended or discarded.
    """
    if time_zone:
        zones = normalization.time_zones.with_default(time_zone)
        normalization = replace(normalization, time_zones=zones)
    lengths = np.array([len(record) for record in records], np.int64)
    data = np.frombuffer(b"".join(records), np.uint8)
    memory = MemoryRecords(cdr_format.name, data, np.cumsum(lengths) - lengths, lengths)
    with looking_in(cdr_format.folder.parent):
        chunk = decode_chunk(memory, range(len(records)), normalization)
    if chunk.records_suspended or chunk.records_discarded:
        reasons = [
            f"record at {row['offset']}: {row['reason']} {row['tag_path'] or ''}: {row['detail']}"
            for row in chunk.suspense.to_pylist()
        ]
        raise NotDecodedError("; ".join([*reasons, *chunk.discarded]))
    rows: list[dict[str, Any]] = chunk.edr.to_pylist()
    return rows
