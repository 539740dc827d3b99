"""Open-addressing indexes from 64-bit keys to chains of validity periods.

A slot is two int64 words, ``key`` and ``first << 20 | count``: the chain is
``chain[first : first + count]``, sorted by the start of validity. Empty slots have count 0. The
table has a power-of-two number of slots, at most half of them taken, so that a probe is about one
cache line.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit
from rating.kernels.machine import prefetch, u

COUNT_BITS = 20
COUNT_MASK = (1 << COUNT_BITS) - 1

_MIX = np.uint64(0x9E3779B97F4A7C15)
_MISSING = -(2**63)
AHEAD = 24
"""Rows whose slots are asked for before they are needed."""


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
def fill_runs(keys, valid_from, slots, chain):
    """Builds the index where the rows of a key are neighbours, in order of validity: nearly always.

    Args:
        keys: int64[n], ``-2**63`` where a row has none.
        valid_from: int64[n], UTC microseconds.
        slots: int64[2 * 2**k], zeros; at least twice as many slots as rows.
        chain: int32[n], filled.

    Returns:
        How many entries of ``chain`` are used, -1 where :func:`fill_index` must do it.
    """
    n = keys.shape[0]
    mask = slots.shape[0] // 2 - 1
    total = np.int64(0)
    row = np.int64(0)
    while row < n:
        key = keys[u(row)]
        end = row + 1
        if row + AHEAD < n:
            prefetch(slots, 2 * slot_of(keys[u(row + AHEAD)], mask))
        if key != _MISSING:
            while end < n and keys[u(end)] == key:
                if valid_from[u(end)] < valid_from[u(end - 1)]:
                    return -1
                end += 1
            if end - row > COUNT_MASK:
                return -1
            at = slot_of(key, mask)
            while slots[u(2 * at + 1)] != 0:
                if slots[u(2 * at)] == key:
                    return -1
                at = (at + 1) & mask
            slots[u(2 * at)] = key
            slots[u(2 * at + 1)] = (total << COUNT_BITS) | (end - row)
            for member in range(row, end):
                chain[u(total)] = member
                total += 1
        row = end
    return total


@njit(nogil=True, cache=True)
def fill_index(keys, valid_from, slots, chain, where, rank):
    """Builds the index over the keys that are not missing.

    Args:
        keys: int64[n], ``-2**63`` where a row has none.
        valid_from: int64[n], UTC microseconds.
        slots: int64[2 * 2**k], zeros; at least twice as many slots as rows.
        chain: int32[n], filled.
        where: int32[n], scratch.
        rank: int32[n], scratch.

    Returns:
        How many entries of ``chain`` are used, or -1 - row of a key with more than 2**20 - 1 rows.
    """
    n = keys.shape[0]
    mask = slots.shape[0] // 2 - 1
    for row in range(n):
        key = keys[row]
        if key == _MISSING:
            rank[row] = -1
            continue
        at = slot_of(key, mask)
        while slots[2 * at + 1] != 0 and slots[2 * at] != key:
            at = (at + 1) & mask
        count = slots[2 * at + 1]
        if count >= COUNT_MASK:
            return -1 - row
        slots[2 * at] = key
        slots[2 * at + 1] = count + 1
        where[row] = at
        rank[row] = count
    total = np.int64(0)
    for row in range(n):
        if rank[row] < 0:
            continue
        at = 2 * np.int64(where[row]) + 1
        if rank[row] == 0:
            count = slots[at]
            slots[at] = (total << COUNT_BITS) | count
            total += count
        chain[(slots[at] >> COUNT_BITS) + rank[row]] = row
    for row in range(n):
        if rank[row] == 1:  # the second of a chain: once for each that has several
            value = slots[2 * np.int64(where[row]) + 1]
            _sort_chain(chain, value >> COUNT_BITS, value & COUNT_MASK, valid_from)
    return total


@njit(nogil=True, cache=True)
def _sort_chain(chain, first, count, valid_from):
    """Sorts ``chain[first : first + count]`` by start of validity, then by row (Shell's sort)."""
    gap = np.int64(1)
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            row = chain[first + i]
            start = valid_from[row]
            j = i
            while j >= gap:
                other = chain[first + j - gap]
                if valid_from[other] < start or (valid_from[other] == start and other < row):
                    break
                chain[first + j] = other
                j -= gap
            chain[first + j] = row
        gap //= 3


@njit(nogil=True, cache=True)
def overlapping(slots, chain, valid_from, valid_to):
    """Returns whether any two neighbours in a chain are valid at the same time."""
    for slot in range(slots.shape[0] // 2):
        count = slots[2 * slot + 1] & COUNT_MASK
        if count > 1:
            first = slots[2 * slot + 1] >> COUNT_BITS
            for i in range(first + 1, first + count):
                if valid_from[chain[i]] < valid_to[chain[i - 1]]:
                    return True
    return False


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
