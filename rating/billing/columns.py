"""Columns without Python per row: money as int64, names as codes in the order of their text.

Arrow keeps decimal128 as 16 little-endian bytes; for the amounts that the schema allows, the low
eight are the int64 millionths and the high eight only its sign, so that conversion is a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rating.billing.kernels.names import mark_used, renumber
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
    if not len(amounts):
        return
    largest = max(int(amounts.max()), -int(amounts.min()))
    # Float is exact enough for a limit that leaves a factor of two to the wrap; money is not kept.
    if largest * len(amounts) >= SUM_LIMIT and (
        float(np.abs(amounts).sum(dtype=np.float64)) >= SUM_LIMIT
    ):
        message = f"column {name}: the amounts of one partition are too large to be summed"
        raise OverflowError(message)


def ranked(column: pa.ChunkedArray | pa.Array) -> tuple[Int32, pa.Array]:
    """Returns a dictionary (or text) column as codes into its sorted distinct texts.

    The result depends on the values only: not on chunks, nor on the order or the unused entries of
    their dictionaries.

    Returns:
        int32[n] codes, -1 for null, and the texts that occur, ascending by code point.
    """
    column = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if not len(column):
        return np.zeros(0, np.int32), pa.array([], pa.string())
    column = column.unify_dictionaries()
    parts = [_indices(chunk) for chunk in column.chunks]
    flat = parts[0] if len(parts) == 1 else np.concatenate(parts)
    dictionary = column.chunk(0).dictionary
    marks = np.zeros(len(dictionary), np.bool_)
    mark_used(flat, marks)
    used = np.flatnonzero(marks)
    texts = dictionary.take(pa.array(used))
    order = pc.array_sort_indices(texts).to_numpy()
    texts = texts.take(pa.array(order))
    # A dictionary may hold a text twice; both entries are then the same name.
    fresh = np.ones(len(texts), np.bool_)
    fresh[1:] = pc.not_equal(texts[1:], texts[:-1]).to_numpy(zero_copy_only=False)
    table = np.zeros(len(dictionary), np.int32)
    table[used[order]] = np.cumsum(fresh) - 1
    index = np.empty(len(flat), np.int32)
    renumber(flat, table, index)
    return index, texts.filter(pa.array(fresh))


def _indices(chunk: pa.DictionaryArray) -> Int32:
    """Returns the indexes of a dictionary array, -1 for null; a view where there is no null."""
    indices = chunk.indices
    if indices.null_count:
        indices = pc.fill_null(indices, pa.scalar(-1, indices.type))
    result: Int32 = indices.to_numpy()
    return result


def codes(column: pa.ChunkedArray | pa.Array) -> tuple[Int32, tuple[str, ...]]:
    """Returns what :func:`ranked` returns, with the texts as Python strings."""
    index, texts = ranked(column)
    return index, tuple(texts.to_pylist())


def combine(columns: Sequence[tuple[Int32 | Int64, int]]) -> Int64:
    """Returns one int64 per row that orders rows as the columns do, the first one first.

    The codes are the digits of a number whose places have the columns' sizes. Where that would
    not fit into 62 bits, the number so far (then the digit too) is replaced by its rank among
    those that occur, which fits for every n below 2^31.

    Args:
        columns: Codes, int[n] from 0, and how many codes there are.
    """
    key, size = columns[0][0].astype(np.int64), columns[0][1]
    for digits, count in columns[1:]:
        digit, places = digits, count
        if size * places >= 1 << 62:
            found, key = np.unique(key, return_inverse=True)
            size = len(found)
        if size * places >= 1 << 62:
            found, digit = np.unique(digits, return_inverse=True)
            places = len(found)
        key = key * np.int64(places) + digit
        size *= places
    return key


def names_array(indices: Int32, names: Sequence[str] | pa.Array, kind: pa.DataType) -> pa.Array:
    """Returns codes (-1: null) and their names as a dictionary array of the schema's type."""
    missing = indices < 0
    index = pa.array(
        indices.astype(kind.index_type.to_pandas_dtype(), copy=False),
        mask=missing if missing.any() else None,
    )
    texts = names if isinstance(names, pa.Array) else pa.array(list(names), pa.string())
    return pa.DictionaryArray.from_arrays(index, texts)


def canonical(table: pa.Table) -> pa.Table:
    """Returns the table as one chunk whose dictionaries hold what occurs, sorted.

    Two tables of equal values become equal bytes. The dictionaries of small fixed vocabularies
    (int8 indexes) are in the order of their codes, and stay as they are.
    """
    columns = []
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_dictionary(field.type) and field.type.index_type != pa.int8():
            index, names = ranked(column)
            columns.append(names_array(index, names, field.type))
        else:
            columns.append(one_chunk(column))
    return pa.Table.from_arrays(columns, schema=table.schema)


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """Returns a column as one array, without a copy where it is one already."""
    if column.num_chunks == 1:
        return column.chunk(0)
    unified = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column
    return unified.combine_chunks()


def in_vocabulary(column: pa.ChunkedArray, names: Sequence[str], kind: pa.DataType) -> pa.Array:
    """Returns a dictionary column with exactly this dictionary, so that an index is a code.

    Raises:
        ValueError: If the column holds a text that is not in the vocabulary.
    """
    index, texts = codes(column)
    unknown = sorted(set(texts) - set(names))
    if unknown:
        message = f"{unknown[0]!r} is not one of {', '.join(names)}"
        raise ValueError(message)
    table = np.asarray([*(names.index(text) for text in texts), -1], np.int32)
    return names_array(table[index], names, kind)
