"""Codecs of roaming files: digits with the high nibble first, ASCII digits, times and offsets.

The same conventions as `mediation.kernels.codecs`, but out of line: formats that do not use them
pay nothing. Sources: GSMA TD.57 (TAP) and TD.35 (NRTRDE), where all text is ASCII in octet strings.
Twins: `mediation.reference.ber_codecs`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.codecs import (
    e164,
    entry,
    international,
    leading_zeros,
    octet,
    signed_value,
)
from mediation.kernels.ops import (
    ASCII_DIALLED,
    ASCII_DIGITS,
    ASCII_ENTERED,
    BCD,
    BCD_IMEI,
    BCD_NUMBER,
    DECIMAL,
    DIGEST,
    FIRST,
    INVALID_DIGITS,
    INVALID_INTEGER,
    INVALID_TIMESTAMP,
    INVALID_UTC_OFFSET,
    KEY,
    LARGEST_AMOUNT,
    LOCAL_TIME,
    NEGATIVE_AMOUNT,
    OK,
    SEVERAL,
    SUM,
    UTC_OFFSET,
    VALUE_OUT_OF_RANGE,
)
from mediation.kernels.texts import (
    DIALLED_KIND,
    decimal_value,
    digest_value,
    digit_run,
    key_value,
)
from mediation.kernels.words import (
    SIXTEEN,
    THIRTY_TWO,
    above_nine,
    all_digits,
    ascii_pairs,
    bcd_value,
    load_big,
)

MISSING = -(2**63)
SECOND_US = 1_000_000
ZERO, NINE, PLUS, MINUS = 0x30, 0x39, 0x2B, 0x2D
MAX_DIGITS = 18
FORTY_EIGHT, TWENTY, LOWEST = np.uint64(48), np.uint64(20), np.uint64(0xFFFF)
PLAIN_CODECS = (KEY, DECIMAL, DIGEST, BCD, BCD_IMEI, ASCII_DIGITS)
AS_TEXT = -(2**62)
"""As the second value of a number: it is none, keep its octets as text."""


@kernel
def bcd_digits(data, pos, end):
    """Returns (value, count) of BCD digits, high nibble first; count is -1 if they are not 0 to 18.

    A filler nibble F ends the digits; what stands behind it must be filler.
    """
    size = end - pos
    if 0 < size <= 8 and pos + 8 <= data.shape[0]:
        count = size * 2 - np.int64(octet(data, end - 1) & 15 == 15)
        word = load_big(data, pos) >> np.uint64(64 - count * 4)
        if above_nine(word) == 0:
            return bcd_value(word), count
    value = 0
    count = 0
    filler = False
    for index in range(pos, end):
        for shift in (4, 0):
            nibble = (octet(data, index) >> shift) & 15
            if nibble == 15:
                filler = True
            elif filler or nibble > 9 or count == MAX_DIGITS:
                return value, -1
            else:
                value = value * 10 + nibble
                count += 1
    return value, count


@kernel
def ascii_digits(data, pos, end):
    """Returns (value, count) of ASCII digits, a leading + apart; count is -1 if not 0 to 18."""
    if pos < end and octet(data, pos) == PLUS:
        pos += 1
    value, count = digit_run(data, pos, end, MAX_DIGITS)
    return value, count if count == end - pos else -1


@inlined
def hex_digit(octet_value):
    """Returns what an ASCII hexadecimal digit means, -1 if it is none."""
    if ZERO <= octet_value <= NINE:
        return octet_value - ZERO
    letter = octet_value | 0x20
    return letter - 0x57 if 0x61 <= letter <= 0x66 else -1


@kernel
def hex_octet(data, pos, end):
    """Returns the octet that two ASCII hexadecimal digits mean, -1 if they are none."""
    if end - pos != 2:
        return -1
    high = hex_digit(octet(data, pos))
    low = hex_digit(octet(data, pos + 1))
    return high * 16 + low if min(high, low) >= 0 else -1


@inlined
def two_digits(data, pos):
    """Returns the number that two ASCII digits mean, negative if they are none."""
    tens = octet(data, pos) - ZERO
    ones = octet(data, pos + 1) - ZERO
    if tens < 0 or tens > 9 or ones < 0 or ones > 9:
        return -1
    return tens * 10 + ones


@kernel
def local_time(data, pos, end, days):
    """Returns CCYYMMDDhhmmss as microseconds since 1970 on its own clock, `MISSING` if impossible.

    Years are 2000 to 2099. Hour 24 is midnight at the end of the day, as TD.57 allows.
    """
    if end - pos != 14:
        return MISSING
    first, second = load_big(data, pos), load_big(data, pos + 6)  # CCYYMMDD, DDhhmmss
    if not (all_digits(first) and all_digits(second)):
        return MISSING
    first, second = ascii_pairs(first), ascii_pairs(second)
    if first >> FORTY_EIGHT != TWENTY:
        return MISSING
    year = np.int64((first >> THIRTY_TWO) & LOWEST)
    month = np.int64((first >> SIXTEEN) & LOWEST)
    day = np.int64(first & LOWEST)
    hour = np.int64((second >> THIRTY_TWO) & LOWEST)
    minute = np.int64((second >> SIXTEEN) & LOWEST)
    seconds = np.int64(second & LOWEST)
    if month > 12 or day > 31 or hour > 24 or minute > 59 or seconds > 59:
        return MISSING
    number = entry(days, (year << 9) | (month << 5) | day)
    if number < 0 or (hour == 24 and minute + seconds > 0):
        return MISSING
    return (number * 86_400 + hour * 3600 + minute * 60 + seconds) * SECOND_US


@kernel
def offset_minutes(data, pos, end):
    """Returns the minutes that +hhmm or -hhmm means, `MISSING` if it is no offset."""
    if end - pos != 5:
        return MISSING
    sign = octet(data, pos)
    hours = two_digits(data, pos + 1)
    minutes = two_digits(data, pos + 3)
    if sign not in (PLUS, MINUS) or min(hours, minutes) < 0 or hours > 15 or minutes > 59:
        return MISSING
    return hours * 60 + minutes if sign == PLUS else -(hours * 60 + minutes)


@kernel
def ascii_value(codec, data, pos, end, days, settings, powers):
    """Returns (first, second, status) of one field; `MISSING` where it says nothing.

    Of a party's number that is none in E.164, the second is `AS_TEXT`.
    """
    if codec == LOCAL_TIME:
        value = local_time(data, pos, end, days)
        return value, MISSING, INVALID_TIMESTAMP if value == MISSING else OK
    if codec == UTC_OFFSET:
        value = offset_minutes(data, pos, end)
        return value, MISSING, INVALID_UTC_OFFSET if value == MISSING else OK
    if codec == BCD_NUMBER:
        value, count = bcd_digits(data, pos, end)
    else:
        value, count = ascii_digits(data, pos, end)
    if count == 0 or (codec == ASCII_DIALLED and count < 0):
        return MISSING, MISSING, OK
    if codec == ASCII_DIALLED:
        return value, leading_zeros(value, count, powers), OK
    number = np.int64(-1)
    if codec == ASCII_ENTERED and count > 0 and octet(data, pos) != PLUS:
        number = e164(value, count, DIALLED_KIND, settings, powers)
    elif count > 0:
        number = international(value, count, settings, powers)
    if number < 0:
        return MISSING, AS_TEXT, OK
    return number, MISSING, OK


@kernel
def plain_value(data, pos, end, codec, param, low, high):
    """Returns (status, value) of codecs that need nothing but the octets: see `PLAIN_CODECS`."""
    if codec in (BCD, BCD_IMEI, ASCII_DIGITS):
        if codec == ASCII_DIGITS:
            value, count = ascii_digits(data, pos, end)
        else:
            value, count = bcd_digits(data, pos, end)
        if codec == BCD_IMEI and count == 16:
            value //= 100
        return INVALID_DIGITS if count < 0 else OK, value if count > 0 else MISSING
    if codec == DECIMAL:
        value = decimal_value(data, pos, end, param)
    elif codec == DIGEST:
        value = digest_value(data, pos, end)
    else:
        value = key_value(data, pos, end)
    return OK if value == MISSING or low <= value <= high else VALUE_OUT_OF_RANGE, value


@kernel
def gather(codec, data, pos, end, before, refund, low, high):  # noqa: PLR0911 - one a reason
    """Returns (value, status) of a slot that said `before`, after one more integer.

    FIRST keeps what was there, SAME wants it again, SUM adds; `refund` makes it subtract.
    """
    if end <= pos or end - pos > 8:
        return before, INVALID_INTEGER
    value = signed_value(data, pos, end)
    if codec == SUM:
        if value < 0 or value >= LARGEST_AMOUNT:
            return before, NEGATIVE_AMOUNT if value < 0 else VALUE_OUT_OF_RANGE
        return (0 if before == MISSING else before) + (-value if refund else value), OK
    if value < low or value > high:
        return before, VALUE_OUT_OF_RANGE
    if before == MISSING:
        return value, OK
    if codec == FIRST or before == value:
        return before, OK
    return np.int64(SEVERAL), OK
