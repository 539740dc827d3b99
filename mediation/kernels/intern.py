"""Distinct texts: octets to small numbers through an open-addressing hash table.

`interned` is int64[capacity * 3]: offset and length of the octets in the file, and the action that
saw them (the same octets of another field are another text). `slots` is int32[power of two], -1
free. Twin: a dict in `mediation.reference.ber`.
"""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def same_octets(data, pos, end, interned, number):
    """Returns whether the octets `pos` to `end` are those of text `number`."""
    if interned[number * 3 + 1] != end - pos:
        return False
    other = interned[number * 3]
    for index in range(end - pos):
        if data[pos + index] != data[other + index]:
            return False
    return True


@njit(nogil=True, cache=True)
def hash_octets(data, pos, end, action):
    """Returns a non-negative 62-bit hash of octets and action."""
    value = action + 1
    for index in range(pos, end):
        value = (value ^ int(data[index])) * 1099511628211
    return (value ^ (value >> 29)) & 0x3FFFFFFFFFFFFFFF


@njit(nogil=True, cache=True)
def intern_octets(data, pos, end, action, slots, interned, count):
    """Returns the number of a text, a new one if it was not seen; -1 if there is no room."""
    mask = slots.shape[0] - 1
    slot = hash_octets(data, pos, end, action) & mask
    while slots[slot] >= 0:
        number = int(slots[slot])
        if interned[number * 3 + 2] == action and same_octets(data, pos, end, interned, number):
            return number
        slot = (slot + 1) & mask
    number = count[0]
    if number * 3 >= interned.shape[0]:
        return -1
    slots[slot] = number
    interned[number * 3] = pos
    interned[number * 3 + 1] = end - pos
    interned[number * 3 + 2] = action
    count[0] = number + 1
    return number


@njit(nogil=True, cache=True)
def rehash(data, slots, interned, count):
    """Fills emptied `slots` with the first `count` texts, after the tables grew."""
    mask = slots.shape[0] - 1
    for number in range(count):
        pos = interned[number * 3]
        end = pos + interned[number * 3 + 1]
        slot = hash_octets(data, pos, end, interned[number * 3 + 2]) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number
