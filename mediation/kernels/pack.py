"""From int64 columns with MISSING to the values and validity bits of Arrow arrays.

Compared end to end with the rows of `mediation.reference.ber`, which has no columns.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import kernel

MISSING = -(2**63)
ix = np.uint64  # unsigned indexes spare the test for negative ones


@kernel
def pack_rows(
    columns, rows, dense, layout, codes, start, values64, values32, values16, values8, bits, nulls
):
    """Appends rows to the outputs of every column that `layout` names.

    Args:
        columns: int64[columns, capacity].
        rows: int32[n], rows to keep, ascending.
        dense: 1 if `rows` is 0, 1, ... n - 1.
        layout: int32[k * 4]: column, width in bits, line of the output, 1 if it holds texts.
        codes: int32[texts], dictionary index by text; -1 is null.
        start: First position in the outputs.
        values64: int64[lines, size], out; likewise int32, int16, int8 below.
        values32: The 32-bit columns and dictionary indices.
        values16: The 16-bit columns.
        values8: The 8-bit columns.
        bits: uint8[columns, size / 8], out, all ones at first: cleared where null.
        nulls: int64[columns], out, added to.
    """
    for item in range(0, layout.shape[0], 4):
        column = layout[item]
        width = layout[item + 1]
        line = layout[item + 2]
        source = columns[column]
        if layout[item + 3]:
            pack_codes(source, rows, dense, codes, values32[line], start)
        elif width == 64:
            pack_values(source, rows, dense, values64[line], start)
        elif width == 32:
            pack_values(source, rows, dense, values32[line], start)
        elif width == 16:
            pack_values(source, rows, dense, values16[line], start)
        else:
            pack_values(source, rows, dense, values8[line], start)
        missing = count_missing(source, rows, dense)
        if missing:
            nulls[column] += missing
            clear_bits(source, rows, dense, bits[column], start)


@kernel
def pack_values(source, rows, dense, target, start):
    """Copies int64 `source` rows to `target` (any signed type) from `start` on."""
    if dense:
        for index in range(rows.shape[0]):
            target[ix(start + index)] = source[ix(index)]
    else:
        for index in range(rows.shape[0]):
            target[ix(start + index)] = source[ix(rows[ix(index)])]


@kernel
def pack_codes(source, rows, dense, codes, target, start):
    """Writes the dictionary index of each text; texts without one become missing in `source`."""
    for index in range(rows.shape[0]):
        row = index if dense else np.int64(rows[ix(index)])
        value = source[ix(row)]
        code = np.int64(-1) if value == MISSING else np.int64(codes[ix(value)])
        if code < 0:
            source[ix(row)] = MISSING
            code = np.int64(0)
        target[ix(start + index)] = code


@kernel
def count_missing(source, rows, dense):
    """Returns how many of the rows have no value."""
    missing = 0
    if dense:
        for index in range(rows.shape[0]):
            missing += np.int64(source[ix(index)] == MISSING)
    else:
        for index in range(rows.shape[0]):
            missing += np.int64(source[ix(rows[ix(index)])] == MISSING)
    return missing


@kernel
def clear_bits(source, rows, dense, bits, start):
    """Clears the validity bits of missing values in uint8 `bits`, eight at a time."""
    count = rows.shape[0]
    index = 0
    while index < count:
        place = start + index
        bit = place & 7
        size = min(count - index, 8 - bit)
        mask = 0
        for step in range(size):
            row = index + step if dense else np.int64(rows[ix(index + step)])
            mask |= np.int64(source[ix(row)] == MISSING) << (bit + step)
        bits[ix(place >> 3)] &= np.uint8(255 - mask)
        index += size


@kernel
def pack_identity(
    row_record, row_container, rows, first, offsets, start, offset_line, container_line
):
    """Appends byte offset (int64) and container (int32) of rows; arrays as in `decode_rows`."""
    for index in range(rows.shape[0]):
        row = rows[index]
        offset_line[start + index] = offsets[first + row_record[row]]
        container_line[start + index] = row_container[row]
