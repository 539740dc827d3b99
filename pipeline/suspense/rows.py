"""Suspense rows that the pipeline itself makes: whole files, and events that were not rated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.edr import SUSPENSE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mediation.decoder import DecodedChunk
    from mediation.reader import CdrFile
    from pipeline.batch.units import OpenFile, Slice

RAW_LIMIT = 4096
"""Bytes of a whole file kept in its suspense row; the archive has the rest."""
WHOLE_FILE = "whole_file"
"""Finer cause of the row that stands for a file that could not be read at all."""


def file_row(file: OpenFile) -> pa.RecordBatch:
    """Returns the suspense row of a file that could not be read at all."""
    fault = file.fault
    if fault is None:
        message = f"{file.entry.name} was read"
        raise ValueError(message)
    with fault.path.open("rb") as source:
        raw = source.read(RAW_LIMIT)
    row = {
        "file_id": file.entry.file_id,
        "offset": 0,
        "container": 0,
        "length": file.entry.size,
        "stage": "frame",
        "reason": fault.reason,
        "sub_reason": WHOLE_FILE,
        "state": "suspended",
        "detail": fault.detail,
        "tag_path": None,
        "fault_offset": 0,
        "raw": raw,
        "attempts": 1,
    }
    return pa.RecordBatch.from_pylist([row], schema=SUSPENSE_SCHEMA)


def unframed_rows(cdr: CdrFile) -> pa.RecordBatch:
    """Returns one suspense row for each piece of a file that belongs to no record."""
    rows = [
        {
            "file_id": cdr.file_id,
            "offset": offset,
            "container": 0,
            "length": length,
            "stage": "frame",
            "reason": reason,
            "state": "suspended",
            "detail": f"{length} bytes at offset {offset} belong to no record",
            "fault_offset": offset,
            "raw": cdr.raw(offset, min(length, RAW_LIMIT)),
            "attempts": 1,
        }
        for offset, length, reason in cdr.unframed
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SUSPENSE_SCHEMA)


def unrated_rows(
    parts: Sequence[tuple[Slice, DecodedChunk]],
    edr: pa.RecordBatch,
    rows: NDArray[np.int64],
    words: pa.RecordBatch,
) -> pa.RecordBatch:
    """Returns suspense rows of events that decoded well and could not be rated.

    Args:
        parts: The slices of the unit with what was decoded of each.
        edr: The unit's events, in the order of `parts`.
        rows: int64[n] row of `edr` of each suspended event, ascending.
        words: Stage, reason and detail of each (``rating.rated.UNRATED_SCHEMA``).
    """
    picked = edr.take(pa.array(rows))
    lengths, raw = _raw(parts, rows, picked.column("offset").to_numpy())
    return event_rows(picked, lengths, raw, words)


def event_rows(
    picked: pa.RecordBatch,
    lengths: NDArray[np.int64],
    raw: Sequence[bytes | None],
    words: pa.RecordBatch,
) -> pa.RecordBatch:
    """Returns suspense rows of events with their octets, None where the archive has to be asked.

    `words` are stage, reason and detail of each (``rating.rated.UNRATED_SCHEMA``).
    """
    count = picked.num_rows

    def constant(value: str | None) -> pa.Array:
        return pa.array([value] * count, pa.string())

    columns = {
        "file_id": picked.column("file_id"),
        "offset": picked.column("offset"),
        "container": picked.column("container"),
        "length": pa.array(lengths),
        "stage": words.column("stage"),
        "reason": words.column("reason"),
        "sub_reason": constant(None),
        "state": constant("suspended"),
        "detail": words.column("detail"),
        "tag_path": constant(None),
        "fault_offset": picked.column("offset"),
        "raw": pa.array(raw, pa.binary()),
        "attempts": pa.array(np.ones(count, np.int32)),
    }
    return pa.RecordBatch.from_arrays(
        [columns[name].cast(SUSPENSE_SCHEMA.field(name).type) for name in SUSPENSE_SCHEMA.names],
        schema=SUSPENSE_SCHEMA,
    )


def _raw(
    parts: Sequence[tuple[Slice, DecodedChunk]],
    rows: NDArray[np.int64],
    offsets: NDArray[np.int64],
) -> tuple[NDArray[np.int64], list[bytes]]:
    """Returns length and bytes of the record of each event."""
    lengths = np.zeros(len(rows), np.int64)
    raw: list[bytes] = []
    end = 0
    for part, decoded in parts:
        start, end = end, end + decoded.edr.num_rows
        first, last = np.searchsorted(rows, [start, end])
        cdr = part.file.cdr
        at = np.searchsorted(cdr.offsets, offsets[first:last])
        lengths[first:last] = cdr.lengths[at]
        raw.extend(cdr.raw(int(cdr.offsets[one]), int(cdr.lengths[one])) for one in at)
    return lengths, raw
