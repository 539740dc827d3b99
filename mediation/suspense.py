"""Suspense rows: what could not go on, with place, reason and the octets as they were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from mediation.edr import SUSPENSE_SCHEMA, SUSPENSE_STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    Int64s = np.ndarray[Any, np.dtype[np.int64]]

RAW_LIMIT: Final = 1 << 16
"""Octets of one row that are kept in it; place and length point to the rest in the archive."""

STATES: Final = ("suspended", "recycling", "recycled", "written_off")


@dataclass(frozen=True, slots=True)
class Suspects:
    """Suspended records of one file as columns, all of one length.

    Attributes:
        file_id: The file's name in every output row.
        offsets: int64[n], where each record begins in the file.
        lengths: int64[n], octets of each.
        stage: One of ``SUSPENSE_STAGES``, the same for all.
        reasons: Why, n names from a short list.
        sub_reasons: Finer causes, n names or None; empty for none at all.
        details: One sentence each or None; empty for none at all.
        tag_paths: Path of tags to each fault or None; empty for none at all.
        fault_offsets: int64[n], where in the file each fault was seen; empty for ``offsets``.
        containers: int32[n]; empty for 0, the whole record.
    """

    file_id: str
    offsets: Int64s
    lengths: Int64s
    stage: str
    reasons: Sequence[str]
    sub_reasons: Sequence[str | None] = ()
    details: Sequence[str | None] = ()
    tag_paths: Sequence[str | None] = ()
    fault_offsets: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    containers: Sequence[int] = ()


def suspense_batch(data: np.ndarray[Any, Any], suspects: Suspects) -> pa.RecordBatch:
    """Makes the suspense rows of some records.

    Args:
        data: The file's octets, uint8[size].
        suspects: The records.

    Returns:
        Rows in ``SUSPENSE_SCHEMA``, in the order given, in state ``suspended``.

    Raises:
        ValueError: If the stage is not one of ``SUSPENSE_STAGES`` or the columns differ in length.
    """
    if suspects.stage not in SUSPENSE_STAGES:
        message = f"stage {suspects.stage!r} is not one of {', '.join(SUSPENSE_STAGES)}"
        raise ValueError(message)
    rows = len(suspects.offsets)
    fault_offsets = suspects.fault_offsets if len(suspects.fault_offsets) else suspects.offsets
    cells: dict[str, Any] = {
        "file_id": [suspects.file_id] * rows,
        "offset": suspects.offsets,
        "container": suspects.containers or [0] * rows,
        "length": suspects.lengths,
        "stage": [suspects.stage] * rows,
        "reason": suspects.reasons,
        "sub_reason": suspects.sub_reasons or [None] * rows,
        "state": [STATES[0]] * rows,
        "detail": suspects.details or [None] * rows,
        "tag_path": suspects.tag_paths or [None] * rows,
        "fault_offset": fault_offsets,
        "raw": [
            data[start : start + min(length, RAW_LIMIT)].tobytes()
            for start, length in zip(
                suspects.offsets.tolist(), suspects.lengths.tolist(), strict=True
            )
        ],
        "attempts": [0] * rows,
    }
    for name, column in cells.items():
        if len(column) != rows:
            message = f"{name} has {len(column)} values for {rows} records"
            raise ValueError(message)
    return pa.RecordBatch.from_arrays(
        [pa.array(cells[each.name], each.type) for each in SUSPENSE_SCHEMA], schema=SUSPENSE_SCHEMA
    )
