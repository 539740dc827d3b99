"""Records that do not go on: where their fault is and how it becomes a suspense row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from mediation.edr import SUSPENSE_SCHEMA
from mediation.kernels import ops
from mediation.reference.ber import MalformedError, Walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np

    from mediation.formats import Format
    from mediation.normalize import NormalizationSettings


@dataclass(frozen=True, slots=True)
class Fault:
    """One record that cannot go on, and why.

    Attributes:
        offset: Where the record begins in the file.
        length: Its octets.
        stage: One of SUSPENSE_STAGES.
        reason: Why, a name from a short fixed list.
        sub_reason: Finer cause, such as the field at fault.
        detail: One sentence for the person who looks at it.
        tag_path: Names or tags down to the fault.
        fault_offset: Where in the file the fault was seen.
    """

    offset: int
    length: int
    stage: str
    reason: str
    sub_reason: str | None
    detail: str
    tag_path: str
    fault_offset: int


def walk_fault(
    cdr_format: Format,
    data: np.ndarray[Any, Any],
    offset: int,
    length: int,
    status: int,
    at: int,
    normalization: NormalizationSettings,
) -> Fault:
    """Describes a record that the kernel gave up; the path of tags is walked again, slowly."""
    stage = "decode" if status < ops.FIRST_VALUE_STATUS else "normalize"
    octets = data[offset : offset + length].tobytes()
    path: tuple[str, ...] = ()
    try:
        Walk(cdr_format, octets, normalization, offset).rows()
    except MalformedError as error:
        path = error.path
    return Fault(
        offset,
        length,
        stage,
        ops.STATUS_NAMES[status],
        path[-1].partition("[")[0] if path else None,
        ops.STATUS_DETAILS[status],
        "/".join(path),
        at,
    )


def suspend(file_id: str, data: np.ndarray[Any, Any], faults: Sequence[Fault]) -> pa.RecordBatch:
    """Returns the suspense rows of `faults`, in their order."""
    rows = [
        {
            "file_id": file_id,
            "offset": fault.offset,
            "container": 0,
            "length": fault.length,
            "stage": fault.stage,
            "reason": fault.reason,
            "sub_reason": fault.sub_reason,
            "state": "suspended",
            "detail": fault.detail,
            "tag_path": fault.tag_path,
            "fault_offset": fault.fault_offset,
            "raw": data[fault.offset : fault.offset + fault.length].tobytes(),
            "attempts": 0,
        }
        for fault in faults
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SUSPENSE_SCHEMA)
