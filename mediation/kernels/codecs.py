"""Codecs: octets of one field to int64 values. Small, inlined by the compiler, no arrays out.

`data` is uint8[n]; `pos` and `end` are int64 positions that the walker has checked against the
buffer. Lookup tables come as arguments: `tbcd` and `bcd` int16[256], `days` int32[100 * 512],
`powers` int64[19]; see `mediation.kernels.tables`. Twins: `mediation.reference.ber_codecs`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.ops import (
    INTEGER,
    INVALID_INTEGER,
    INVALID_LENGTH,
    OK,
    PLAIN_FROM,
    PLAIN_FRONT,
    PLAIN_LONGEST,
    PLAIN_SHORTEST,
    PLAIN_WIDTH,
    PRE_DIGITS,
    PRE_INTERNATIONAL,
    PRE_LONGEST,
    PRE_NATIONAL,
    PRE_NETWORK,
    PRE_SHORT_CODE,
    PRE_SHORTER,
    PRE_SHORTEST,
    PRE_STRIP,
    PRE_WHAT,
    READ_INTERNATIONAL,
    READ_TEXT,
    READ_UNKNOWN,
    SET_COUNTRY,
    SET_COUNTRY_LENGTH,
    SET_E164_MAX,
    SET_E164_MIN,
    SET_LEADING_ZERO,
    SET_NATIONAL_MAX,
    SET_NATIONAL_MIN,
    SET_PLAIN,
    SET_READINGS,
    SET_SPANS,
    UNSIGNED,
    VALUE_OUT_OF_RANGE,
)
from mediation.kernels.words import (
    EIGHT,
    FOUR,
    LOW,
    SIXTEEN,
    TEN,
    THIRTY_TWO,
    above_nine,
    bcd_value,
    load_big,
    load_little,
    low_first,
)

MISSING = -(2**63)
SECOND_US = 1_000_000
NOT_SIGN = np.uint64(0xFF00FFFFFFFFFFFF)
BYTE = np.uint64(0xFF)
TWENTY_FOUR, FORTY = np.uint64(24), np.uint64(40)
FORTY_EIGHT, FIFTY_SIX = np.uint64(48), np.uint64(56)


@inlined
def octet(data, pos):
    """Returns `data[pos]` as int64; unsigned indexes spare the test for negative ones."""
    return np.int64(data[np.uint64(pos)])


@inlined
def entry(table, index):
    """Returns `table[index]` of an integer table as int64, index not negative."""
    return np.int64(table[np.uint64(index)])


@kernel
def octets_value(data, pos, end):
    """Returns octets as a big-endian number (int64), one by one; 8 octets may wrap to negative."""
    value = 0
    for index in range(pos, end):
        value = (value << 8) | octet(data, index)
    return value


@inlined
def signed_value(data, pos, end):
    """Returns a two's complement integer of 1 to 8 octets (int64)."""
    spare = 64 - (end - pos) * 8
    if pos + 8 <= data.shape[0]:
        return np.int64(load_big(data, pos)) >> spare
    return (octets_value(data, pos, end) << spare) >> spare


@inlined
def unsigned_value(data, pos, end):
    """Returns 1 to 8 octets as a big-endian number (int64); 8 octets may wrap to negative."""
    if pos + 8 <= data.shape[0]:
        return np.int64(load_big(data, pos) >> np.uint64(64 - (end - pos) * 8))
    return octets_value(data, pos, end)


@inlined
def whole_number(codec, data, pos, end, repair):
    """Returns (status, value int64, 1 if its leading zero octet was missing and is put right).

    `codec` is INTEGER (two's complement), UNSIGNED (a counter, zeros in front allowed) or OCTETS (an
    octet string as a number). With `repair` a negative integer is a counter that lost its zero octet.
    """
    length = end - pos
    skip = 0
    repaired = 0
    value = 0
    code = OK
    if length == 0 or (codec == INTEGER and length > 8):
        code = INVALID_INTEGER
    elif codec == INTEGER:
        value = signed_value(data, pos, end)
        if value < 0 and length < 8 and repair:
            value = unsigned_value(data, pos, end)
            repaired = 1
    else:
        while length - skip > 8 and octet(data, pos + skip) == 0:
            skip += 1
        if length - skip > 8:
            code = INVALID_INTEGER if codec == UNSIGNED else INVALID_LENGTH
        else:
            value = unsigned_value(data, pos + skip, end)
            if codec == UNSIGNED:
                repaired = octet(data, pos) >> 7
                if value < 0:
                    code = VALUE_OUT_OF_RANGE
    return code, value, repaired


@kernel
def digits_one_by_one(data, pos, end, tbcd):
    """Does what `digits_value` does for every length, filler and error."""
    value = 0
    count = 0
    for index in range(pos, end):
        two = entry(tbcd, octet(data, index))
        if two >= 0:
            value = value * 100 + two
            count += 2
            if count > 18:
                return value, -1
        else:
            if two == -1:  # one digit, then filler
                value = value * 10 + (octet(data, index) & 15)
                count += 1
            elif two != -2:  # neither digits nor filler
                return value, -1
            if count > 18:
                return value, -1
            for rest in range(index + 1, end):
                if octet(data, rest) != 255:
                    return value, -1
            return value, count
    return value, count


@inlined
def digits_value(data, pos, end, tbcd):
    """Returns (value, count) of a TBCD string, int64; count is -1 if it is not 0 to 18 digits.

    A filler nibble ends the digits; what stands behind it must be filler.
    """
    size = end - pos
    if 0 < size <= 8 and pos + 8 <= data.shape[0]:
        count = size * 2 - np.int64(octet(data, end - 1) >= 0xF0)
        word = low_first(load_big(data, pos)) >> np.uint64(64 - count * 4)
        if above_nine(word) == 0:
            return bcd_value(word), count
    return digits_one_by_one(data, pos, end, tbcd)


@inlined
def leading_zeros(value, count, powers):
    """Returns how many of `count` digits are zeros before `value` (int64); 0 is one digit."""
    zeros = 0
    while count - zeros > 1 and value < entry(powers, count - zeros - 1):
        zeros += 1
    return zeros


@inlined
def prefix_at(value, count, reading, settings, powers):
    """Returns the cell of the first prefix to try on `count` digits `value`, -1 none.

    The places of a reading are sorted and the first one is 0, so the search always ends at one.
    """
    place = settings[np.uint64(SET_SPANS + 2 * reading)]
    size = settings[np.uint64(SET_SPANS + 2 * reading + 1)]
    aligned = value * entry(powers, 18 - count)
    while size > 1:
        half = size >> 1
        if settings[np.uint64(place + 2 * half)] <= aligned:
            place += 2 * half
        size -= half
    return settings[np.uint64(place + 1)]


@inlined
def international(value, count, settings, powers):
    """Returns `value` if it is an E.164 number with country code, else -1."""
    if count > settings[SET_E164_MAX] or count < settings[SET_E164_MIN]:
        return -1
    return value if value >= entry(powers, count - 1) else -1


@inlined
def national(value, count, settings, powers):
    """Returns a national number with the country code before it, or -1 if it is none."""
    if count < settings[SET_NATIONAL_MIN] or count > settings[SET_NATIONAL_MAX]:
        return -1
    if value < entry(powers, count - 1) and settings[SET_LEADING_ZERO] == 0:
        return -1
    return settings[SET_COUNTRY] * entry(powers, count) + value


@inlined
def plain_number(value, count, reading, settings, powers):
    """Returns the E.164 number (int64) of digits without any prefix, or -1.

    Unknown ones that are too long for a national number may begin with the country code.
    """
    if reading == READ_INTERNATIONAL:
        return international(value, count, settings, powers)
    if reading == READ_UNKNOWN and count > settings[SET_NATIONAL_MAX]:
        rest = count - settings[SET_COUNTRY_LENGTH]
        if rest <= 0 or value // entry(powers, rest) != settings[SET_COUNTRY]:
            return -1
        return national(value % entry(powers, rest), rest, settings, powers)
    return national(value, count, settings, powers)


@inlined
def dialled_number(value, count, reading, prefix, settings, powers):
    """Returns the E.164 number (int64) of digits without network prefix, or -1.

    `prefix` is what `prefix_at` found; the longest international or trunk prefix decides alone.
    """
    while prefix >= 0:
        what = settings[np.uint64(prefix + PRE_WHAT)]
        if what <= PRE_NATIONAL and count >= settings[np.uint64(prefix + PRE_SHORTEST)]:
            rest = count - settings[np.uint64(prefix + PRE_STRIP)]
            behind = value - settings[np.uint64(prefix + PRE_DIGITS)] * entry(powers, rest)
            if what == PRE_INTERNATIONAL:
                return international(behind, rest, settings, powers)
            return national(behind, rest, settings, powers)
        prefix = settings[np.uint64(prefix + PRE_SHORTER)]
    return plain_number(value, count, reading, settings, powers)


@kernel
def prefixed_number(value, count, reading, settings, powers):
    """Returns the E.164 number (int64) of digits that may begin with a prefix, or -1."""
    if reading == READ_TEXT:
        return -1
    begin = prefix_at(value, count, reading, settings, powers)
    prefix = begin
    while prefix >= 0:
        what = settings[np.uint64(prefix + PRE_WHAT)]
        if (
            what >= PRE_NETWORK
            and count >= settings[np.uint64(prefix + PRE_SHORTEST)]
            and count <= settings[np.uint64(prefix + PRE_LONGEST)]
        ):
            if what == PRE_SHORT_CODE:
                return -1
            size = count - settings[np.uint64(prefix + PRE_STRIP)]
            rest = value % entry(powers, size)
            inner = prefix_at(rest, size, READ_UNKNOWN, settings, powers)
            number = dialled_number(rest, size, READ_UNKNOWN, inner, settings, powers)
            if number >= 0:
                return number
        prefix = settings[np.uint64(prefix + PRE_SHORTER)]
    return dialled_number(value, count, reading, begin, settings, powers)


@inlined
def e164(value, count, first, settings, powers):
    """Returns the E.164 number (int64) that `count` digits `value` mean, or -1.

    `first` is the octet with type of number (bits 7-5) and numbering plan (bits 4-1, TS 24.008
    10.5.4.7). Rules in the order they are tried: README.md, "Numbers".
    """
    reading = settings[np.uint64(SET_READINGS + (first & 0x7F))]
    plain = SET_PLAIN + reading * PLAIN_WIDTH
    if (
        value * entry(powers, 18 - count) >= settings[np.uint64(plain + PLAIN_FROM)]
        and count >= settings[np.uint64(plain + PLAIN_SHORTEST)]
        and count <= settings[np.uint64(plain + PLAIN_LONGEST)]
    ):
        return value + settings[np.uint64(plain + PLAIN_FRONT)] * entry(powers, count)
    return prefixed_number(value, count, reading, settings, powers)


@inlined
def timestamp(data, pos, bcd, days):
    """Returns (UTC microseconds, offset minutes) of a TimeStamp of 9 octets (TS 32.298 5.1.2).

    (MISSING, 0) if it is not BCD or no possible date and time. Years are 2000 to 2099.
    """
    word = load_little(data, pos)  # YY MM DD hh mm ss, sign, hh; the caller knows of 9 octets
    last = entry(bcd, octet(data, pos + 8))
    if above_nine(word & NOT_SIGN) != 0 or last < 0 or last > 59:
        return MISSING, 0
    parts = (word & LOW) + ((word >> FOUR) & LOW) * TEN
    year = np.int64(parts & BYTE)
    month = np.int64((parts >> EIGHT) & BYTE)
    day = np.int64((parts >> SIXTEEN) & BYTE)
    hour = np.int64((parts >> TWENTY_FOUR) & BYTE)
    minute = np.int64((parts >> THIRTY_TWO) & BYTE)
    second = np.int64((parts >> FORTY) & BYTE)
    sign = np.int64((word >> FORTY_EIGHT) & BYTE)
    off_hour = np.int64(parts >> FIFTY_SIX)
    if month > 12 or day > 31 or hour > 23 or minute > 59 or second > 59:
        return MISSING, 0
    if off_hour > 15 or sign not in (0x2B, 0x2D):
        return MISSING, 0
    number = entry(days, (year << 9) | (month << 5) | day)
    if number < 0:
        return MISSING, 0
    offset = off_hour * 60 + last
    if sign == 0x2D:
        offset = -offset
    seconds = number * 86_400 + hour * 3600 + (minute - offset) * 60 + second
    return seconds * SECOND_US, offset


@inlined
def network_status(data, pos, end):
    """Returns 0 if octets are a PLMN identifier, 1 if they are filler (absent), 2 if neither."""
    if end - pos != 3:
        return 2
    first = octet(data, pos)
    second = octet(data, pos + 1)
    third = octet(data, pos + 2)
    if first == 255 and second == 255 and third == 255:
        return 1
    if (first & 15) > 9 or (first >> 4) > 9 or (second & 15) > 9:
        return 2
    if (third & 15) > 9 or (third >> 4) > 9 or ((second >> 4) > 9 and (second >> 4) != 15):
        return 2
    return 0


@inlined
def user_location(data, pos, end):
    """Returns (area, cell) of GTP user location information, `MISSING` where it does not say.

    GTPv2 (TS 29.274 8.21): a flag octet, then CGI, SAI, RAI (7 octets), TAI (5), ECGI (7), LAI (5)
    in this order; tracking area and E-UTRAN cell win over the older ones. GTPv1 type 0 (29.060)
    reads as a CGI. What is cut short is not read.
    """
    area = MISSING
    cell = MISSING
    if pos >= end:
        return area, cell
    flags = octet(data, pos)
    pos += 1
    if flags == 0:
        flags = 1
    for bit in range(6):
        if (flags >> bit) & 1 == 0:
            continue
        size = 5 if bit in (3, 5) else 7
        if pos + size > end:
            break
        code = (octet(data, pos + 3) << 8) | octet(data, pos + 4)
        if bit in (0, 1):
            area = code
            cell = (octet(data, pos + 5) << 8) | octet(data, pos + 6)
        elif bit == 4:
            cell = (code << 16) | (octet(data, pos + 5) << 8) | octet(data, pos + 6)
            cell &= 0xFFFFFFF
        elif bit == 3 or area == MISSING:
            area = code
        pos += size
    return area, cell
