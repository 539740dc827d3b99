"""Small steps between Arrow and numpy that several modules need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import NDArray


def joined(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """Returns the rows of all batches as one; one batch is returned as it is."""
    some = [batch for batch in batches if batch.num_rows]
    if not some:
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema)
    if len(some) == 1:
        return some[0]
    # combine_chunks merges dictionaries that differ from batch to batch
    return pa.Table.from_batches(some, schema).combine_chunks().to_batches()[0]


def micros(column: pa.Array) -> NDArray[np.int64]:
    """Returns a decimal128(18, 6) column without nulls as int64 millionths.

    A value of 18 digits fits the low word of the 128-bit number, the sign included.
    """
    words = np.frombuffer(column.buffers()[1], np.int64)
    return words[2 * column.offset : 2 * (column.offset + len(column)) : 2]


def decimal_micros(amount: Decimal | None) -> int:
    """Returns an amount in millionths, exactly; nothing is 0."""
    return int(amount.scaleb(6)) if amount is not None else 0


def plain(table: pa.Table) -> pa.Table:
    """Returns a table with texts in place of dictionaries."""
    return table.cast(
        pa.schema(
            [
                field.with_type(field.type.value_type)
                if pa.types.is_dictionary(field.type)
                else field
                for field in table.schema
            ]
        )
    )
