"""EDR batches for rating tests, from rows that say only what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mediation.edr import DIRECTIONS, EDR_SCHEMA, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rating.prepare import Keys

DEFAULTS: dict[str, Any] = {
    "file_id": "00" * 16,
    "container": 0,
    "service": "voice",
    "direction": "originating",
    "duration": 0,
    "uplink": 0,
    "downlink": 0,
    "events": 1,
    "utc_offset": 480,
}


def edr_batch(rows: Iterable[dict[str, Any]]) -> pa.RecordBatch:
    """One batch in EDR_SCHEMA; ``offset`` is the row's index unless given."""
    full = [{**DEFAULTS, "offset": i, **row} for i, row in enumerate(rows)]
    columns = []
    for field in EDR_SCHEMA:
        values = [row.get(field.name) for row in full]
        if field.name in {"service", "direction"}:
            names = SERVICES if field.name == "service" else DIRECTIONS
            codes = pa.array([names.index(value) for value in values], pa.int8())
            columns.append(pa.DictionaryArray.from_arrays(codes, list(names)))
        elif pa.types.is_timestamp(field.type):
            columns.append(pa.array(values, pa.int64()).cast(field.type))
        elif pa.types.is_dictionary(field.type):
            columns.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=EDR_SCHEMA)


def plain_keys(batch: pa.RecordBatch) -> Keys:
    """Record keys that are the offsets: enough to break ties in tests."""
    low = batch.column("offset").to_numpy().astype(np.uint64)
    return np.zeros(len(low), np.uint64), low
