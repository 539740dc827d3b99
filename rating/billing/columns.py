"""Columns without Python per row: money as int64, names as codes in the order of their text.

Arrow keeps decimal128 as 16 little-endian bytes; for the amounts that the schema allows, the low
eight are the int64 millionths and the high eight only its sign, so that conversion is a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rating.schema import MONEY, MONEY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]

SUM_LIMIT = 1 << 62
"""Sums of absolute amounts must stay below this, far enough from the wrap of int64."""


def micros(column: pa.ChunkedArray | pa.Array) -> Int64:
    """Returns a money column as int64 millionths.

    Args:
        column: decimal128(18, 6), no nulls.

    Returns:
        int64[n], a copy.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [_micros_of_chunk(chunk) for chunk in chunks if len(chunk)]
    if not parts:
        return np.zeros(0, np.int64)
    return np.concatenate(parts) if len(parts) > 1 else parts[0].copy()


def _micros_of_chunk(chunk: pa.Array) -> Int64:
    """Returns the low halves of one decimal array."""
    if chunk.type != MONEY or chunk.null_count:
        message = f"a money column must be {MONEY} without nulls, not {chunk.type}"
        raise TypeError(message)
    words = np.frombuffer(chunk.buffers()[1], np.int64)
    result: Int64 = words[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2]
    return result


def money(amounts: Int64) -> pa.Array:
    """Returns int64 millionths as a decimal128(18, 6) array.

    Raises:
        OverflowError: If an amount has more than 18 digits.
    """
    amounts = np.ascontiguousarray(amounts, np.int64)
    if len(amounts) and max(int(amounts.max()), -int(amounts.min())) > MONEY_LIMIT:
        message = f"an amount of more than {MONEY_LIMIT} millionths does not fit into {MONEY}"
        raise OverflowError(message)
    words = np.empty((len(amounts), 2), np.int64)
    words[:, 0] = amounts
    words[:, 1] = amounts >> 63
    return pa.Array.from_buffers(MONEY, len(amounts), [None, pa.py_buffer(words)])


def guard_sum(name: str, amounts: Int64) -> None:
    """Checks that no sum over any subset of the amounts can wrap.

    Raises:
        OverflowError: If the absolute amounts sum to :data:`SUM_LIMIT` or more.
    """
    # Float is exact enough for a limit that leaves a factor of two to the wrap; money is not kept.
    if len(amounts) and float(np.abs(amounts).sum(dtype=np.float64)) >= SUM_LIMIT:
        message = f"column {name}: the amounts of one partition are too large to be summed"
        raise OverflowError(message)


def codes(column: pa.ChunkedArray | pa.Array) -> tuple[Int32, tuple[str, ...]]:
    """Returns a dictionary (or text) column as codes into its sorted distinct texts.

    The result depends on the values only: not on chunks, nor on the order or the unused entries of
    their dictionaries.

    Returns:
        int32[n] codes, -1 for null, and the texts that occur, ascending by code point.
    """
    column = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    dictionary = column.chunk(0).dictionary.to_pylist() if column.num_chunks else []
    indices = [
        pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in column.chunks
    ]
    flat = np.concatenate(indices).astype(np.int32) if indices else np.zeros(0, np.int32)
    used = np.bincount(flat + 1, minlength=len(dictionary) + 1)[1:] > 0
    names = sorted({text for text, seen in zip(dictionary, used, strict=True) if seen})
    rank = {text: code for code, text in enumerate(names)}
    table = np.asarray([-1, *(rank.get(text, -1) for text in dictionary)], np.int32)
    return table[flat + 1], tuple(names)


def combine(columns: Sequence[tuple[Int32 | Int64, int]]) -> Int64:
    """Returns one int64 per row that orders rows as the columns do, the first one first.

    The codes are the digits of a number whose places have the columns' sizes. Where that would
    not fit into 62 bits, the number so far is replaced by its rank among those that occur.

    Args:
        columns: Codes, int[n] from 0, and how many codes there are, below 2^31.
    """
    key, size = columns[0][0].astype(np.int64), columns[0][1]
    for codes_, places in columns[1:]:
        if size * places >= 1 << 62:
            found, key = np.unique(key, return_inverse=True)
            size = len(found)
        key = key * np.int64(places) + codes_
        size *= places
    return key


def names_array(indices: Int32, names: Sequence[str], kind: pa.DataType) -> pa.Array:
    """Returns codes (-1: null) and their names as a dictionary array of the schema's type."""
    index = pa.array(indices.astype(kind.index_type.to_pandas_dtype()), mask=indices < 0)
    return pa.DictionaryArray.from_arrays(index, pa.array(list(names), pa.string()))


def canonical(table: pa.Table) -> pa.Table:
    """Returns the table as one chunk whose dictionaries hold what occurs, sorted.

    Two tables of equal values become equal bytes. Columns with a small fixed vocabulary (int8
    indexes) keep its order, since there the index is the code.
    """
    columns = []
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_dictionary(field.type) and field.type.index_type != pa.int8():
            indices, names = codes(column)
            columns.append(names_array(indices, names, field.type))
        else:
            chunked = column.unify_dictionaries() if pa.types.is_dictionary(field.type) else column
            columns.append(chunked.combine_chunks())
    return pa.Table.from_arrays(columns, schema=table.schema)
