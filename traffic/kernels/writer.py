"""The fast BER writer: runs a program over event columns, from the last octet to the first.

Writing backwards makes every length known before it is written, so that all lengths have the
shortest definite form, as asn1tools writes them. `traffic.encode` is the slow twin.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit

LITERAL, LEAF, OPEN, CLOSE, REPEAT_BEGIN, REPEAT_END = range(6)
"""Operations; a program holds them in the order in which they run, the last field first."""

CODE, INNER, COLUMN, CODEC, SIZE, HEAD, HEAD_SIZE, JUMP = range(8)
"""Columns of a program. LITERAL: COLUMN and SIZE are start and length in the blob. HEAD: tag octets
as a big-endian number, followed by the length octet where the contents have a fixed size."""

INTEGER, OCTETS, DIGITS, NUMBER, TIME, TEXT, BITS = range(1, 8)
"""Codecs, the numbers of `traffic.layout.Codec`."""

MISSING = -(2**63)
NO_ROOM = -1


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def write_digits(value, count, out, here):
    """Writes `count` digits as TBCD, low nibble first, in front of `here`; returns the new front."""
    if count % 2 == 1:
        rest = value // 10
        here -= 1
        out[here] = 0xF0 | (value - rest * 10)
        value = rest
    for _ in range(count // 2):
        rest = value // 100
        pair = value - rest * 100
        value = rest
        tens = pair // 10
        here -= 1
        out[here] = (pair - tens * 10) << 4 | tens
    return here


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def write_big_endian(value, size, out, here):
    """Writes the low `size` octets of a number in front of `here`; returns the new front."""
    for _ in range(size):
        here -= 1
        out[here] = value & 255
        value >>= 8
    return here


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def write_time(seconds, offset, dates, out, here):
    """Writes a TimeStamp of nine octets in front of `here`; returns the new front.

    `dates` holds three BCD octets for each day from 1970-01-01 on; a day outside of it gives the
    nearest end.
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
    day = min(max(day, 0), dates.shape[0] - 1)
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


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def write_length(length, out, here):
    """Writes the shortest definite length in front of `here`; returns the new front."""
    here -= 1
    if length < 128:
        out[here] = length
        return here
    size = 0
    while length > 0:
        out[here] = length & 255
        length >>= 8
        here -= 1
        size += 1
    out[here] = 128 | size
    return here


@njit(nogil=True, cache=True, error_model="numpy")
def write_records(
    kind, values, containers, container_first, container_count,
    program, program_start, blob, texts, dates,
    offset_column, inner_offset_column, record_head, room, out, starts,
):  # fmt: skip
    """Writes records so that the last one ends at the end of `out`.

    Args:
        kind: int8[rows], which program a row runs.
        values: int64[columns, rows].
        containers: int64[container columns, m].
        container_first: int64[rows].
        container_count: int64[rows].
        program: int64[operations, 8].
        program_start: int64[kinds + 1].
        blob: uint8[], literals and texts.
        texts: int64[], where each text begins in `blob`, and where the last ends.
        dates: uint8[days, 3], BCD dates from 1970-01-01 on.
        offset_column: Row column with the minutes of the clock.
        inner_offset_column: The same of a container.
        record_head: uint8[], octets of a TS 32.297 record header behind its length; empty for none.
        room: int64[kinds, 2], most octets of a record and of each of its containers.
        out: uint8[], filled from its end.
        starts: int64[rows], out: where each record's first octet (behind its header) is in `out`.

    Returns:
        Where the data begin in `out`; NO_ROOM when `out` is too small.
    """
    here = out.shape[0]
    ends = np.empty(16, np.int64)
    for row in range(kind.shape[0] - 1, -1, -1):
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
                else:
                    value = containers[column, first + element]
                if value != MISSING:
                    codec = program[pc, CODEC]
                    behind = here
                    if codec == TIME:
                        if program[pc, INNER] == 0:
                            offset = values[offset_column, row]
                        else:
                            offset = containers[inner_offset_column, first + element]
                        here = write_time(value, offset, dates, out, here)
                    elif codec == NUMBER:
                        here = write_digits(value >> 12, value >> 8 & 15, out, here) - 2
                        out[here + 1] = value & 255
                        out[here] = behind - here - 1
                    elif codec == DIGITS:
                        here = write_digits(value, 15, out, here)
                    elif codec == OCTETS:
                        here = write_big_endian(value, program[pc, SIZE], out, here)
                    elif codec == INTEGER:
                        # A last round shifts in the octet that carries the sign.
                        more = True
                        while more:
                            here -= 1
                            out[here] = value & 255
                            more = value > 127 or value < -128
                            value >>= 8
                        here -= 1
                        out[here] = behind - here - 1
                    elif codec == BITS:
                        here = write_big_endian(value, 4, out, here) - 1
                        out[here] = 0
                    else:
                        start = texts[value]
                        size = texts[value + 1] - start
                        here -= size
                        for i in range(size):
                            out[here + i] = blob[start + i]
                        here -= 1
                        out[here] = size
                    here = write_big_endian(program[pc, HEAD], program[pc, HEAD_SIZE], out, here)
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
                here = write_length(ends[depth] - here, out, here)
                here = write_big_endian(program[pc, HEAD], program[pc, HEAD_SIZE], out, here)
            elif code == REPEAT_END:
                if count == 0:
                    pc = program[pc, JUMP]
            elif element > 0:
                element -= 1
                pc = program[pc, JUMP]
            pc += 1
        starts[row] = here
        if record_head.shape[0] > 0:
            length = end - here
            for i in range(record_head.shape[0] - 1, -1, -1):
                here -= 1
                out[here] = record_head[i]
            here = write_big_endian(length, 2, out, here)
    return here
