"""What a batch says, filled into whole columns: meanings of codes, amounts, local times, constants.

Columns are int64[rows] with `MISSING` for null, changed in place. Rows that something is wrong with
are listed in `lost`, int32[rows], out. Twin: `mediation.reference.resolve`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.ops import SEVERAL

MISSING = -(2**63)
MINUTE_US = 60_000_000
LOW = (1 << 32) - 1
ix = np.uint64  # unsigned indexes spare the test for negative ones

ABOVE, BELOW, AMOUNT_CELLS = 0, 2, 4
"""Cells of a sum: of the amounts above zero and of those below, each in 2^32 and ones."""


@inlined
def place_of(keys, code):
    """Returns where the last of sorted `keys` (int64) up to `code` stands, 0 if it has none."""
    place = 0
    size = keys.shape[0]
    while size > 1:
        half = size >> 1
        place += half * np.int64(keys[ix(place + half)] <= code)
        size -= half
    return place


@kernel
def explain_codes(values, keys, meanings, lost):
    """Replaces codes by what they mean; `SEVERAL` and codes that mean nothing become missing.

    Args:
        values: int64[rows], codes.
        keys: int64[codes], sorted.
        meanings: int64[codes].
        lost: int32[rows], out: rows whose code is not among the keys.

    Returns:
        (how many rows are lost, code of the first of them).
    """
    count = 0
    first = np.int64(MISSING)
    none = keys.shape[0] == 0
    for row in range(values.shape[0]):
        code = values[ix(row)]
        if none:
            known, meaning = False, np.int64(MISSING)
        else:
            place = place_of(keys, code)
            known = keys[ix(place)] == code
            meaning = meanings[ix(place)] if known else np.int64(MISSING)
        values[ix(row)] = meaning
        if not known and code not in (MISSING, SEVERAL):
            if count == 0:
                first = code
            lost[ix(count)] = row
            count += 1
    return count, first


@kernel
def add_amounts(values, sums):
    """Adds the amounts of a column to int64[AMOUNT_CELLS] `sums`; returns how many there are."""
    count = 0
    above_high = above_low = below_high = below_low = 0
    for row in range(values.shape[0]):  # without a branch: it becomes vector instructions
        value = values[ix(row)]
        said = value != MISSING
        count += np.int64(said)
        above = max(0, value)
        below = -value if value < 0 and said else 0
        above_high += above >> 32
        above_low += above & LOW
        below_high += below >> 32
        below_low += below & LOW
    sums[ix(ABOVE)] += above_high
    sums[ix(ABOVE + 1)] += above_low
    sums[ix(BELOW)] += below_high
    sums[ix(BELOW + 1)] += below_low
    return count


@kernel
def scale_amounts(values, factor, divide, lost):
    """Multiplies amounts by `factor`, or divides; lost are those that would not be exact.

    Returns:
        How many rows are lost; they keep their value.
    """
    count = 0
    largest = (2**63 - 1) // factor
    if not divide:
        wide = 0
        for row in range(values.shape[0]):
            value = values[ix(row)]
            wide |= np.int64((value > largest) | (value < -largest) & (value != MISSING))
        if not wide:
            for row in range(values.shape[0]):
                value = values[ix(row)]
                values[ix(row)] = MISSING if value == MISSING else value * factor
            return count
    for row in range(values.shape[0]):
        value = values[ix(row)]
        if value == MISSING:
            continue
        if divide:
            whole = value // factor
            exact = whole * factor == value
        else:
            exact = -largest <= value <= largest
            whole = value * factor
        if exact:
            values[ix(row)] = whole
        else:
            lost[ix(count)] = row
            count += 1
    return count


@kernel
def local_to_utc(start, offset, lost):
    """Takes offsets in minutes off local times in microseconds; lost are times without one.

    Returns:
        How many rows are lost.
    """
    count = 0
    for row in range(start.shape[0]):
        if start[ix(row)] == MISSING:
            continue
        if offset[ix(row)] == MISSING:
            lost[ix(count)] = row
            count += 1
        else:
            start[ix(row)] -= offset[ix(row)] * MINUTE_US
    return count


@kernel
def fill_missing(values, value):
    """Puts `value` where a column has none."""
    for row in range(values.shape[0]):
        if values[ix(row)] == MISSING:
            values[ix(row)] = value
