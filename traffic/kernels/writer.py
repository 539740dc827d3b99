"""The fast BER writer: runs a program over event columns, from the last octet to the first.

Writing backwards makes every length known before it is written, so that all lengths have the
shortest definite form, as asn1tools writes them. `traffic.encode` is the slow twin.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LITERAL, LEAF, OPEN, CLOSE, REPEAT_BEGIN, REPEAT_END = range(6)
"""Operations; a program holds them in the order in which they run, the last field first."""

CODE, INNER, COLUMN, CODEC, SIZE, TAG, TAG_SIZE, JUMP = range(8)
"""Columns of a program. LITERAL: COLUMN and SIZE are start and length in the blob."""

INTEGER, OCTETS, DIGITS, NUMBER, TIME, TEXT, BITS = range(1, 8)
"""Codecs, the numbers of `traffic.layout.Codec`."""

MISSING = -(2**63)
NO_ROOM = -1


@njit(nogil=True, cache=True)
def write_digits(value, count, out, here):
    """Writes `count` digits as TBCD, low nibble first, in front of `here`; returns the new front."""
    if count % 2 == 1:
        here -= 1
        out[here] = 0xF0 | (value % 10)
        value //= 10
    for _ in range(count // 2):
        pair = value % 100
        value //= 100
        here -= 1
        out[here] = (pair % 10) << 4 | pair // 10
    return here


@njit(nogil=True, cache=True)
def write_big_endian(value, size, out, here):
    """Writes the low `size` octets of a number in front of `here`; returns the new front."""
    for _ in range(size):
        here -= 1
        out[here] = value & 255
        value >>= 8
    return here


@njit(nogil=True, cache=True)
def write_time(seconds, offset, dates, out, here):
    """Writes a TimeStamp of nine octets in front of `here`; returns the new front.

    `dates` holds three BCD octets for each day from `first_day` on; a day outside of it gives
    the nearest end, which the caller excludes by its choice of the table.
    """
    ahead = abs(offset)
    hours = ahead // 60
    minutes = ahead - hours * 60
    local = seconds + offset * 60
    day = local // 86_400
    second = local - day * 86_400
    hour = second // 3_600
    second -= hour * 3_600
    minute = second // 60
    second -= minute * 60
    day = min(max(day - 0), dates.shape[0] - 1)
    here -= 9
    # v + 6 * (v // 10) is the BCD octet of v.
    out[here] = dates[day, 0]
    out[here + 1] = dates[day, 1]
    out[here + 2] = dates[day, 2]
    out[here + 3] = hour + 6 * (hour // 10)
    out[here + 4] = minute + 6 * (minute // 10)
    out[here + 5] = second + 6 * (second // 10)
    out[here + 6] = 0x2D if offset < 0 else 0x2B
    out[here + 7] = hours + 6 * (hours // 10)
    out[here + 8] = minutes + 6 * (minutes // 10)
    return here


@njit(nogil=True, cache=True)
def write_head(length, tag, tag_size, out, here):
    """Writes tag and shortest length in front of `here`; returns the new front."""
    here -= 1
    if length < 128:
        out[here] = length
    else:
        size = 0
        while length > 0:
            out[here] = length & 255
            length >>= 8
            here -= 1
            size += 1
        out[here] = 128 | size
    for _ in range(tag_size):
        here -= 1
        out[here] = tag & 255
        tag >>= 8
    return here


@njit(nogil=True, cache=True)
def write_value(codec, size, value, offset, dates, blob, texts, out, here):
    """Writes the contents of one field in front of `here`; returns the new front."""
    if codec == TIME:
        return write_time(value, offset, dates, out, here)
    if codec == NUMBER:
        here = write_digits(value >> 12, value >> 8 & 15, out, here) - 1
        out[here] = value & 255
        return here
    if codec == DIGITS:
        return write_digits(value, 15, out, here)
    if codec == OCTETS:
        return write_big_endian(value, size, out, here)
    if codec == INTEGER:
        size = 1
        while size < 8 and value >> (8 * size - 1) != 0 and value >> (8 * size - 1) != -1:
            size += 1
        return write_big_endian(value, size, out, here)
    if codec == BITS:
        here = write_big_endian(value, 4, out, here) - 1
        out[here] = 0
        return here
    start, end = texts[value], texts[value + 1]
    here -= end - start
    for i in range(end - start):
        out[here + i] = blob[start + i]
    return here


@njit(nogil=True, cache=True)
def write_records(
    order, kind, values, containers, container_first, container_count,
    program, program_start, blob, texts, dates, first_day,
    offset_column, inner_offset_column, record_head, room, out, starts,
):
    """Writes the records of `order` so that the last one ends at the end of `out`.

    Args:
        order: int64[n], rows to write, first record first.
        kind: int8[rows], which program a row runs.
        values: int64[columns, rows].
        containers: int64[container columns, m].
        container_first: int64[rows].
        container_count: int64[rows].
        program: int64[operations, 8].
        program_start: int64[kinds + 1].
        blob: uint8[], literals and texts.
        texts: int64[], where each text begins in `blob`, and where the last ends.
        dates: uint8[days, 3], BCD dates.
        first_day: Days from 1970-01-01 to the first date.
        offset_column: Row column with the minutes of the clock.
        inner_offset_column: The same of a container.
        record_head: uint8[], octets of a TS 32.297 record header behind its length; empty for none.
        room: int64[kinds, 2], most octets of a record and of each of its containers.
        out: uint8[], filled from its end.
        starts: int64[n], out: where each record's first octet (behind its header) is in `out`.

    Returns:
        Where the data begin in `out`; NO_ROOM when `out` is too small.
    """
    here = out.shape[0]
    ends = np.empty(16, np.int64)
    for position in range(order.shape[0] - 1, -1, -1):
        row = order[position]
        which = kind[row]
        first = container_first[row]
        count = container_count[row]
        if here < room[which, 0] + count * room[which, 1]:
            return NO_ROOM
        end = here
        depth = 0
        element = count - 1
        pc = program_start[which]
        stop = program_start[which + 1]
        while pc < stop:
            code = program[pc, CODE]
            if code == LEAF:
                column = program[pc, COLUMN]
                if program[pc, INNER] == 0:
                    value = values[column, row]
                    offset = values[offset_column, row]
                else:
                    value = containers[column, first + element]
                    offset = containers[inner_offset_column, first + element]
                if value != MISSING:
                    behind = here
                    here = write_value(
                        program[pc, CODEC], program[pc, SIZE], value, offset,
                        dates, blob, texts, out, here,
                    )
                    if program[pc, TAG_SIZE] > 0:
                        here = write_head(
                            behind - here, program[pc, TAG], program[pc, TAG_SIZE], out, here
                        )
            elif code == LITERAL:
                start = program[pc, COLUMN]
                size = program[pc, SIZE]
                here -= size
                for i in range(size):
                    out[here + i] = blob[start + i]
            elif code == CLOSE:
                column = program[pc, COLUMN]
                if column >= 0 and values[column, row] == MISSING:
                    pc = program[pc, JUMP]
                else:
                    ends[depth] = here
                    depth += 1
            elif code == OPEN:
                depth -= 1
                here = write_head(
                    ends[depth] - here, program[pc, TAG], program[pc, TAG_SIZE], out, here
                )
            elif code == REPEAT_END:
                if count == 0:
                    pc = program[pc, JUMP]
            elif element > 0:
                element -= 1
                pc = program[pc, JUMP]
            pc += 1
        starts[position] = here
        if record_head.shape[0] > 0:
            length = end - here
            for i in range(record_head.shape[0] - 1, -1, -1):
                here -= 1
                out[here] = record_head[i]
            here = write_big_endian(length, 2, out, here)
    return here
