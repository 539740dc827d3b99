"""Open-addressing indexes from 64-bit keys to chains of validity periods.

A slot is two int64 words, ``key`` and ``first << 20 | count``: the chain is
``chain[first : first + count]``, sorted by the start of validity. Empty slots have count 0. The
table has a power-of-two number of slots, at most half of them taken, so that a probe is about one
cache line.
"""

from __future__ import annotations

import numpy as np
from numba import njit

COUNT_BITS = 20
COUNT_MASK = (1 << COUNT_BITS) - 1

_MIX = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True)
def slot_of(key, mask):
    """Returns the first slot to look at for int64 ``key`` in a table of ``mask + 1`` slots."""
    mixed = np.uint64(key) * _MIX
    mixed ^= mixed >> np.uint64(32)
    return np.int64(mixed & np.uint64(mask))


@njit(nogil=True, cache=True)
def find_chain(slots, key):
    """Returns ``first << 20 | count`` of int64 ``key``, 0 if it is not in ``slots`` (int64)."""
    mask = slots.shape[0] // 2 - 1
    at = slot_of(key, mask)
    while True:
        value = slots[2 * at + 1]
        if value == 0 or slots[2 * at] == key:
            return value
        at = (at + 1) & mask


@njit(nogil=True, cache=True)
def pair_key(left, right):
    """Returns one int64 that stands for the pair of int64; different pairs may meet in it."""
    mixed = np.uint64(left) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed + np.uint64(right)) * np.uint64(0x165667B19E3779F9)
    return np.int64((mixed ^ (mixed >> np.uint64(31))) & np.uint64(0x7FFFFFFFFFFFFFFF))


@njit(nogil=True, cache=True)
def pair_keys(left, right, out):
    """Fills int64 ``out[n]`` with :func:`pair_key` of int64 ``left[n]`` and ``right[n]``."""
    for i in range(left.shape[0]):
        out[i] = pair_key(left[i], right[i])


@njit(nogil=True, cache=True)
def fill_slots(sorted_keys, slots):
    """Fills ``slots`` (int64[2 * 2**k], zeros) from ``sorted_keys`` (int64[n], equal ones adjacent).

    Returns:
        -1, or the position of a key with more than 2**20 - 1 periods.
    """
    n = sorted_keys.shape[0]
    mask = slots.shape[0] // 2 - 1
    first = 0
    while first < n:
        key = sorted_keys[first]
        end = first + 1
        while end < n and sorted_keys[end] == key:
            end += 1
        if end - first > COUNT_MASK:
            return first
        at = slot_of(key, mask)
        while slots[2 * at + 1] != 0:
            at = (at + 1) & mask
        slots[2 * at] = key
        slots[2 * at + 1] = (first << COUNT_BITS) | (end - first)
        first = end
    return -1


@njit(nogil=True, cache=True)
def first_overlap(sorted_keys, chain, valid_from, valid_to, out):
    """Lists neighbours in a chain whose validity overlaps.

    Args:
        sorted_keys: int64[n], the key of ``chain[i]``.
        chain: int32[n], periods sorted by key, then ``valid_from``.
        valid_from: int64, UTC microseconds by period.
        valid_to: int64, the same, first instant no longer valid.
        out: int32[n], filled with positions ``i`` where ``chain[i]`` overlaps an earlier one.

    Returns:
        How many positions were written.
    """
    count = 0
    latest = np.int64(0)
    for i in range(1, chain.shape[0]):
        before = chain[i - 1]
        if sorted_keys[i] != sorted_keys[i - 1]:
            latest = np.int64(-(2**63))
            continue
        if i == 1 or sorted_keys[i - 1] != sorted_keys[i - 2]:
            latest = valid_to[before]
        else:
            latest = max(latest, valid_to[before])
        if valid_from[chain[i]] < latest:
            out[count] = i
            count += 1
    return count
