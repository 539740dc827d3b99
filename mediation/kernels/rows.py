"""From the slots of a decoded record to finished rows, and from rows to columns.

`block` is int64[rows * width]; rows are named by the index of their first slot. Twin: the last
part of `mediation.reference.ber`.
"""

from __future__ import annotations

from numba import njit

MISSING = -(2**63)


@njit(nogil=True, cache=True)
def apply_steps(block, row, source, steps, begin, end):
    """Fills missing pairs of `row` from slots of `source`, steps `begin` to `end` in order.

    A step is int32 (first, second, from first, from second); second may be -1.
    """
    for step in range(begin, end):
        first = row + steps[step * 4]
        second = steps[step * 4 + 1]
        if block[first] != MISSING or (second >= 0 and block[row + second] != MISSING):
            continue
        block[first] = block[source + steps[step * 4 + 2]]
        if second >= 0:
            block[row + second] = block[source + steps[step * 4 + 3]]


@njit(nogil=True, cache=True)
def close_rows(block, row, record, count, width, steps, spans, span, merge):
    """Finishes the `count` rows of a record with rows; returns how many rows there are.

    Each row: its own fallbacks, then what the row before hands on, then the record's values. A
    record without containers is one row.
    """
    if count == 0:
        for index in range(width):
            block[row + index] = block[record + index]
        return 1
    for number in range(count):
        here = row + number * width
        apply_steps(block, here, here, steps, spans[span + 2], spans[span + 3])
        if number > 0:
            apply_steps(block, here, here - width, steps, spans[span + 4], spans[span + 5])
        for pair in range(0, merge.shape[0], 2):
            first = merge[pair]
            second = merge[pair + 1]
            if block[here + first] != MISSING:
                continue
            if second >= 0:
                if block[here + second] != MISSING:
                    continue
                block[here + second] = block[record + second]
            block[here + first] = block[record + first]
    return count


@njit(nogil=True, cache=True)
def flush_rows(block, used, width, columns, out, active, quantities):
    """Moves `used` rows to int64 `columns` from row `out` on; missing quantities become 0."""
    for index in range(active.shape[0]):
        column = active[index]
        for row in range(used):
            columns[column, out + row] = block[row * width + column]
    for index in range(quantities.shape[0]):
        column = quantities[index]
        for row in range(used):
            if columns[column, out + row] == MISSING:
                columns[column, out + row] = 0
