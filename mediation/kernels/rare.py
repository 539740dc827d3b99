"""Codecs that few formats use, kept out of the walk so that it stays small.

Twins: `mediation.reference.ber_codecs`.
"""

from __future__ import annotations

from compiled.jit import inlined, kernel
from mediation.kernels.access import access_location
from mediation.kernels.codecs import MISSING, SECOND_US, entry, octet, signed_value, unsigned_value
from mediation.kernels.ops import (
    ACCESS,
    ACT_CODEC,
    ACT_EXTRA,
    ACT_PARAM,
    CLOCK,
    ELAPSED,
    INVALID_DURATION,
    INVALID_INTEGER,
    INVALID_TIMESTAMP,
    LAYOUT_ABSENT,
    LAYOUT_BINARY,
    LAYOUT_DATE,
    LAYOUT_ELAPSED,
    OK,
    SECONDS,
    SET_REPAIR_INTEGERS,
    VALUE_OUT_OF_RANGE,
)

MAX_DURATION = 2**40  # more than any duration in any unit; times an hour it stays an int64


@kernel
def rare_value(data, pos, end, actions, base, settings, lookups, bcd, days):
    """Decodes the octets `pos` to `end` of one field.

    Args:
        data: uint8[n], the file; the walker has checked `pos` and `end`.
        pos: First octet.
        end: One behind the last octet.
        actions: Of the plan.
        base: Where the field's action begins in `actions`.
        settings: int64[...], a number plan, see `NormalizationSettings.array`.
        lookups: Of the plan.
        bcd: int16[256] of `mediation.kernels.tables`, as `days`.
        days: int32[51200].

    Returns:
        (status, value, second value, integers repaired), int64.
    """
    codec = actions[base + ACT_CODEC]
    param = actions[base + ACT_PARAM]
    if codec in (CLOCK, ELAPSED):
        return layout_codec(data, pos, end, codec, param, lookups, bcd, days)
    if codec == SECONDS:
        repair = settings[SET_REPAIR_INTEGERS]
        return seconds_codec(data, pos, end, param, actions[base + ACT_EXTRA], repair)
    if codec == ACCESS:
        area, cell = access_location(data, pos, end)
        return OK, area, cell, 0
    return cgi_codec(data, pos, end)


@kernel
def cgi_codec(data, pos, end):
    """Reads PLMN, area and cell (TS 24.008 10.5.1.1) as far as there are octets."""
    area = MISSING
    cell = MISSING
    if end - pos >= 5:
        area = unsigned_value(data, pos + 3, pos + 5)
    if end - pos >= 7:
        cell = unsigned_value(data, pos + 5, pos + 7)
    return OK, area, cell, 0


@inlined
def layout_part(data, pos, layout, part, bcd):
    """Returns the number in one part of a date or time, 0 where the layout has none, -1 if bad."""
    place = (layout >> (part * 4)) & 15
    if place == LAYOUT_ABSENT:
        return 0
    number = octet(data, pos + place)
    return number if layout & LAYOUT_BINARY else entry(bcd, number)


@inlined
def layout_value(data, pos, layout, bcd, days):  # noqa: PLR0911 - one way out per impossible part
    """Returns what octets mean by a layout of `mediation.kernels.ops`, `MISSING` if impossible.

    A date, a time of day, or both: microseconds since 1970 by the clock on the wall (of a time of
    day alone: since midnight). An elapsed time: seconds. Years are 2000 to 2099.
    """
    hour = layout_part(data, pos, layout, 4, bcd)
    minute = layout_part(data, pos, layout, 5, bcd)
    second = layout_part(data, pos, layout, 6, bcd)
    if hour < 0 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return MISSING
    seconds = hour * 3600 + minute * 60 + second
    if layout & LAYOUT_ELAPSED:
        return seconds
    if hour > 23:
        return MISSING
    if layout & LAYOUT_DATE == 0:
        return seconds * SECOND_US
    century = layout_part(data, pos, layout, 0, bcd)
    year = layout_part(data, pos, layout, 1, bcd)
    month = layout_part(data, pos, layout, 2, bcd)
    day = layout_part(data, pos, layout, 3, bcd)
    if layout & 15 != LAYOUT_ABSENT and century != 20:
        return MISSING
    if year < 0 or year > 99 or month < 0 or month > 12 or day < 0 or day > 31:
        return MISSING
    number = entry(days, (year << 9) | (month << 5) | day)
    if number < 0:
        return MISSING
    return (number * 86_400 + seconds) * SECOND_US


@inlined
def layout_codec(data, pos, end, codec, parameter, lookups, bcd, days):
    """Reads a date, time or duration by the layout that its number of octets has."""
    value = MISSING
    if end - pos < 256:
        layout = lookups[(parameter << 8) + end - pos]
        if layout != MISSING:
            value = layout_value(data, pos, layout, bcd, days)
    if value == MISSING:
        return INVALID_TIMESTAMP if codec == CLOCK else INVALID_DURATION, MISSING, MISSING, 0
    return OK, value, MISSING, 0


@kernel
def seconds_codec(data, pos, end, unit, rounds_from, repair):
    """Reads a duration: `unit` to a second, or of -`unit` seconds each."""
    if end == pos or end - pos > 8:
        return INVALID_INTEGER, MISSING, MISSING, 0
    value = signed_value(data, pos, end)
    repaired = 0
    if value < 0 and repair and end - pos < 8:
        value = unsigned_value(data, pos, end)
        repaired = 1
    if value < 0 or value > MAX_DURATION:
        return VALUE_OUT_OF_RANGE, MISSING, MISSING, 0
    if unit < 0:
        return OK, value * -unit, MISSING, repaired
    more = 1 if value % unit >= rounds_from else 0
    return OK, value // unit + more, MISSING, repaired
