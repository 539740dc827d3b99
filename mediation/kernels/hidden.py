"""Looking into framed records: whether they are whole, and whether they cover others.

Arrays as in :mod:`mediation.kernels.boundaries`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit
from mediation.kernels.boundaries import (
    BUDGET,
    HELPER,
    KERNEL,
    MIN_CHILDREN,
    find_record,
    record_inside,
    starts_record,
    walk,
)


@njit(**KERNEL)
def declared_and_whole(buf, offsets, lengths, kinds, long_numbers, stack, state, ok):
    """Marks in ``ok`` uint8[n] the records of declared types whose nested lengths all agree."""
    size = np.int64(len(buf))
    for index in range(len(offsets)):
        state[BUDGET] = lengths[index] + 1
        end = offsets[index] + lengths[index]
        reached, _ = walk(buf, offsets[index], end, stack, state)
        declared = starts_record(buf, offsets[index], size, kinds, long_numbers)
        ok[index] = 1 if declared and reached == end else 0


@njit(**HELPER)
def rejoins(buf, at, later, offsets, end, least, kinds, long_numbers, stack, state):
    """Returns the index of the record at which whole records from ``at`` on join the framed ones.

    Each holds at least ``least`` values; ``end`` is where the last framed record ends, and
    joining there is the number of records. -1 where they do not join.
    """
    while at > 0:
        while later < len(offsets) and offsets[later] < at:
            later += 1
        border = offsets[later] if later < len(offsets) else end
        if at == border:
            return later
        if at > border or not starts_record(buf, at, end, kinds, long_numbers):
            return np.int64(-1)
        at, children = walk(buf, at, end, stack, state)
        if children < least:
            return np.int64(-1)
    return np.int64(-1)


@njit(**KERNEL)
def hidden_records(buf, offsets, lengths, rules, kinds, long_numbers, stack, state, hidden):
    """Finds whole records that begin inside broken ones; for framed records of a damaged stretch.

    A record whose nested lengths do not agree covers others if whole records begin in it that lead
    to where a later record begins, or all of them end: it was cut, and its length ends by chance
    where a legal tag seems to stand. So does one whose lengths agree, if records stand in the place
    of its fields and have tags of their own.

    Writes ``hidden`` int64[2, n]: where the first covered record begins (a record's own end where
    it covers none), and how many framed records take part.
    """
    count = np.int64(len(offsets))
    last = offsets[count - 1] + lengths[count - 1] if count > 0 else np.int64(0)
    index = np.int64(0)
    while index < count:
        end = offsets[index] + lengths[index]
        hidden[0, index] = end
        hidden[1, index] = 1
        following = index + 1
        reached, _ = walk(buf, offsets[index], end, stack, state)
        whole = reached == end
        at = offsets[index] + 1
        if whole:
            at = record_inside(buf, offsets[index], end, rules, kinds, long_numbers)
            at = end if at < 0 else at
        least = np.int64(0) if whole else rules[MIN_CHILDREN]  # their tags are proof enough
        while at < end:
            first, reached = find_record(
                buf, at, end, last, rules, kinds, long_numbers, stack, state
            )
            if first < 0:
                break
            joined = rejoins(
                buf, reached, index + 1, offsets, last, least, kinds, long_numbers, stack, state
            )
            if joined >= 0:
                hidden[0, index] = first
                hidden[1, index] = joined - index
                following = joined
                break
            if whole:
                break
            at = first + 1
        for other in range(index + 1, following):
            hidden[0, other] = offsets[other] + lengths[other]
            hidden[1, other] = 1
        index = following
