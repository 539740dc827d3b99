"""Codecs of flat formats: what stands in a field to int64 values, all in ASCII.

`buf` is uint8[n], the file or the scratch that a binary field was expanded to; `pos` and `end` are
int64 positions that the caller has checked. Twins: `mediation.reference.flat`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.codecs import digits_value, entry
from mediation.kernels.flat_ops import (
    ASCII,
    BCD,
    BCD_LITTLE,
    DECIMAL_NUMBER,
    DIALLED,
    EXACT,
    HEX,
    HEX_NUMBER,
    SIGNED_BIG,
    SIGNED_LITTLE,
    TBCD,
    UNSIGNED_BIG,
    UNSIGNED_LITTLE,
    UP,
    UTF8,
)
from mediation.kernels.flat_ops import NEAREST as TO_NEAREST
from mediation.kernels.words import (
    BYTES,
    EIGHT,
    FOUR,
    HALF,
    HUNDRED,
    MYRIAD,
    SIXTEEN,
    TEN,
    THIRTY_TWO,
    above_nine,
    bcd_value,
    load_big,
    load_little,
)
from mediation.kernels.words import PAIRS as WORD_PAIRS

MISSING = -(2**63)
MOST = 2**63 - 1
ZERO = 0x30
LETTER_F = 0x66
PLUS, MINUS, COLON, UPPER_Z = 0x2B, 0x2D, 0x3A, 0x5A
POWERS_OF_TEN = tuple(10**exponent for exponent in range(19))
FIFTEEN = np.uint64(15)
ENOUGH = 10**18
ZEROS = np.uint64(0x3030303030303030)
SIXES = np.uint64(0x0606060606060606)
HIGH_NIBBLES = np.uint64(0xF0F0F0F0F0F0F0F0)
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def char(buf, pos):
    """Returns `buf[pos]` as int64."""
    return np.int64(buf[ix(pos)])


@inlined
def up_to_eight(buf, pos, count):
    """Returns the number that `count` octets (1 to 8) mean, -1 if one of them is no digit.

    Eight octets from `pos` on must be there to be loaded.
    """
    spare = np.uint64(64 - 8 * count)
    word = (load_big(buf, pos) >> spare) ^ (ZEROS >> spare)
    if ((word | (word + SIXES)) & HIGH_NIBBLES) != np.uint64(0):
        return np.int64(-1)
    twos = ((word >> EIGHT) & BYTES) * TEN + (word & BYTES)
    fours = ((twos >> SIXTEEN) & WORD_PAIRS) * HUNDRED + (twos & WORD_PAIRS)
    return np.int64((fours >> THIRTY_TWO) * MYRIAD + (fours & HALF))


@inlined
def digits(buf, pos, end):
    """Returns (value, count) of decimal digits; count is -1 if it is not 0 to 18 digits."""
    count = end - pos
    if 0 < count <= 16 and pos + 16 <= buf.shape[0]:
        value = up_to_eight(buf, pos, min(count, 8))
        if count > 8 and value >= 0:
            low = up_to_eight(buf, pos + 8, count - 8)
            value = value * POWERS_OF_TEN[count - 8] + low if low >= 0 else np.int64(-1)
        return value, (count if value >= 0 else np.int64(-1))
    return digits_one_by_one(buf, pos, end)


@kernel
def digits_one_by_one(buf, pos, end):
    """Does what `digits` does for every length and place."""
    if end - pos > 18:
        return np.int64(0), np.int64(-1)
    value = np.int64(0)
    for index in range(pos, end):
        digit = char(buf, index) - ZERO
        if digit < 0 or digit > 9:
            return np.int64(0), np.int64(-1)
        value = value * 10 + digit
    return value, np.int64(end - pos)


@kernel
def decimal_number(buf, pos, end, decimal, thousands):  # noqa: PLR0911 - one way out per mistake
    """Returns (value, scale) of a decimal number: value / 10^scale; scale is -1 if it is none.

    Up to 18 digits, up to 9 of them behind the mark once zeros at the end are dropped.
    """
    if 0 < end - pos <= 8 and pos + 8 <= buf.shape[0]:
        plain = up_to_eight(buf, pos, end - pos)
        if plain >= 0:
            return plain, np.int64(0)
    negative = False
    if pos < end and char(buf, pos) in (PLUS, MINUS):
        negative = char(buf, pos) == MINUS
        pos += 1
    value = np.int64(0)
    count = 0
    group = -1
    while pos < end:
        octet = char(buf, pos)
        digit = octet - ZERO
        if 0 <= digit <= 9:
            value = value * 10 + digit
            count += 1
            if count > 18:
                return np.int64(0), np.int64(-1)
            if group >= 0:
                group += 1
        elif octet == decimal:
            break
        elif octet == thousands and count > 0 and (group == 3 or (group < 0 and count <= 3)):
            group = 0
        else:
            return np.int64(0), np.int64(-1)
        pos += 1
    if group >= 0 and group != 3:
        return np.int64(0), np.int64(-1)
    scale = np.int64(0)
    if pos < end:
        pos += 1
        while end > pos + 1 and char(buf, end - 1) == ZERO:
            end -= 1
        if count + end - pos > 18 or end - pos > 9:
            return np.int64(0), np.int64(-1)
        fraction, found = digits(buf, pos, end)
        if found < 0:
            return np.int64(0), np.int64(-1)
        for _ in range(found):
            value *= 10
        value += fraction
        scale = found
        count += found
    if count == 0:
        return np.int64(0), np.int64(-1)
    return -value if negative else value, scale


@inlined
def scaled(value, scale, multiple, divisor, rounding, powers):
    """Returns value / 10^scale * multiple / divisor, rounded; MISSING if it cannot be.

    MOST means that it is too large, MISSING that EXACT was asked for and there is a rest. Half
    goes away from zero.
    """
    if scale == 0 and multiple == 1 and divisor == 1:
        return value
    negative = value < 0
    value = abs(value)
    if value > MOST // multiple:
        return np.int64(MOST)
    value *= multiple
    divisor *= entry(powers, scale)
    whole = value // divisor
    rest = value - whole * divisor
    if rest != 0:
        if rounding == EXACT:
            return np.int64(MISSING)
        away = rounding == UP and not negative
        if rounding == TO_NEAREST:
            away = rest * 2 >= divisor
        elif rounding != UP:
            away = negative
        if away:
            whole += 1
    return -whole if negative else whole


@inlined
def hex_number(buf, pos, end):
    """Returns up to 15 hexadecimal digits as a number, -1 if it is none."""
    if end - pos > 15 or end == pos:
        return np.int64(-1)
    value = np.int64(0)
    for index in range(pos, end):
        octet = char(buf, index)
        if ZERO <= octet <= ZERO + 9:
            digit = octet - ZERO
        elif 0x41 <= (octet & 0xDF) <= 0x46:
            digit = (octet & 0xDF) - 0x37
        else:
            return np.int64(-1)
        value = (value << 4) | digit
    return value


@inlined
def is_network(buf, pos, end):
    """Returns whether a field is MCC and MNC: 3 digits, perhaps a dash, 2 or 3 digits."""
    if end - pos > 3 and char(buf, pos + 3) == MINUS:
        _, back = digits(buf, pos + 4, end)
        _, front = digits(buf, pos, pos + 3)
        return front == 3 and back in (2, 3)
    _, count = digits(buf, pos, end)
    return count in (5, 6)


@kernel
def is_text(buf, pos, end, charset):
    """Returns whether octets are text: no control characters but line ends, and in `charset`.

    UTF-8 by its table of well-formed sequences (The Unicode Standard, table 3-7).
    """
    while pos < end:
        octet = char(buf, pos)
        if octet < 0x20:
            if octet not in (9, 10, 13):
                return False
            pos += 1
        elif octet < 0x7F:
            pos += 1
        elif octet == 0x7F or charset == ASCII:
            return False
        elif charset == UTF8:
            more = 0
            low, high = 0x80, 0xBF
            if 0xC2 <= octet <= 0xDF:
                more = 1
            elif 0xE0 <= octet <= 0xEF:
                more = 2
                if octet == 0xE0:
                    low = 0xA0
                elif octet == 0xED:
                    high = 0x9F
            elif 0xF0 <= octet <= 0xF4:
                more = 3
                if octet == 0xF0:
                    low = 0x90
                elif octet == 0xF4:
                    high = 0x8F
            if more == 0 or pos + more >= end:
                return False
            for step in range(1, more + 1):
                following = char(buf, pos + step)
                if following < low or following > high:
                    return False
                low, high = 0x80, 0xBF
            pos += more + 1
        else:
            pos += 1
    return True


@inlined
def last_at_or_below(steps, value):
    """Returns the index of the last of ascending int64 `steps` that is not above `value`."""
    low, high = 0, steps.shape[0]
    while high - low > 1:
        middle = (low + high) >> 1
        if steps[ix(middle)] <= value:
            low = middle
        else:
            high = middle
    return low


@inlined
def is_blank(data, pos, end, form):
    """Returns whether a field of digits is nothing but filler."""
    if form > BCD_LITTLE:
        return False
    while pos < end and char(data, pos) == 0xFF:
        pos += 1
    return pos == end


@inlined
def form_number(data, pos, end, form, codec, tbcd):  # noqa: PLR0911 - one way out per form
    """Returns (value, digits) of a binary field without writing it down; digits -1 if it cannot.

    What is no plain number is then read the long way, by `expand`.
    """
    octets = end - pos
    if codec > DIALLED and codec != HEX_NUMBER:
        return np.int64(0), np.int64(-1)
    if form == TBCD and codec != HEX_NUMBER:
        return digits_value(data, pos, end, tbcd)
    if octets > 8 or pos + 8 > data.shape[0]:
        return np.int64(0), np.int64(-1)
    spare = np.uint64(64 - octets * 8)
    if form in (BCD, BCD_LITTLE) and codec != HEX_NUMBER:
        count = octets * 2
        if form == BCD_LITTLE:
            word = (load_little(data, pos) << spare) >> spare
        else:
            word = load_big(data, pos) >> spare
            while count > 0 and word & FIFTEEN == FIFTEEN:
                word >>= FOUR
                count -= 1
        if above_nine(word) != np.uint64(0):
            return np.int64(0), np.int64(-1)
        value = bcd_value(word)
        return value, (count if count <= 18 and value < ENOUGH else np.int64(-1))
    if form == HEX and codec == HEX_NUMBER and octets < 8:
        return np.int64(load_big(data, pos) >> spare), octets * 2
    if codec == DECIMAL_NUMBER and form in (UNSIGNED_BIG, UNSIGNED_LITTLE) and octets < 8:
        if form == UNSIGNED_BIG:
            return np.int64(load_big(data, pos) >> spare), np.int64(1)
        return np.int64((load_little(data, pos) << spare) >> spare), np.int64(1)
    return np.int64(0), np.int64(-1)


@kernel
def expand_integer(data, pos, end, form, out):
    """Writes an integer in decimal to uint8 `out` and returns how many octets that are."""
    little = form in (UNSIGNED_LITTLE, SIGNED_LITTLE)
    value = np.uint64(0)
    for index in range(end - pos):
        place = end - 1 - index if little else pos + index
        value = (value << np.uint64(8)) | np.uint64(data[ix(place)])
    size = np.int64(0)
    spare = np.uint64(64 - 8 * (end - pos))
    if form in (SIGNED_BIG, SIGNED_LITTLE) and np.int64(value << spare) < 0:
        value = np.uint64(0) - np.uint64(np.int64(value << spare) >> np.int64(spare))
        out[0] = MINUS
        size = 1
    count = 1
    rest = value // np.uint64(10)
    while rest > np.uint64(0):
        rest //= np.uint64(10)
        count += 1
    for index in range(count):
        out[ix(size + count - 1 - index)] = np.uint8(np.uint64(ZERO) + value % np.uint64(10))
        value //= np.uint64(10)
    return size + count


@inlined
def nibble_char(nibble):
    """Returns a nibble as a digit, ``*#abcf`` for A to F (TS 29.002 TBCD-STRING)."""
    if nibble < 10:
        return ZERO + nibble
    if nibble == 10:
        return 0x2A
    if nibble == 15:
        return LETTER_F
    return 0x23 if nibble == 11 else 0x61 + nibble - 12


@kernel
def expand(data, pos, end, form, out):
    """Writes a binary field in ASCII to uint8 `out` and returns how many octets that are.

    Filler F stands behind the digits, in BCD_LITTLE before them, and is dropped there.
    """
    if form >= UNSIGNED_BIG:
        return expand_integer(data, pos, end, form, out)
    size = np.int64(0)
    count = end - pos
    for index in range(count):
        octet = np.int64(data[ix(end - 1 - index if form == BCD_LITTLE else pos + index)])
        for half in range(2):
            nibble = (octet & 15) if (form == TBCD) == (half == 0) else (octet >> 4)
            if form == HEX:
                out[ix(size)] = ZERO + nibble if nibble < 10 else 0x57 + nibble
            elif nibble == 15 and form == BCD_LITTLE and size == 0:
                continue
            else:
                out[ix(size)] = nibble_char(nibble)
            size += 1
    if form in (BCD, TBCD):
        while size > 0 and char(out, size - 1) == LETTER_F:
            size -= 1
    return size
