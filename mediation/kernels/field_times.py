"""Dates and times of flat formats: texts that follow a pattern, in ASCII, to a clock's cells.

`buf` is uint8[n], the file or the scratch that a binary field was expanded to; `pos` and `end` are
int64 positions that the caller has checked. Twins: `mediation.reference.flat`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.codecs import entry
from mediation.kernels.field_codecs import char
from mediation.kernels.flat_ops import (
    CENTURY,
    CLK_DAY,
    CLK_HALF,
    CLK_HOUR,
    CLK_MICRO,
    CLK_MINUTE,
    CLK_MONTH,
    CLK_OFFSET,
    CLK_SECOND,
    CLK_YEAR,
    CLOCK_CELLS,
    DAY_1,
    FRACTION,
    HALF_DAY,
    HOUR_1,
    MONTH,
    MONTH_1,
    MONTH_NAME,
    SECOND,
    YEAR,
    YEAR_2,
    ZONE,
)

MISSING = -(2**63)
ZERO = 0x30
PLUS, MINUS, COLON, UPPER_Z = 0x2B, 0x2D, 0x3A, 0x5A
MONTHS = b"janfebmaraprmayjunjulaugsepoctnovdec"
FIRST_YEAR = 2000
NO_OFFSET = 1 << 20
SECOND_US = 1_000_000
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def two(buf, pos, end):
    """Returns two digits as a number, -1 if they are none."""
    if pos + 2 > end:
        return np.int64(-1)
    high = char(buf, pos) - ZERO
    low = char(buf, pos + 1) - ZERO
    if high < 0 or high > 9 or low < 0 or low > 9:
        return np.int64(-1)
    return high * 10 + low


@inlined
def one_or_two(buf, pos, end):
    """Returns (number, octets) of one or two digits; (-1, 1) if there is none."""
    number = two(buf, pos, end)
    if number >= 0:
        return number, 2
    if pos < end and 0 <= char(buf, pos) - ZERO <= 9:
        return char(buf, pos) - ZERO, 1
    return np.int64(-1), 1


@kernel
def zone_offset(buf, pos, end):
    """Returns (minutes, octets) of ``Z``, ``+hh``, ``+hhmm`` or ``+hh:mm``; octets 0 if none."""
    if pos < end and char(buf, pos) == UPPER_Z:
        return np.int64(0), 1
    if pos >= end or char(buf, pos) not in (PLUS, MINUS):
        return np.int64(0), 0
    hours = two(buf, pos + 1, end)
    if hours < 0 or hours > 15:
        return np.int64(0), 0
    octets = 3
    at = pos + 3
    if at < end and char(buf, at) == COLON:
        at += 1
    minutes = two(buf, at, end)
    if minutes > 59 or (minutes < 0 and at > pos + 3):
        return np.int64(0), 0
    if minutes >= 0:
        octets = at + 2 - pos
    total = hours * 60 + max(minutes, 0)
    return -total if char(buf, pos) == MINUS else total, octets


@inlined
def month_number(buf, pos, end):
    """Returns the month 1 to 12 that three English letters name, -1 if they name none."""
    if pos + 3 > end:
        return np.int64(-1)
    for month in range(12):
        same = True
        for index in range(3):
            if (char(buf, pos + index) | 0x20) != MONTHS[month * 3 + index]:
                same = False
        if same:
            return np.int64(month + 1)
    return np.int64(-1)


@kernel
def match_pattern(buf, pos, end, patterns, token, clock):  # noqa: PLR0911 - one per mistake
    """Reads one piece of a time into the int64 cells of `clock`; returns whether it fits.

    `patterns` is int16[...]; `token` is where the tokens of this piece begin, 0 ends them.
    """
    while True:
        wanted = np.int64(patterns[ix(token)])
        if wanted == 0:
            return pos == end
        number = np.int64(0)
        if wanted >= 32:
            if pos >= end or char(buf, pos) != wanted:
                return False
            pos += 1
        elif MONTH <= wanted <= SECOND:
            number = two(buf, pos, end)
            clock[ix(wanted - MONTH + CLK_MONTH)] = number
            pos += 2
        elif wanted == YEAR:
            number = two(buf, pos, end)
            low = two(buf, pos + 2, end)
            clock[CLK_YEAR] = number * 100 + low
            if low < 0:
                return False
            pos += 4
        elif wanted in (MONTH_1, DAY_1, HOUR_1):
            number, octets = one_or_two(buf, pos, end)
            cell = CLK_MONTH if wanted == MONTH_1 else (CLK_DAY if wanted == DAY_1 else CLK_HOUR)
            clock[ix(cell)] = number
            pos += octets
        elif wanted == FRACTION:
            number, octets = np.int64(0), 0
            while pos < end and 0 <= char(buf, pos) - ZERO <= 9:
                if octets < 6:
                    number = number * 10 + char(buf, pos) - ZERO
                octets += 1
                pos += 1
            if octets == 0:
                return False
            for _ in range(octets, 6):
                number *= 10
            clock[CLK_MICRO] = number
        elif wanted == ZONE:
            offset, octets = zone_offset(buf, pos, end)
            if octets == 0:
                return False
            clock[CLK_OFFSET] = offset
            pos += octets
        elif wanted == MONTH_NAME:
            number = month_number(buf, pos, end)
            clock[CLK_MONTH] = number
            pos += 3
        elif wanted == HALF_DAY:
            if pos + 2 > end or (char(buf, pos + 1) | 0x20) != 0x6D:
                return False
            letter = char(buf, pos) | 0x20
            if letter not in (0x61, 0x70):
                return False
            clock[CLK_HALF] = 1 if letter == 0x61 else 2
            pos += 2
        else:
            number = two(buf, pos, end)
            pos += 2
            if wanted == YEAR_2:
                clock[CLK_YEAR] += number
            elif wanted == CENTURY:
                clock[CLK_YEAR] += number * 100 - FIRST_YEAR
        if number < 0:
            return False
        token += 1


@inlined
def start_clock(clock):
    """Empties the cells of a clock; a year of two digits counts from 2000."""
    for cell in range(CLOCK_CELLS):
        clock[ix(cell)] = 0
    clock[CLK_YEAR] = FIRST_YEAR
    clock[CLK_OFFSET] = NO_OFFSET


@inlined
def local_seconds(clock, days):
    """Returns the seconds since 1970 that a clock shows, MISSING if it is no possible time.

    `days` is int32[100 * 512] of `mediation.kernels.tables`: years 2000 to 2099.
    """
    year = clock[CLK_YEAR] - FIRST_YEAR
    month, day, hour = clock[CLK_MONTH], clock[CLK_DAY], clock[CLK_HOUR]
    if clock[CLK_HALF] > 0:
        if hour < 1 or hour > 12:
            return np.int64(MISSING)
        hour = hour % 12 + (12 if clock[CLK_HALF] == 2 else 0)
    if year < 0 or year > 99 or month > 12 or day > 31 or hour > 23:
        return np.int64(MISSING)
    if clock[CLK_MINUTE] > 59 or clock[CLK_SECOND] > 59:
        return np.int64(MISSING)
    number = entry(days, (year << 9) | (month << 5) | day)
    if number < 0:
        return np.int64(MISSING)
    return number * 86_400 + hour * 3600 + clock[CLK_MINUTE] * 60 + clock[CLK_SECOND]
