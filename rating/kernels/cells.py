"""Looks up where in the book's cells an event began."""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel

LARGEST_AREA = (1 << 24) - 1


@inlined
def place_of(keys, key):
    """Returns where int64 ``key`` stands in the ascending ``keys``, -1 where it does not."""
    low = np.int64(0)
    high = np.int64(keys.shape[0])
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    if low < keys.shape[0] and keys[low] == key:
        return low
    return np.int64(-1)


@kernel
def find_cells(area, cell, keys, bits, row):
    """Fills the row of each event's cell, or of its area where the cell is not listed by itself.

    Args:
        area: int32[n] location or tracking area, below 0 for none.
        cell: int64[n] cell identity, below 0 for none.
        keys: int64[k] of the book's cells, ascending: ``area << bits | cell``, of which all bits are
            set for a whole area.
        bits: int64, bits of a cell.
        row: int32[n], filled: index into ``keys``, -1 where nothing is listed.
    """
    whole = (np.int64(1) << bits) - 1
    for i in range(area.shape[0]):
        found = np.int64(-1)
        if 0 <= area[i] <= LARGEST_AREA:
            base = np.int64(area[i]) << bits
            if 0 <= cell[i] < whole:
                found = place_of(keys, base | cell[i])
            if found < 0:
                found = place_of(keys, base | whole)
        row[i] = np.int32(found)
