"""Codecs of text: URIs, decimal digits and identifiers to int64 values.

Octets are ASCII as far as they are understood; trailing zero octets are padding. Twins:
`mediation.reference.text_codecs`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.codecs import e164, unsigned_value
from mediation.kernels.ops import SET_COUNTRY, SET_COUNTRY_LENGTH, SET_E164_MIN
from mediation.kernels.words import all_digits, ascii_number, load_big

MISSING = -(2**63)
FNV_START = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
POSITIVE = np.uint64(0x7FFFFFFFFFFFFFFF)
TEL, SIP, SIPS = 0x74656C3A, 0x7369703A, 0x736970733A
MSISDN = 0x6D736973646E2D
USER_PHO, NE = 0x757365723D70686F, 0x6E65
PHONE_CO, NTEXT = 0x70686F6E652D636F, 0x6E746578743D
DIALLED_KIND = 1
"""Octet of a dialled number: type of number unknown, E.164 (TS 24.008 10.5.4.7)."""
LOWER_3, LOWER_4, LOWER_6 = 0x20202000, 0x2020202000, 0x20202020202000
FOUR_ZEROS = np.uint64(0x3030303000000000)
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def lower(data, pos):
    """Returns the octet at `pos` (int64), a letter in lower case."""
    value = np.int64(data[ix(pos)])
    return value | 32 if 65 <= value <= 90 else value


@kernel
def begins(data, pos, end, word, size):
    """Returns whether the `size` octets at `pos` are `word`, a big-endian number in lower case."""
    if end - pos < size:
        return False
    for place in range(size):
        if lower(data, pos + place) != (word >> (8 * (size - 1 - place))) & 255:
            return False
    return True


@kernel
def behind_scheme(data, pos, end):
    """Returns (position, 1) behind ``tel:``, ``sip:`` or ``sips:``, else 0 behind ``msisdn-`` or none."""
    skipped = 0
    if end - pos >= 8:
        word = load_big(data, pos)
        if np.int64(word >> np.uint64(32)) | LOWER_3 in (TEL, SIP):
            skipped = 4
        elif np.int64(word >> np.uint64(24)) | LOWER_4 == SIPS:
            skipped = 5
        elif np.int64(word >> np.uint64(8)) | LOWER_6 == MSISDN:
            skipped = 7
    elif begins(data, pos, end, TEL, 4) or begins(data, pos, end, SIP, 4):
        skipped = 4
    elif begins(data, pos, end, SIPS, 5):
        skipped = 5
    elif begins(data, pos, end, MSISDN, 7):
        skipped = 7
    return pos + skipped, np.int64(skipped in (4, 5))


@inlined
def digit_run(data, pos, end, most):
    """Returns (value, count) of ASCII digits from `pos` on, up to `most` of them, int64."""
    value = 0
    count = 0
    while pos + 8 <= end and count + 8 <= most:
        word = load_big(data, pos)
        if not all_digits(word):
            break
        value = value * 100_000_000 + ascii_number(word)
        count += 8
        pos += 8
    if pos + 4 <= end and pos + 8 <= data.shape[0] and count + 4 <= most:
        word = load_big(data, pos) >> np.uint64(32) | FOUR_ZEROS
        if all_digits(word):
            value = value * 10_000 + ascii_number(word)
            count += 4
            pos += 4
    while pos < end and count < most and 48 <= data[ix(pos)] <= 57:
        value = value * 10 + np.int64(data[ix(pos)]) - 48
        count += 1
        pos += 1
    return value, count


@kernel
def behind_parameter(data, pos, end, head, tail, size):
    """Returns the position behind ``;``, 8 octets `head` and `size` octets `tail`, -1 if they are not there."""
    while pos < end:
        if (
            data[ix(pos)] == 59
            and begins(data, pos + 1, end, head, 8)
            and begins(data, pos + 9, end, tail, size)
        ):
            return pos + 9 + size
        pos += 1
    return np.int64(-1)


@kernel
def digits_between(data, pos, end, most):
    """Returns (value, count, position behind them) of digits with ``-``, ``.``, ``(``, ``)`` between.

    count is -1 where there are more than `most`.
    """
    value = 0
    count = 0
    while pos < end:
        character = np.int64(data[ix(pos)])
        if 48 <= character <= 57:
            if count == most:
                return value, np.int64(-1), pos
            value = value * 10 + character - 48
            count += 1
        elif character not in (40, 41, 45, 46):
            break
        pos += 1
    return value, count, pos


@kernel
def ends_part(data, pos, end):
    """Returns whether a part of a URI ends at `pos`: its end, ``:``, ``;``, ``?`` or ``@``."""
    return pos >= end or data[ix(pos)] in (58, 59, 63, 64)


@kernel
def local_number(data, pos, end, is_tel, settings, powers):
    """Returns the E.164 number (int64) of a local number (RFC 3966) as it is dialled, -1 if it has none.

    `pos` is behind the scheme. Of a SIP URI, ``user=phone`` must tell that its user is a number
    (RFC 3261 19.1.1). A context of another country than ours leaves it unknown.
    """
    last = pos
    while last < end and data[ix(last)] != 0:
        last += 1
    value, count, behind = digits_between(data, pos, last, 18)
    if count <= 0 or not ends_part(data, behind, last):
        return np.int64(-1)
    if not is_tel:
        host = behind
        while host < last and data[ix(host)] != 64:
            host += 1
        told = behind_parameter(data, host, last, USER_PHO, NE, 2)
        while 0 <= told < last and data[ix(told)] not in (59, 63):
            told = behind_parameter(data, told, last, USER_PHO, NE, 2)
        if told < 0:
            return np.int64(-1)
    context = behind_parameter(data, behind, last, PHONE_CO, NTEXT, 6)
    if context >= 0 and context < last and data[ix(context)] == 43:
        country, size, stop = digits_between(data, context + 1, last, 18)
        ours = country == settings[ix(SET_COUNTRY)] and size == settings[ix(SET_COUNTRY_LENGTH)]
        if not ours or not ends_part(data, stop, last):
            return np.int64(-1)
    return e164(value, count, DIALLED_KIND, settings, powers)


@kernel
def uri_number(data, pos, end, only_global, settings, powers):
    """Returns the E.164 number (int64) that a URI or digits mean, -1 if they mean none.

    A global number (RFC 3966) behind ``+``, up to ``;``, ``@``, ``?`` or the end; ``-``, ``.``, ``(``,
    ``)`` between digits are dropped. Digits without a scheme need no ``+``. A local number is read as
    dialled ones are, by the number plan, unless `only_global`.
    """
    fewest = settings[ix(SET_E164_MIN)]
    pos, scheme = behind_scheme(data, pos, end)
    if pos < end and data[ix(pos)] == 43:
        pos += 1
    elif scheme:
        if only_global:
            return -1
        is_tel = lower(data, pos - 2) == 108  # the l of tel, the p of sip, the s of sips
        return local_number(data, pos, end, is_tel, settings, powers)
    if pos < end and data[ix(pos)] == 48:
        return -1
    value, count = digit_run(data, pos, end, 15)
    pos += count
    while pos < end:
        character = np.int64(data[ix(pos)])
        pos += 1
        if 48 <= character <= 57:
            if count == 15 or (count == 0 and character == 48):
                return -1
            value = value * 10 + character - 48
            count += 1
        elif character in (59, 63, 64, 0):
            break
        elif character not in (40, 41, 45, 46):
            return -1
    return value if count >= fewest else -1


@kernel
def decimal_value(data, pos, end, equipment):
    """Returns 1 to 18 decimal digits behind an optional ``name-`` as int64, else `MISSING`.

    Of 16 digits of an `equipment` the last two are a software version and dropped.
    """
    start = pos
    while start < end and 97 <= lower(data, start) <= 122:
        start += 1
    if start > pos:
        if start == end or data[ix(start)] != 45:
            return MISSING
        pos = start + 1
    value, count = digit_run(data, pos, end, 18)
    pos += count
    if count == 0 or (pos < end and data[ix(pos)] != 0):
        return MISSING
    return value // 100 if equipment and count == 16 else value


@kernel
def digest_value(data, pos, end):
    """Returns 63 bits of the FNV-1a hash of the octets (int64), `MISSING` if there are none."""
    if pos >= end:
        return MISSING
    value = FNV_START
    for index in range(pos, end):
        value = (value ^ np.uint64(data[ix(index)])) * FNV_PRIME
    return np.int64(value & POSITIVE)


@kernel
def key_value(data, pos, end):
    """Returns up to 8 octets as a number that conditions compare (int64), else `MISSING`."""
    while end - pos > 8 and data[ix(pos)] == 0:
        pos += 1
    return unsigned_value(data, pos, end) if 0 < end - pos <= 8 else MISSING
