"""Where single values and lists of records with an indefinite length end; records inside others.

Arrays as in :mod:`mediation.kernels.boundaries`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit
from mediation.kernels.boundaries import KERNEL, find_record, read_header, starts_record, walk


@njit(**KERNEL)
def end_of_value(buf, pos, limit, stack, state):
    """Returns where the value at ``pos`` ends, a negative number unless all lengths inside agree."""
    end, _ = walk(buf, pos, limit, stack, state)
    return end


@njit(**KERNEL)
def end_of_list(buf, pos, limit, rules, kinds, long_numbers, stack, state):
    """Finds the end-of-contents of the list whose first element is at ``pos``.

    A value that does not end where a record, any whole value or the end-of-contents begins is
    broken: the search goes on at the next whole record behind its first octet.

    Returns:
        Position of the two octets 00, or -1 where no record leads to them.
    """
    at = pos
    before = pos
    while at + 2 <= limit:
        if buf[at] == 0 and buf[at + 1] == 0:
            return at
        end = np.int64(-1)
        if buf[at] != 0:
            if starts_record(buf, at, limit, kinds, long_numbers):
                content, length = read_header(buf, at, limit)
                if content > 0 and length >= 0:
                    end = content + length
                elif content > 0:
                    end, _ = walk(buf, at, limit, stack, state)
            elif buf[at] & 32 != 0:
                end, _ = walk(buf, at, limit, stack, state)
        if end > 0:
            before = at
            at = end
            continue
        # The value before may be the one with the wrong length, unless it was just found whole.
        start, end = find_record(
            buf, before + 1, limit, limit, rules, kinds, long_numbers, stack, state
        )
        if start < 0:
            return np.int64(-1)
        before = start
        at = end
    return np.int64(-1)


@njit(**KERNEL)
def records_inside(buf, offsets, lengths, kinds, long_numbers, found, stack, state):
    """Finds the records of one format that stand directly inside values of another.

    A value whose lengths do not hold ends the look into what is around it.

    Args:
        buf: uint8[n], the file.
        offsets: int64[values], where each value begins.
        lengths: int64[values], octets of each value.
        kinds: Of the inner format, as is `long_numbers`.
        long_numbers: Of the inner format.
        found: int64[2, room], out: offset and length of each record, as far as there is room.
        stack: Scratch.
        state: Scratch; its budget must suffice for the values.

    Returns:
        How many records there are.
    """
    count = 0
    for value in range(offsets.shape[0]):
        limit = offsets[value] + lengths[value]
        if offsets[value] < 0 or lengths[value] <= 0 or limit > buf.shape[0]:
            continue
        at, _ = read_header(buf, offsets[value], limit)
        while 0 < at < limit:
            content, length = read_header(buf, at, limit)
            if content < 0:
                break
            end = content + length
            if length < 0:
                end, _ = walk(buf, at, limit, stack, state)
                if end < 0:
                    break
            if starts_record(buf, at, limit, kinds, long_numbers):
                if count < found.shape[1]:
                    found[0, count] = at
                    found[1, count] = end - at
                count += 1
            at = end
    return count
