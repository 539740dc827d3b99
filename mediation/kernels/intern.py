"""Distinct texts: octets to small numbers through an open-addressing hash table.

`interned` is int64[capacity * 3]: offset and length of the octets in the file, and the action that
saw them (the same octets of another field are another text). `slots` is int32[power of two], -1
free. Twin: a dict in `mediation.reference.ber`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.codecs import unsigned_value
from mediation.kernels.words import load_big

MIX = 0x1E3779B97F4A7C15
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def same_octets(data, pos, end, interned, number):
    """Returns whether the octets `pos` to `end` are those of text `number`."""
    size = end - pos
    if interned[ix(number * 3 + 1)] != size:
        return False
    other = interned[ix(number * 3)]
    if 0 < size <= 8 and max(pos, other) + 8 <= data.shape[0]:
        difference = load_big(data, pos) ^ load_big(data, other)
        return difference >> np.uint64(64 - size * 8) == 0
    return same_one_by_one(data, pos, end, other)


@kernel
def only_zeros(data, pos, end):
    """Returns whether the octets `pos` to `end` are all 0: filler, and no text."""
    while pos < end and data[ix(pos)] == 0:
        pos += 1
    return pos >= end


@kernel
def same_one_by_one(data, pos, end, other):
    """Compares the octets `pos` to `end` with those from `other` on, eight at a time."""
    while end - pos >= 8:
        if load_big(data, pos) != load_big(data, other):
            return False
        pos += 8
        other += 8
    for index in range(end - pos):  # noqa: SIM110 - numba has no generators in `all`
        if data[ix(pos + index)] != data[ix(other + index)]:
            return False
    return True


@inlined
def hash_octets(data, pos, end, action):
    """Returns a non-negative 62-bit hash of octets and action."""
    value = action + 1
    while end - pos >= 8:
        value = (value ^ np.int64(load_big(data, pos))) * MIX
        value ^= value >> 32
        pos += 8
    if end > pos:
        value = (value ^ unsigned_value(data, pos, end)) * MIX
    return (value ^ (value >> 32)) & 0x3FFFFFFFFFFFFFFF


@kernel
def intern_octets(data, pos, end, action, slots, interned, count):
    """Returns the number of a text, a new one if it was not seen; -1 if there is no room."""
    mask = slots.shape[0] - 1
    slot = hash_octets(data, pos, end, action) & mask
    while slots[ix(slot)] >= 0:
        number = np.int64(slots[ix(slot)])
        if interned[ix(number * 3 + 2)] == action and same_octets(data, pos, end, interned, number):
            return number
        slot = (slot + 1) & mask
    number = count[ix(0)]
    if number * 3 >= interned.shape[0]:
        return -1
    slots[ix(slot)] = number
    interned[ix(number * 3)] = pos
    interned[ix(number * 3 + 1)] = end - pos
    interned[ix(number * 3 + 2)] = action
    count[ix(0)] = number + 1
    return number


@kernel
def rehash(data, slots, interned, count):
    """Fills emptied `slots` with the first `count` texts, after the tables grew."""
    mask = slots.shape[0] - 1
    for number in range(count):
        pos = interned[ix(number * 3)]
        end = pos + interned[ix(number * 3 + 1)]
        slot = hash_octets(data, pos, end, interned[ix(number * 3 + 2)]) & mask
        while slots[ix(slot)] >= 0:
            slot = (slot + 1) & mask
        slots[ix(slot)] = number
