"""Shapes: records whose tags and lengths all stand at the same places are walked only once.

A node writes the same fields in the same order for hours. Of such a record only the values differ, so the
walk of the first one says of all others where each field is. A *shape* keeps that: the octets of tags
and lengths under a mask that leaves values out, and the *stops* of the walk in order. A record that
agrees under the mask is walked by its stops; every other record, and every record that is too long or
too close to the end of the file, is walked by its tags. What comes out is the same.

Shapes are found by the length of a record: of each length, the last `WAYS` shapes in order of use.

`order` is int32[LENGTHS * WAYS]: shapes of a length, the last used one first.
`words` is uint64[SHAPES * WORDS * 2]: the mask of a shape, then what it wants, eight octets at a time,
the first one lowest.
`stops` is int64[SHAPES * STOPS], before the stops of a shape the octets of its records.
`draft` is uint8[OCTETS]: the mask of the record in hand.
`trust` is int64[2]: how little the shapes have helped of late, and records to go without.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.words import load_little

LENGTHS = 256
WAYS = 8
SHAPES = LENGTHS * WAYS
OCTETS = 512
"""Records with more octets have no shape."""
WORDS = OCTETS // 8
STOPS = 64
"""Records with more stops have no shape."""

# A stop: what happens at an element. One int64: its kind, what it is about, and where.
STOP_NONE = 0
STOP_FIELD = 1
"""Its argument is an action of the plan, that of the others an entry."""
STOP_OPEN = 2
STOP_CLOSE_ROW = 3
STOP_CLOSE_PICK = 4
STOP_END = 5
KIND = 7
ABOUT_SHIFT, ABOUT = 3, (1 << 24) - 1
TAG_SHIFT, VALUE_SHIFT, LENGTH_SHIFT, PLACE = 27, 37, 47, 1023

MISS, DOUBT = 16, 1 << 14
"""What a record without a known shape counts against one with, and the sum at which shapes are left
alone: where more than one in 17 is new, looking and learning cost more than they spare."""
PAUSE = 1 << 16
"""Records before they are tried again."""

ix = np.uint64  # unsigned indexes spare the test for negative ones


def no_shapes() -> tuple[np.ndarray[Any, Any], ...]:
    """Returns (order, words, stops, draft, trust) that know no shape."""
    order = np.arange(SHAPES, dtype=np.int32)
    words = np.zeros(SHAPES * WORDS * 2, np.uint64)
    stops = np.zeros(SHAPES * STOPS, np.int64)
    return order, words, stops, np.zeros(OCTETS, np.uint8), np.zeros(2, np.int64)


@inlined
def has_shape(data, pos, length, trust):
    """Returns whether a record may have a shape: not too long, not too close to the file's end."""
    if trust[0] >= DOUBT:
        trust[1] += 1
        if trust[1] >= PAUSE:
            trust[0] = DOUBT // 2
            trust[1] = 0
        return False
    return length <= OCTETS and pos + OCTETS <= data.shape[0]


@inlined
def words_of(length):
    """Returns how many words are compared for so many octets: whole cache lines."""
    return (length + 63) >> 6 << 3


@inlined
def agrees(data, pos, length, words, stops, shape):
    """Returns whether the octets of a record agree with a shape under its mask."""
    if stops[ix(shape * STOPS)] != length:
        return False
    mask = shape * (WORDS * 2)
    difference = np.uint64(0)
    # No way out before the end, and the number of turns a multiple of eight: vector instructions.
    for index in range(words_of(length)):
        word = load_little(data, pos + index * 8) & words[ix(mask + index)]
        difference |= word ^ words[ix(mask + WORDS + index)]
    return difference == 0


@inlined
def shape_of(data, pos, length, order, words, stops, trust):
    """Returns the shape of a record (int64), -1 if it is not known, and makes it the last used one."""
    first = (length & (LENGTHS - 1)) * WAYS
    for way in range(WAYS):
        shape = np.int64(order[ix(first + way)])
        if agrees(data, pos, length, words, stops, shape):
            for later in range(way, 0, -1):
                order[ix(first + later)] = order[ix(first + later - 1)]
            order[ix(first)] = shape
            trust[0] -= trust[0] > 0
            return shape
    trust[0] += MISS
    return -1


@inlined
def stop_at(kind, about, record, tag, value, length):
    """Returns a stop: places are counted from the record's first octet."""
    return (
        kind
        | about << ABOUT_SHIFT
        | (tag - record) << TAG_SHIFT
        | (value - record) << VALUE_SHIFT
        | length << LENGTH_SHIFT
    )


@inlined
def begin_draft(draft, length, order):
    """Empties the mask for a record; returns the shape to write its stops to, the least used one."""
    for index in range(words_of(length) * 8):
        draft[ix(index)] = 0
    return np.int64(order[ix((length & (LENGTHS - 1)) * WAYS + WAYS - 1)])


@inlined
def mark(draft, begin, end):
    """Puts octets of a tag and a length, counted from the record's first, under the mask."""
    for index in range(begin, end):
        draft[ix(index)] = 255


@kernel
def learn(data, pos, length, order, words, stops, draft):
    """Makes a shape of a record whose stops are written: it becomes the last used one."""
    first = (length & (LENGTHS - 1)) * WAYS
    shape = np.int64(order[ix(first + WAYS - 1)])
    for way in range(WAYS - 1, 0, -1):
        order[ix(first + way)] = order[ix(first + way - 1)]
    order[ix(first)] = shape
    stops[ix(shape * STOPS)] = length
    base = shape * (WORDS * 2)
    for index in range(words_of(length)):
        mask = load_little(draft, index * 8)
        words[ix(base + index)] = mask
        words[ix(base + WORDS + index)] = load_little(data, pos + index * 8) & mask
