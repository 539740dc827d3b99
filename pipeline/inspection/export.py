"""The EDR rows of a CDR file as Parquet, written piece by piece; numbers masked unless asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mediation.decoder import decode_chunk
from mediation.edr import EDR_SCHEMA
from pipeline.errors import HuadanError
from pipeline.inspection.show import mask_value
from pipeline.masking import (
    MASKED_NUMBERS,
    MASKED_PLACES,
    MASKED_TEXTS,
)
from pipeline.writing import writing
from rating.masking import KEPT_BACK, SHORT_CODE, kept_front

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.inspection.inspect import Inspection

    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]

STEP: Final = 65_536


def export(
    inspection: Inspection,
    wanted: range,
    target: Path,
    *,
    unmask: bool,
    advance: Callable[[int], None],
) -> int:
    """Writes the EDR rows of some records; returns how many there are.

    Args:
        inspection: The open file.
        wanted: Records by index from 0.
        target: The Parquet file; it is there when all of it is written.
        unmask: Whether numbers keep their middle digits; they are zeros otherwise.
        advance: Is told how many records have gone by.

    Raises:
        DiskFullError: There is no space for the file.
        StorageError: The disk fails.
        UsageError: The file cannot stand there.
    """
    partial = target.with_name(f"{target.name}.part")
    rows = 0
    try:
        with writing(target):
            with pq.ParquetWriter(partial, _schema(), compression="zstd") as writer:
                for some in _steps(wanted):
                    batch = decode_chunk(inspection.cdr, some, inspection.normalization).edr
                    writer.write_table(_plain(batch if unmask else masked(batch)))
                    rows += batch.num_rows
                    inspection.cdr.release(some)
                    advance(len(some))
            partial.replace(target)
    except HuadanError:
        partial.unlink(missing_ok=True)
        raise
    return rows


def _steps(wanted: range) -> Iterator[range]:
    for first in range(wanted.start, wanted.stop, STEP):
        yield range(first, min(first + STEP, wanted.stop))


def _schema() -> pa.Schema:
    """Returns the EDR schema with plain texts: a dictionary may not change within one file."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in EDR_SCHEMA
    ]
    return pa.schema(fields)


def _plain(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch]).cast(_schema())


def masked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Returns EDR rows whose numbers have zeros in their middle, where people read asterisks.

    Places are left out.
    """
    for name in MASKED_PLACES:
        place = batch.schema.get_field_index(name)
        nothing = pa.nulls(batch.num_rows, batch.schema.field(place).type)
        batch = batch.set_column(place, batch.schema.field(place), nothing)
    for name in MASKED_NUMBERS:
        place = batch.schema.get_field_index(name)
        column = batch.column(place)
        values = _zeroed(column.fill_null(0).to_numpy(zero_copy_only=False))
        hidden = pa.array(values, column.type, mask=column.is_null().to_numpy(zero_copy_only=False))
        batch = batch.set_column(place, batch.schema.field(place), hidden)
    for name in MASKED_TEXTS:
        place = batch.schema.get_field_index(name)
        column = batch.column(place)
        words = [
            None if word is None else mask_value(word) for word in column.dictionary.to_pylist()
        ]
        hidden = pa.DictionaryArray.from_arrays(column.indices, pa.array(words, pa.string()))
        batch = batch.set_column(place, batch.schema.field(place), hidden)
    return batch


def _zeroed(values: Int64s) -> Int64s:
    """Returns numbers with zeros between the first and last digits that masking keeps."""
    powers = 10 ** np.arange(19, dtype=np.int64)
    digits = np.searchsorted(powers, values, side="right")
    behind = [n - kept_front(n) if n > SHORT_CODE else 0 for n in range(20)]
    front: Int64s = powers[np.array(behind)[digits]]
    back = np.where(digits > SHORT_CODE, powers[KEPT_BACK], 1)
    hidden: Int64s = values // front * front + values % back
    return hidden
