"""Shapes: records whose tags and lengths all stand at the same places are walked only once.

A node writes the same fields in the same order for hours. Of such a record only the values differ, so the
walk of the first one says of all others where each field is. A *shape* keeps that: the octets of tags
and lengths under a mask that leaves values out, and the *stops* of the walk in order. A record that
agrees under the mask is walked by its stops; every other record, and every record that is too long or
too close to the end of the file, is walked by its tags. What comes out is the same.

Shapes are found by the length of a record, in sets with `WAYS` shapes each, in order of use. Learning costs
more than a shape that comes once is worth, so one in `LEARNT` of the records without a shape makes one.

`order` is int64[SETS * WAYS]: length and shape, in each set those most in use first.
`words` is uint64[SHAPES * WORDS * 2]: for each eight words of a record eight of the mask of a shape, then
eight that it wants; octets in a word the first one lowest.
`stops` is int64[SHAPES * STOPS].
`draft` is uint8[OCTETS]: the mask of the record in hand.
`trust` is int64[3]: how little the shapes have helped of late, records to go without, and how many
records had no shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.words import load_little

SETS = 64
WAYS = 32
SHAPES = SETS * WAYS
SHAPE_BITS = 11
OCTETS = 512
"""Records with more octets have no shape."""
WORDS = OCTETS // 8
STOPS = 64
"""Records with more stops have no shape."""
LEARNT = 4
"""Of so many records without a shape one makes one."""

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

MISS, DOUBT = 3, 1 << 13
"""What a record without a known shape counts against one with, and the sum at which shapes are left
alone: where more than one in four is new, looking and learning cost more than they spare."""
PAUSE = 1 << 16
"""Records before they are tried again."""

ix = np.uint64  # unsigned indexes spare the test for negative ones


def no_shapes() -> tuple[np.ndarray[Any, Any], ...]:
    """Returns (order, words, stops, draft, trust) that know no shape."""
    order = np.arange(SHAPES, dtype=np.int64)
    words = np.zeros(SHAPES * WORDS * 2, np.uint64)
    stops = np.zeros(SHAPES * STOPS, np.int64)
    return order, words, stops, np.zeros(OCTETS, np.uint8), np.zeros(3, np.int64)


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
def first_of(length):
    """Returns where the set of a length begins in `order`."""
    return (length & (SETS - 1)) * WAYS


@inlined
def lines_of(length):
    """Returns how many lines of eight words are compared for so many octets."""
    return (length + 63) >> 6


@inlined
def agrees(data, pos, length, words, shape):
    """Returns whether the octets of a record agree with a shape under its mask."""
    mask = shape * (WORDS * 2)
    for line in range(lines_of(length)):
        # No way out inside a line: vector instructions.
        difference = np.uint64(0)
        for index in range(8):
            word = load_little(data, pos + line * 64 + index * 8)
            difference |= (word & words[ix(mask + index)]) ^ words[ix(mask + 8 + index)]
        if difference != 0:
            return False
        mask += 16
    return True


@inlined
def shape_of(data, pos, length, order, words, trust):
    """Returns the shape of a record (int64), -1 if it is not known; one in use moves forward by one."""
    first = first_of(length)
    for way in range(WAYS):
        known = order[ix(first + way)]
        shape = known & (SHAPES - 1)
        if known >> SHAPE_BITS == length and agrees(data, pos, length, words, shape):
            if way > 0:
                order[ix(first + way)] = order[ix(first + way - 1)]
                order[ix(first + way - 1)] = known
            trust[0] -= trust[0] > 0
            return shape
    trust[0] += MISS
    trust[2] += 1
    return np.int64(-1)


@inlined
def stop_at(kind, about, record, tag, value, length):
    """Returns a stop: places are counted from the first octet of the record or row."""
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
    for index in range(lines_of(length) * 64):
        draft[ix(index)] = 0
    last = first_of(length) + WAYS - 1
    order[ix(last)] &= SHAPES - 1  # no shape until its stops are complete
    return order[ix(last)]


@inlined
def mark(draft, begin, end):
    """Puts octets of a tag and a length, counted from the first one, under the mask."""
    for index in range(begin, end):
        draft[ix(index)] = 255


@kernel
def learn(data, pos, length, order, words, draft):
    """Makes a shape of a record whose stops are written, in the middle of its set.

    Only what comes again moves to the front, so that shapes that come once push out none in use.
    """
    first = first_of(length)
    shape = order[ix(first + WAYS - 1)]
    for later in range(WAYS - 1, WAYS // 2, -1):
        order[ix(first + later)] = order[ix(first + later - 1)]
    order[ix(first + WAYS // 2)] = length << SHAPE_BITS | shape
    base = shape * (WORDS * 2)
    for line in range(lines_of(length)):
        for index in range(8):
            mask = load_little(draft, line * 64 + index * 8)
            words[ix(base + index)] = mask
            words[ix(base + 8 + index)] = load_little(data, pos + line * 64 + index * 8) & mask
        base += 16
