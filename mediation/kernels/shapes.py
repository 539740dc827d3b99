"""Shapes: records whose tags and lengths all stand at the same places are walked only once.

A node writes the same fields in the same order for hours. Of such a record only the values differ, so the
walk of the first one says of all others where each field is. A *shape* keeps that: the octets of tags
and lengths under a mask that leaves values out, and the *stops* of the walk in order. A record that
agrees under the mask is walked by its stops; every other record, and every record that is too long or
too close to the end of the file, is walked by its tags. What comes out is the same.

Shapes are found by the length of a record, in sets with `WAYS` shapes each, in order of use. Learning costs
more than a shape that comes once is worth, so one in `LEARNT` of the records without a shape makes one.

`order` is int64[SETS * WAYS + SHAPES]: length and shape, in each set those most in use first; then, for each
shape, three octets of its mask, far apart, and what it wants there. Nearly all other shapes of a length fail
there, and the long comparison with each of them is spared.
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
CHECKED = 3, 6, 8
"""Which octets of a mask are looked at first, in tenths of all it has."""
CHECK_BITS, CHECK_PLACE, CHECK_OCTET = 17, 511, 9
"""Bits of a check: its place, and above that its octet."""
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

LOW_BITS = np.uint64(0x0101010101010101)
ix = np.uint64  # unsigned indexes spare the test for negative ones


def no_shapes() -> tuple[np.ndarray[Any, Any], ...]:
    """Returns (order, words, stops, draft, trust) that know no shape."""
    order = np.concatenate([np.arange(SHAPES), np.zeros(SHAPES)]).astype(np.int64)
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
def differs_at(data, pos, check):
    """Returns zero if the octet of one check is what the shape wants."""
    return np.int64(data[ix(pos + (check & CHECK_PLACE))]) ^ (check >> CHECK_OCTET & 255)


@inlined
def seems(data, pos, checks):
    """Returns whether the octets that are looked at first are those of a shape."""
    different = differs_at(data, pos, checks)
    different |= differs_at(data, pos, checks >> CHECK_BITS)
    different |= differs_at(data, pos, checks >> (2 * CHECK_BITS))
    return different == 0


@inlined
def shape_of(data, pos, length, order, words, trust):
    """Returns the shape of a record (int64), -1 if it is not known; one in use moves forward by one."""
    first = first_of(length)
    for way in range(WAYS):
        known = order[ix(first + way)]
        shape = known & (SHAPES - 1)
        if known >> SHAPE_BITS != length:
            continue
        # The first one mostly is it; of the others one in five or eight is.
        if way > 0 and not seems(data, pos, order[ix(SHAPES + shape)]):
            continue
        if agrees(data, pos, length, words, shape):
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


@inlined
def marked_in(word):
    """Returns how many octets of eight of the mask are marked."""
    return np.int64((word & LOW_BITS) * LOW_BITS >> np.uint64(56))


@inlined
def marked_at(draft, begin, number):
    """Returns the place of a marked octet by its number from 0 among those from `begin` on."""
    place = begin
    while number > 0 or draft[ix(place)] == 0:
        number -= draft[ix(place)] != 0
        place += 1
    return place


@kernel
def checks_of(data, pos, length, draft, marked):
    """Returns the octets of a record that are looked at first, as in `order`; of `marked` ones in all."""
    checks = np.int64(0)
    number = 0
    before = np.int64(0)
    for index in range(0, lines_of(length) * 64, 8):
        count = marked_in(load_little(draft, index))
        while number < len(CHECKED) and marked * CHECKED[number] // 10 < before + count:
            place = marked_at(draft, index, marked * CHECKED[number] // 10 - before)
            octet = np.int64(data[ix(pos + place)])
            checks |= (place | octet << CHECK_OCTET) << (number * CHECK_BITS)
            number += 1
        before += count
    return checks


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
    marked = np.int64(0)
    base = shape * (WORDS * 2)
    for line in range(lines_of(length)):
        for index in range(8):
            mask = load_little(draft, line * 64 + index * 8)
            marked += marked_in(mask)
            words[ix(base + index)] = mask
            words[ix(base + 8 + index)] = load_little(data, pos + line * 64 + index * 8) & mask
        base += 16
    order[ix(SHAPES + shape)] = checks_of(data, pos, length, draft, marked)
