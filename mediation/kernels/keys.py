"""128-bit keys of events and the open-addressing set that knows them again.

A key is two 64-bit lanes that take the key columns one after the other. In each lane a column is
XORed in and the lane multiplied by an odd number and folded, so each step is one-to-one; the lanes
multiply by different numbers, and both end in the finalizer of MurmurHash3 (public domain).
All arithmetic is on uint64; int64 mixed in would make float64.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel

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


@kernel
def mix_values(values, high, low):
    """Mixes ``values`` uint64[n] without nulls into the lanes ``high`` and ``low`` uint64[n]."""
    for row in range(len(values)):
        word = values[row]
        top = (high[row] ^ word) * MULTIPLY_HIGH
        high[row] = top ^ top >> SHIFT
        bottom = (low[row] ^ word) * MULTIPLY_LOW
        low[row] = bottom ^ bottom >> SHIFT


@kernel
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


@kernel
def mix_nulls(high, low):
    """Mixes a column that is null in every row into the lanes."""
    for row in range(len(high)):
        top = (high[row] ^ NULL) * MULTIPLY_HIGH
        high[row] = top ^ top >> SHIFT
        bottom = (low[row] ^ NULL) * MULTIPLY_LOW
        low[row] = bottom ^ bottom >> SHIFT


@kernel
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


@kernel
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


@inlined
def home_shift(slots):
    """Returns how far a key's high lane is shifted to give the slot where it belongs."""
    shift = np.uint64(64)
    capacity = len(slots) // 2
    while capacity > 1:
        capacity //= 2
        shift -= ONE
    return shift


@kernel
def insert(slots, high, low, seen):
    """Adds keys to an open-addressing table and tells which were there already.

    A key belongs to the slot that the upper bits of its high lane name, so a table is nearly sorted.

    Args:
        slots: uint64[2 * capacity], key after key as (high, low); (0, 0) is a free slot, so that
            one key must not be added; capacity is a power of two, at least 2, and stays partly free.
        high: uint64[n].
        low: uint64[n].
        seen: uint8[n], out: 1 where the key was there or came earlier in this call.

    Returns:
        How many keys were new.
    """
    mask = np.uint64(len(slots) // 2 - 1)
    shift = home_shift(slots)
    added = np.int64(0)
    for row in range(len(high)):
        top = high[row]
        bottom = low[row]
        slot = top >> shift
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


@kernel
def move(slots, larger):
    """Adds the keys of one table to another, which is empty and has more room."""
    mask = np.uint64(len(larger) // 2 - 1)
    shift = home_shift(larger)
    for place in range(len(slots) // 2):
        top = slots[2 * place]
        bottom = slots[2 * place + 1]
        if top | bottom == ZERO:
            continue
        slot = top >> shift
        while larger[slot << ONE] | larger[slot << ONE | ONE] != ZERO:
            slot = (slot + ONE) & mask
        larger[slot << ONE] = top
        larger[slot << ONE | ONE] = bottom


@inlined
def put_sorted(pairs, count, top, bottom):
    """Adds a key to the ``count`` sorted keys at the beginning of ``pairs``; it is among the last."""
    at = count
    while at > 0 and (
        pairs[2 * at - 2] > top or (pairs[2 * at - 2] == top and pairs[2 * at - 1] > bottom)
    ):
        pairs[2 * at] = pairs[2 * at - 2]
        pairs[2 * at + 1] = pairs[2 * at - 1]
        at -= 1
    pairs[2 * at] = top
    pairs[2 * at + 1] = bottom


@kernel
def extract(slots, pairs):
    """Copies the keys of a table, sorted, into ``pairs`` uint64[2 * keys].

    Slots are in order of their keys but for two things: keys that found their slot taken are a few
    slots further on, and at the end of the table they go on at its beginning.
    """
    shift = home_shift(slots)
    count = np.int64(0)
    for wrapped in range(2):
        for slot in range(len(slots) // 2):
            top = slots[2 * slot]
            bottom = slots[2 * slot + 1]
            if top | bottom == ZERO:
                if wrapped == 1:
                    break
                continue
            if np.int64(top >> shift > np.uint64(slot)) == wrapped:
                put_sorted(pairs, count, top, bottom)
                count += 1
