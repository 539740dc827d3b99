"""128-bit keys of events and the open-addressing set that knows them again.

A key is two 64-bit lanes that take the key columns one after the other. In each lane a column is
XORed in and the lane multiplied by an odd number and folded, so each step is one-to-one; the lanes
multiply by different numbers, and both end in the finalizer of MurmurHash3 (public domain).
All arithmetic is on uint64; int64 mixed in would make float64.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit

MULTIPLY_HIGH = np.uint64(0x9E3779B97F4A7C15)
MULTIPLY_LOW = np.uint64(0xC2B2AE3D27D4EB4F)
FINAL_1 = np.uint64(0xFF51AFD7ED558CCD)
FINAL_2 = np.uint64(0xC4CEB9FE1A85EC53)
NULL = np.uint64(1 << 63)
"""What a null mixes in: ``mediation.edr.MISSING``, which no value can be."""

SHIFT = np.uint64(32)
FOLD = np.uint64(33)
ONE = np.uint64(1)
ZERO = np.uint64(0)


@njit(nogil=True, cache=True)
def mix_values(values, high, low):
    """Mixes ``values`` uint64[n] without nulls into the lanes ``high`` and ``low`` uint64[n]."""
    for row in range(len(values)):
        word = values[row]
        top = (high[row] ^ word) * MULTIPLY_HIGH
        high[row] = top ^ top >> SHIFT
        bottom = (low[row] ^ word) * MULTIPLY_LOW
        low[row] = bottom ^ bottom >> SHIFT


@njit(nogil=True, cache=True)
def mix_nullable(values, valid, high, low):
    """Mixes ``values`` uint64[n] into the lanes; ``valid`` uint8[n] is 0 for a null, else 1."""
    for row in range(len(values)):
        # All ones for a value, all zeros for a null: nulls come at random, so no branch.
        mask = ZERO - np.uint64(valid[row])
        word = values[row] & mask | NULL & ~mask
        top = (high[row] ^ word) * MULTIPLY_HIGH
        high[row] = top ^ top >> SHIFT
        bottom = (low[row] ^ word) * MULTIPLY_LOW
        low[row] = bottom ^ bottom >> SHIFT


@njit(nogil=True, cache=True)
def mix_nulls(high, low):
    """Mixes a column that is null in every row into the lanes."""
    for row in range(len(high)):
        top = (high[row] ^ NULL) * MULTIPLY_HIGH
        high[row] = top ^ top >> SHIFT
        bottom = (low[row] ^ NULL) * MULTIPLY_LOW
        low[row] = bottom ^ bottom >> SHIFT


@njit(nogil=True, cache=True)
def mix_codes(codes, words_high, words_low, high, low):
    """Mixes a dictionary column into the lanes.

    ``codes`` uint32[n]; ``words_high`` and ``words_low`` uint64[m] are the hashes of what the
    codes stand for, one per lane.
    """
    for row in range(len(codes)):
        code = codes[row]
        top = (high[row] ^ words_high[code]) * MULTIPLY_HIGH
        high[row] = top ^ top >> SHIFT
        bottom = (low[row] ^ words_low[code]) * MULTIPLY_LOW
        low[row] = bottom ^ bottom >> SHIFT


@njit(nogil=True, cache=True)
def finish(high, low):
    """Spreads every bit of the lanes over the whole word, in place; (0, 0) becomes (0, 1)."""
    for row in range(len(high)):
        word = high[row]
        word = (word ^ word >> FOLD) * FINAL_1
        word = (word ^ word >> FOLD) * FINAL_2
        high[row] = word ^ word >> FOLD
        word = low[row]
        word = (word ^ word >> FOLD) * FINAL_1
        word = (word ^ word >> FOLD) * FINAL_2
        word = word ^ word >> FOLD
        # (0, 0) is the free slot of a set; of 2**128 keys this moves one.
        low[row] = word | np.uint64(word | high[row] == ZERO)


@njit(nogil=True, cache=True)
def insert(slots, high, low, seen):
    """Adds keys to an open-addressing table and tells which were there already.

    Args:
        slots: uint64[2 * capacity], key after key as (high, low); (0, 0) is a free slot, so that
            one key must not be added; capacity is a power of two and stays partly free.
        high: uint64[n].
        low: uint64[n].
        seen: uint8[n], out: 1 where the key was there or came earlier in this call.

    Returns:
        How many keys were new.
    """
    mask = np.uint64(len(slots) // 2 - 1)
    added = np.int64(0)
    for row in range(len(high)):
        top = high[row]
        bottom = low[row]
        slot = (top ^ bottom) & mask
        while True:
            at = slot << ONE
            found_top = slots[at]
            found_bottom = slots[at | ONE]
            if found_top == top and found_bottom == bottom:
                seen[row] = 1
                break
            if found_top == ZERO and found_bottom == ZERO:
                slots[at] = top
                slots[at | ONE] = bottom
                seen[row] = 0
                added += 1
                break
            slot = (slot + ONE) & mask
    return added


@njit(nogil=True, cache=True)
def extract(slots, high, low):
    """Copies the keys of a table into ``high`` and ``low``, which are exactly long enough."""
    count = 0
    for slot in range(len(slots) // 2):
        if slots[2 * slot] != ZERO or slots[2 * slot + 1] != ZERO:
            high[count] = slots[2 * slot]
            low[count] = slots[2 * slot + 1]
            count += 1
