"""Records that do not go on: where their fault is and how it becomes a suspense row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from mediation.edr import SUSPENSE_SCHEMA, SUSPENSE_STAGES
from mediation.kernels import ops
from mediation.reference.ber import MalformedError, Walk
from mediation.suspense import Suspects, suspense_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediation.formats import Format
    from mediation.normalize import NormalizationSettings

NO_ROWS: Final = pa.RecordBatch.from_arrays(
    [pa.array([], field.type) for field in SUSPENSE_SCHEMA], schema=SUSPENSE_SCHEMA
)


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
    """Describes a record that the kernel gave up; the way to its fault is walked again, slowly."""
    stage = "decode" if status < ops.FIRST_VALUE_STATUS else "normalize"
    octets = data[offset : offset + length].tobytes()
    path: tuple[str, ...] = ()
    # Rows are counted from the beginning; every other fault shows itself where it stands.
    until = 0 if status == ops.TOO_MANY_ROWS else at - offset
    try:
        Walk(cdr_format, octets, normalization, offset, until).rows()
    except MalformedError as error:
        path = error.path
    return Fault(
        offset,
        length,
        stage,
        ops.STATUS_NAMES[status],
        next((step.partition("[")[0] for step in reversed(path) if step[0] not in "?["), None),
        ops.STATUS_DETAILS[status],
        "/".join(path),
        at,
    )


def suspend(file_id: str, data: np.ndarray[Any, Any], faults: Sequence[Fault]) -> pa.RecordBatch:
    """Returns the suspense rows of `faults`, in their order."""
    if not faults:
        return NO_ROWS
    suspects = Suspects(
        file_id=file_id,
        offsets=np.array([fault.offset for fault in faults], np.int64),
        lengths=np.array([fault.length for fault in faults], np.int64),
        stage=SUSPENSE_STAGES[0],
        reasons=[fault.reason for fault in faults],
        sub_reasons=[fault.sub_reason for fault in faults],
        details=[fault.detail for fault in faults],
        tag_paths=[fault.tag_path for fault in faults],
        fault_offsets=np.array([fault.fault_offset for fault in faults], np.int64),
    )
    batch = suspense_batch(data, suspects)
    # The records of a chunk fail at different stages; the builder takes one.
    place = SUSPENSE_SCHEMA.get_field_index("stage")
    stages = pa.array([fault.stage for fault in faults], SUSPENSE_SCHEMA.field(place).type)
    return batch.set_column(place, SUSPENSE_SCHEMA.field(place), stages)
