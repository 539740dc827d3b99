"""Blocked Bloom filter over 128-bit keys, and the exact search behind it.

A key belongs to one block of 512 bits, a cache line, chosen by the upper half of its high lane; its
bits there are chosen by the low lane. So a look-up touches one line, and keys in order fill the
filter from front to back. The test has no branch: nothing is guessed wrong, and the loads of many
keys are on their way at once. All arithmetic is on uint64; int64 mixed in would make float64.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel

PROBES = 7
WORDS = 8
"""Words of 64 bits in a block."""

U = np.uint64
ONE = U(1)
HALF = U(32)
THREE = U(3)
SIX = U(6)
NINE = U(9)
IN_BLOCK = U(511)
IN_WORD = U(63)


@inlined
def block_of(high, blocks):
    """Returns the first word of a key's block; grows with ``high``."""
    return ((high >> HALF) * blocks >> HALF) << THREE


@kernel
def fill(words, pairs):
    """Adds keys to a filter.

    Args:
        words: uint64[8 * blocks], changed.
        pairs: uint64[2 * n], key after key as (high, low); fastest in order.
    """
    blocks = U(len(words)) >> THREE
    for row in range(len(pairs) // 2):
        block = block_of(pairs[2 * row], blocks)
        rest = pairs[2 * row + 1]
        for _ in range(PROBES):
            bit = rest & IN_BLOCK
            words[block + (bit >> SIX)] |= ONE << (bit & IN_WORD)
            rest >>= NINE


@kernel
def candidates(words, high, low, rows):
    """Finds keys that a filter may hold.

    Args:
        words: uint64[8 * blocks].
        high: uint64[n].
        low: uint64[n].
        rows: int64[n], out: rows that may be in it, in order.

    Returns:
        How many they are: all that are in it, and a few that are not.
    """
    blocks = U(len(words)) >> THREE
    count = np.int64(0)
    for row in range(len(high)):
        block = block_of(high[row], blocks)
        rest = low[row]
        hit = ONE
        for _ in range(PROBES):
            bit = rest & IN_BLOCK
            hit &= words[block + (bit >> SIX)] >> (bit & IN_WORD)
            rest >>= NINE
        rows[count] = row
        count += np.int64(hit)
    return count


@inlined
def holds(pairs, high, low):
    """Returns 1 if a key is among ``pairs`` uint64[2 * n], sorted by high, then low, else 0."""
    size = np.int64(len(pairs) // 2)
    if size == 0:
        return np.uint8(0)
    # Keys are hashes: the place is nearly known. Then outwards by doubling, then by halves.
    guess = np.int64((high >> HALF) * U(size) >> HALF)
    step = np.int64(32)
    first = guess
    while first > 0 and pairs[2 * first] >= high:
        first = max(first - step, np.int64(0))
        step *= 2
    step = np.int64(32)
    last = guess
    while last < size and pairs[2 * last] <= high:
        last = min(last + step, size)
        step *= 2
    while first < last:
        middle = (first + last) // 2
        top = pairs[2 * middle]
        if top < high or (top == high and pairs[2 * middle + 1] < low):
            first = middle + 1
        else:
            last = middle
    if first < size and pairs[2 * first] == high and pairs[2 * first + 1] == low:
        return np.uint8(1)
    return np.uint8(0)


@kernel
def search(pairs, high, low, rows, seen):
    """Marks in ``seen`` uint8[n] which of ``rows`` int64[m] of the keys are among ``pairs``."""
    for place in range(len(rows)):
        row = rows[place]
        if seen[row] == 0:
            seen[row] = holds(pairs, high[row], low[row])
