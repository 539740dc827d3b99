"""Codecs of text: URIs, decimal digits and identifiers to int64 values.

Octets are ASCII as far as they are understood; trailing zero octets are padding. Twins:
`mediation.reference.text_codecs`.
"""

from __future__ import annotations

import numpy as np

from mediation.kernels.codecs import octets_value
from mediation.kernels.jit import inlined, kernel
from mediation.kernels.ops import DECIMAL, DIGEST

MISSING = -(2**63)
FNV_START = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
POSITIVE = np.uint64(0x7FFFFFFFFFFFFFFF)
TEL, SIP, SIPS = 0x74656C3A, 0x7369703A, 0x736970733A
MSISDN = 0x6D736973646E2D
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
    if begins(data, pos, end, TEL, 4) or begins(data, pos, end, SIP, 4):
        return pos + 4, 1
    if begins(data, pos, end, SIPS, 5):
        return pos + 5, 1
    if begins(data, pos, end, MSISDN, 7):
        return pos + 7, 0
    return pos, 0


@kernel
def uri_number(data, pos, end, fewest):
    """Returns the E.164 number (int64) that a URI or digits mean, -1 if they mean none.

    A global number (RFC 3966) of `fewest` to 15 digits behind ``+``, up to ``;``, ``@``, ``?`` or the
    end; ``-``, ``.``, ``(``, ``)`` between digits are dropped. Digits without a scheme need no ``+``.
    """
    pos, scheme = behind_scheme(data, pos, end)
    if pos < end and data[ix(pos)] == 43:
        pos += 1
    elif scheme:
        return -1
    value = 0
    count = 0
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
    value = 0
    count = 0
    while pos < end:
        character = np.int64(data[ix(pos)])
        if character == 0:
            break
        if count == 18 or character < 48 or character > 57:
            return MISSING
        value = value * 10 + character - 48
        count += 1
        pos += 1
    if count == 0:
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
    return octets_value(data, pos, end) if 0 < end - pos <= 8 else MISSING


@kernel
def plain_value(data, pos, end, codec, param):
    """Returns what a codec that reads one number and never fails makes of octets (int64)."""
    if codec == DECIMAL:
        return decimal_value(data, pos, end, param)
    if codec == DIGEST:
        return digest_value(data, pos, end)
    return key_value(data, pos, end)
