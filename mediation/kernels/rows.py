"""From the slots of a decoded record to finished rows, and from rows to columns.

`block` is int64[rows * width]; rows are named by the index of their first slot. Twin: the last
part of `mediation.reference.ber`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.ops import (
    ADD,
    BETWEEN,
    STEP_FROM,
    STEP_FROM2,
    STEP_KEY,
    STEP_SECOND,
    STEP_WANTED,
    STEP_WIDTH,
    TOTAL,
)

MISSING = -(2**63)
SECOND_US = 1_000_000
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def copy_slots(source, first, block, row, width):
    """Copies `width` slots of `source` from its slot `first` on to a row of `block`."""
    for index in range(width):
        block[ix(row + index)] = source[ix(first + index)]


@inlined
def holds(block, source, key, wanted):
    """Returns whether the condition of a step holds: 0 is none, a negative key asks for others."""
    if key == 0:
        return True
    if key < 0:
        return block[ix(source - key)] != wanted
    return block[ix(source + key)] == wanted


@inlined
def apply_steps(block, row, source, steps, begin, end):
    """Fills missing pairs of `row` from slots of `source`, steps `begin` to `end` in order.

    A step is int64 (first, second, from first, from second, key, wanted), see
    `mediation.kernels.ops`; second may be -1, `BETWEEN` or `ADD`.
    """
    for step in range(begin, end):
        base = step * STEP_WIDTH
        first = row + steps[ix(base)]
        second = steps[ix(base + STEP_SECOND)]
        if block[ix(first)] != MISSING or (second >= 0 and block[ix(row + second)] != MISSING):
            continue
        if not holds(block, source, steps[ix(base + STEP_KEY)], steps[ix(base + STEP_WANTED)]):
            continue
        value = block[ix(source + steps[ix(base + STEP_FROM)])]
        if second in (BETWEEN, ADD):
            other = block[ix(source + steps[ix(base + STEP_FROM2)])]
            if MISSING not in (value, other):
                joined = value + other if second == ADD else (other - value) // SECOND_US
                block[ix(first)] = joined
            continue
        block[ix(first)] = value
        if second >= 0:
            block[ix(row + second)] = block[ix(source + steps[ix(base + STEP_FROM2)])]


@kernel
def empty_picks(block, row, steps, begin, end):
    """Empties the slots that the picks `begin` to `end` read, before an element is walked."""
    for step in range(begin, end):
        base = step * STEP_WIDTH
        key = steps[ix(base + STEP_KEY)]
        block[ix(row + steps[ix(base + STEP_FROM)])] = MISSING
        block[ix(row + (key if key > 0 else -key))] = MISSING
        if steps[ix(base + STEP_SECOND)] >= 0:
            block[ix(row + steps[ix(base + STEP_FROM2)])] = MISSING


@kernel
def apply_picks(block, row, steps, begin, end):
    """Copies what an element said to where it is wanted, if its key fits; the last one counts, or all."""
    for step in range(begin, end):
        base = step * STEP_WIDTH
        if not holds(block, row, steps[ix(base + STEP_KEY)], steps[ix(base + STEP_WANTED)]):
            continue
        second = steps[ix(base + STEP_SECOND)]
        value = block[ix(row + steps[ix(base + STEP_FROM)])]
        other = MISSING
        if second >= 0:
            other = block[ix(row + steps[ix(base + STEP_FROM2)])]
        if value == MISSING and other == MISSING:
            continue
        if second == TOTAL and block[ix(row + steps[ix(base)])] != MISSING:
            value += block[ix(row + steps[ix(base)])]
        block[ix(row + steps[ix(base)])] = value
        if second >= 0:
            block[ix(row + second)] = other


@kernel
def close_rows(block, row, record, count, width, steps, spans, span, merge):
    """Finishes the `count` rows of a record with rows; returns how many rows there are.

    Each row: its own fallbacks, then what the row before hands on, then what it stands in: the
    record, or the outer element whose slot it names second to last; at last what needs its start.
    Outer elements come before their rows and are no rows themselves; the complement of their
    template says so. A record without containers is one row.
    """
    out = 0
    for number in range(count):
        here = row + number * width
        apply_steps(block, here, here, steps, spans[ix(span + 2)], spans[ix(span + 3)])
        # Only an element of the same list hands something on.
        if number > 0 and block[ix(here + width - 1)] == block[ix(here - 1)]:
            apply_steps(block, here, here - width, steps, spans[ix(span + 4)], spans[ix(span + 5)])
        around = block[ix(here + width - 2)]
        for pair in range(0, merge.shape[0], 2):
            first = merge[ix(pair)]
            second = merge[ix(pair + 1)]
            if block[ix(here + first)] != MISSING:
                continue
            if second >= 0:
                if block[ix(here + second)] != MISSING:
                    continue
                block[ix(here + second)] = block[ix(around + second)]
            block[ix(here + first)] = block[ix(around + first)]
        apply_steps(block, here, here, steps, spans[ix(span + 6)], spans[ix(span + 7)])
        if block[ix(here + width - 1)] >= 0:
            out += 1
    if out == 0:
        copy_slots(block, record, block, row, width)
        return 1
    if out < count:
        close_gaps(block, row, count, width)
    return out


@kernel
def close_gaps(block, row, count, width):
    """Moves rows down over the outer elements between them."""
    out = row
    for number in range(count):
        here = row + number * width
        if block[ix(here + width - 1)] < 0:
            continue
        if out < here:
            copy_slots(block, here, block, out, width)
        out += width


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
