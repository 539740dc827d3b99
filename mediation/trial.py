"""Records in memory through the decoder: for tests of formats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mediation.decoder import decode_chunk
from mediation.format_folders import looking_in
from mediation.normalize import CHINA

if TYPE_CHECKING:
    from collections.abc import Sequence

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
