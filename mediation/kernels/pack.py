"""From int64 columns with MISSING to the values and validity bits of Arrow arrays.

Compared end to end with the rows of `mediation.reference.ber`, which has no columns.
"""

from __future__ import annotations

from mediation.kernels.jit import kernel

MISSING = -(2**63)


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
    count = rows.shape[0]
    for item in range(0, layout.shape[0], 4):
        column = layout[item]
        width = layout[item + 1]
        line = layout[item + 2]
        if layout[item + 3]:
            for index in range(count):
                row = index if dense else rows[index]
                value = columns[column, row]
                code = -1 if value == MISSING else int(codes[value])
                if code < 0:
                    columns[column, row] = MISSING
                    code = 0
                values32[line, start + index] = code
        elif width == 64:
            if dense:
                for index in range(count):
                    values64[line, start + index] = columns[column, index]
            else:
                for index in range(count):
                    values64[line, start + index] = columns[column, rows[index]]
        elif width == 32:
            for index in range(count):
                row = index if dense else rows[index]
                values32[line, start + index] = columns[column, row]
        elif width == 16:
            for index in range(count):
                row = index if dense else rows[index]
                values16[line, start + index] = columns[column, row]
        else:
            for index in range(count):
                row = index if dense else rows[index]
                values8[line, start + index] = columns[column, row]
        missing = 0
        for index in range(count):
            row = index if dense else rows[index]
            missing += columns[column, row] == MISSING
        if missing:
            nulls[column] += missing
            clear_bits(columns, rows, dense, column, start, count, bits)


@kernel
def clear_bits(columns, rows, dense, column, start, count, bits):
    """Clears the validity bits of missing values, eight at a time; shapes as in `pack_rows`."""
    index = 0
    while index < count:
        place = start + index
        bit = place & 7
        last = min(count, index + 8 - bit)
        mask = 0
        while index < last:
            row = index if dense else rows[index]
            if columns[column, row] == MISSING:
                mask |= 1 << bit
            bit += 1
            index += 1
        bits[column, place >> 3] &= 255 - mask


@kernel
def pack_identity(
    row_record, row_container, rows, first, offsets, start, offset_line, container_line
):
    """Appends byte offset (int64) and container (int32) of rows; arrays as in `decode_rows`."""
    for index in range(rows.shape[0]):
        row = rows[index]
        offset_line[start + index] = offsets[first + row_record[row]]
        container_line[start + index] = row_container[row]
