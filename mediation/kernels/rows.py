"""From the slots of a decoded record to finished rows, and from rows to columns.

`block` is int64[rows * width]; rows are named by the index of their first slot. Twin: the last
part of `mediation.reference.ber`.
"""

from __future__ import annotations

import numpy as np

from mediation.kernels.jit import inlined, kernel

MISSING = -(2**63)
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def apply_steps(block, row, source, steps, begin, end):
    """Fills missing pairs of `row` from slots of `source`, steps `begin` to `end` in order.

    A step is int32 (first, second, from first, from second); second may be -1.
    """
    for step in range(begin, end):
        first = row + steps[ix(step * 4)]
        second = steps[ix(step * 4 + 1)]
        if block[ix(first)] != MISSING or (second >= 0 and block[ix(row + second)] != MISSING):
            continue
        block[ix(first)] = block[ix(source + steps[ix(step * 4 + 2)])]
        if second >= 0:
            block[ix(row + second)] = block[ix(source + steps[ix(step * 4 + 3)])]


@kernel
def close_rows(block, row, record, count, width, steps, spans, span, merge):
    """Finishes the `count` rows of a record with rows; returns how many rows there are.

    Each row: its own fallbacks, then what the row before hands on, then the record's values. A
    record without containers is one row.
    """
    if count == 0:
        for index in range(width):
            block[ix(row + index)] = block[ix(record + index)]
        return 1
    for number in range(count):
        here = row + number * width
        apply_steps(block, here, here, steps, spans[ix(span + 2)], spans[ix(span + 3)])
        # Only an element of the same list hands something on.
        if number > 0 and block[ix(here + width - 1)] == block[ix(here - 1)]:
            apply_steps(block, here, here - width, steps, spans[ix(span + 4)], spans[ix(span + 5)])
        for pair in range(0, merge.shape[0], 2):
            first = merge[ix(pair)]
            second = merge[ix(pair + 1)]
            if block[ix(here + first)] != MISSING:
                continue
            if second >= 0:
                if block[ix(here + second)] != MISSING:
                    continue
                block[ix(here + second)] = block[ix(record + second)]
            block[ix(here + first)] = block[ix(record + first)]
    return count


@kernel
def flush_rows(block, used, width, columns, out, active, quantities):
    """Moves `used` rows to int64 `columns` from row `out` on; missing quantities become 0."""
    for index in range(active.shape[0]):
        column = active[ix(index)]
        for row in range(used):
            columns[ix(column), ix(out + row)] = block[ix(row * width + column)]
    for index in range(quantities.shape[0]):
        column = quantities[ix(index)]
        for row in range(used):
            if columns[ix(column), ix(out + row)] == MISSING:
                columns[ix(column), ix(out + row)] = 0
