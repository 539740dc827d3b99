"""Reads faultless CSV rows into flat columns: one pass over the bytes, no text made.

What is unusual (a quote, a short row, a blank line, a letter in a number) ends the pass with the
row's number, and somebody slower says what is wrong with it. A *place* is where a value stands in
the bytes: ``start << 20 | length``.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from rating.kernels.machine import u

DIGITS, TEXT, CODED = 0, 1, 2
"""Kinds of columns: numbers; values that are nearly all different; values that repeat."""

LENGTH_BITS = 20
LENGTH_MASK = (1 << LENGTH_BITS) - 1
MOST_DIGITS = 15

_COMMA, _NEWLINE, _RETURN, _PLUS, _ZERO = 44, 10, 13, 43, 48
_MISSING = -(2**63)
_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)


@inlined
def _inside(byte):
    """Returns whether a byte belongs to a value; nearly all do that are above the comma."""
    return byte > _COMMA or (byte not in (_COMMA, _NEWLINE, _RETURN))


@inlined
def _same(data, one, other, length):
    """Returns whether the bytes at two positions are equal."""
    for i in range(length):  # noqa: SIM110  a generator is no kernel
        if data[u(one + i)] != data[u(other + i)]:
            return False
    return True


@inlined
def _code(data, begin, length, mixed, table, mask, distinct, n, counts, slot):
    """Returns the code of a value, a new one where it was not seen; -1 if the table is full."""
    at = np.int64((mixed ^ (mixed >> u(32))) & u(mask))
    base = slot * (mask + 1)
    code = np.int64(table[u(base + at)])
    while code != 0:
        place = distinct[u(slot * n + code - 1)]
        if (place & LENGTH_MASK) == length and _same(data, place >> LENGTH_BITS, begin, length):
            return code - 1
        at = (at + 1) & mask
        code = np.int64(table[u(base + at)])
    count = counts[u(slot)]
    if 2 * count >= mask:
        return np.int64(-1)
    table[u(base + at)] = np.int32(count + 1)
    distinct[u(slot * n + count)] = (begin << LENGTH_BITS) | length
    counts[u(slot)] = count + 1
    return count


@kernel
def count_lines(data, start):
    """Returns how many newlines stand in uint8 ``data`` from ``start`` on."""
    lines = np.int64(0)
    for at in range(start, data.shape[0]):
        lines += np.int64(data[u(at)] == _NEWLINE)
    return lines


@kernel
def scan_rows(data, start, n, kind, slot, numbers, texts, codes, table, mask, distinct, counts):
    """Reads ``n`` rows of comma-separated values; every row ends with a newline.

    Args:
        data: uint8, the file; its last byte is a newline.
        start: First byte behind the line of column names.
        n: Rows.
        kind: int8[columns], DIGITS, TEXT or CODED.
        slot: int64[columns], which of the arrays of its kind a column has.
        numbers: int64[columns of digits * n], filled; missing where empty.
        texts: int64[columns of text * n], filled with places.
        codes: int32[coded columns * n], filled with the index of each value in ``distinct``.
        table: int32[coded columns * (mask + 1)], zeros.
        mask: Size of one hash table less 1, a power of two less 1.
        distinct: int64[coded columns * n], filled with the places of distinct values.
        counts: int64[coded columns], zeros; filled with how many distinct values there are.

    Returns:
        -1 if all went well, else the first row that is unusual.
    """
    last = kind.shape[0] - 1
    at = np.int64(start)
    for row in range(n):
        for column in range(last + 1):
            begin = at
            own = slot[u(column)]
            shape = kind[u(column)]
            if shape == DIGITS:
                if data[u(at)] == _PLUS:
                    at += 1
                first = at
                value = np.int64(0)
                digit = np.int64(data[u(at)]) - _ZERO
                while 0 <= digit <= 9 and at - first <= MOST_DIGITS:
                    value = value * 10 + digit
                    at += 1
                    digit = np.int64(data[u(at)]) - _ZERO
                if at == begin:
                    value = np.int64(_MISSING)
                elif value == 0 or at - first > MOST_DIGITS:
                    return row
                numbers[u(own * n + row)] = value
            elif shape == TEXT:
                while _inside(data[u(at)]):
                    at += 1
                if at - begin > LENGTH_MASK:
                    return row
                texts[u(own * n + row)] = (begin << LENGTH_BITS) | (at - begin)
            else:
                mixed = _SEED
                while _inside(data[u(at)]):
                    mixed = (mixed ^ u(data[u(at)])) * _PRIME
                    at += 1
                code = _code(data, begin, at - begin, mixed, table, mask, distinct, n, counts, own)
                if code < 0 or at - begin > LENGTH_MASK:
                    return row
                codes[u(own * n + row)] = code
            if column == last:
                if data[u(at)] == _RETURN:
                    at += 1
                if data[u(at)] != _NEWLINE:
                    return row
            elif data[u(at)] != _COMMA:
                return row
            at += 1
    return -1


@kernel
def sorted_codes(data, places, codes, distinct):
    """Codes values that ascend: as exports nearly always are.

    Args:
        data: uint8, the file.
        places: int64[n].
        codes: int32[n], filled with the index of each value in ``distinct``.
        distinct: int64[n], filled with the places of the distinct values, ascending.

    Returns:
        How many distinct values there are, -1 if a value is less than the one before it.
    """
    count = 0
    before, length_before = np.int64(0), np.int64(0)
    for row in range(places.shape[0]):
        place = places[u(row)]
        begin, length = place >> LENGTH_BITS, place & LENGTH_MASK
        order = 1
        if row > 0:
            shorter = min(length, length_before)
            order = length - length_before
            for i in range(shorter):
                one, other = data[u(begin + i)], data[u(before + i)]
                if one != other:
                    order = np.int64(one) - np.int64(other)
                    break
        if order < 0:
            return -1
        if order > 0:
            distinct[u(count)] = place
            count += 1
        codes[u(row)] = count - 1
        before, length_before = begin, length
    return count


@kernel
def gather(data, places, offsets, out):
    """Copies values end to end, as an Arrow string array has them.

    Args:
        data: uint8, the file.
        places: int64[n].
        offsets: int32[n + 1], filled.
        out: uint8, filled; as long as all values together.
    """
    at = np.int64(0)
    offsets[0] = 0
    for row in range(places.shape[0]):
        begin, length = places[u(row)] >> LENGTH_BITS, places[u(row)] & LENGTH_MASK
        for i in range(length):
            out[u(at + i)] = data[u(begin + i)]
        at += length
        offsets[u(row + 1)] = np.int32(at)
