"""Sums of one field over records of a flat file, to compare with what a trailer declares."""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.blocks import field_number
from mediation.kernels.field_codecs import decimal_number, expand
from mediation.kernels.flat_ops import (
    DECIMAL,
    FIELD_WIDTH,
    FIRST_TYPE,
    FLD_AT,
    FLD_FORM,
    FLD_OCTETS,
    QUOTE,
    SEPARATOR,
    TEXT,
    THOUSANDS,
    TYPE_FIELD,
)
from mediation.kernels.lines import kind_of_word, nth_field, trimmed

ix = np.uint64  # unsigned indexes spare the test for negative ones
CARRY = 10**18


@inlined
def field_place(data, pos, end, rules, fields, number):
    """Returns (first, end, form) of a field of the record from `pos` to `end`, text trimmed."""
    at = np.int64(fields[ix(number * FIELD_WIDTH + FLD_AT)])
    octets = np.int64(fields[ix(number * FIELD_WIDTH + FLD_OCTETS)])
    form = np.int64(fields[ix(number * FIELD_WIDTH + FLD_FORM)])
    if at < 0:
        return pos, pos, form
    if octets < 0:
        first, last = nth_field(data, pos, end, rules[SEPARATOR], rules[QUOTE], at)
    else:
        first = min(pos + at, end)
        last = min(first + octets, end)
        if form != TEXT and last < first + octets:
            last = first
    if form == TEXT:
        first, last = trimmed(data, first, last)
    return first, last, form


@kernel
def special_numbers(data, specials, wanted, fields, number, out):
    """Reads a number of every header or trailer of a kind.

    Args:
        data: uint8[n], the file.
        specials: int64[3, n]: offset, length, kind.
        wanted: The kind.
        fields: int32[fields * FIELD_WIDTH].
        number: Number of the field.
        out: int64[n], out: what it says, -1 where it says nothing or the kind is another one.
    """
    for index in range(specials.shape[1]):
        out[ix(index)] = -1
        if specials[2, ix(index)] == wanted:
            start = specials[0, ix(index)]
            end = start + specials[1, ix(index)]
            out[ix(index)] = field_number(data, start, end, fields, number)


@kernel
def sum_field(
    data, offsets, lengths, first, stop, rules, fields, type_blob, type_words, wanted,
    powers, scratch, expanded, total,
):  # fmt: skip
    """Adds up a field of records `first` to `stop`, in units of 10^-9.

    Args:
        data: uint8[n], the file.
        offsets: int64[records]; likewise `lengths`.
        lengths: Octets of each record.
        first: First record.
        stop: Record to stop before.
        rules: int64[RULE_CELLS] of the plan, as all up to `type_words`.
        fields: int32[fields * FIELD_WIDTH].
        type_blob: uint8[...].
        type_words: int32[n * 3].
        wanted: int32[types], number of the field by record type, -1 where the type lacks it.
        powers: int64[19], powers of ten.
        scratch: uint8[256], read-only view of `expanded`.
        expanded: uint8[256].
        total: int64[3], out: sum / 10^18, rest of the sum, fields that are no number.
    """
    for record in range(first, stop):
        pos = offsets[ix(record)]
        end = pos + lengths[ix(record)]
        kind = np.int64(0)
        if rules[TYPE_FIELD] >= 0:
            here, close, _ = field_place(data, pos, end, rules, fields, rules[TYPE_FIELD])
            kind = (
                kind_of_word(data, here, close, type_blob, type_words, 0, type_words.shape[0] // 3)
                - FIRST_TYPE
            )
        if kind < 0 or wanted[ix(kind)] < 0:
            continue
        here, close, form = field_place(data, pos, end, rules, fields, np.int64(wanted[ix(kind)]))
        if here >= close:
            continue
        buf = data
        if form != TEXT:
            close = expand(data, here, close, form, expanded)
            here = np.int64(0)
            buf = scratch
        value, scale = decimal_number(buf, here, close, rules[DECIMAL], rules[THOUSANDS])
        if scale < 0:
            total[2] += 1
            continue
        # Whole part and fraction apart, so that nothing wraps.
        power = powers[ix(scale)]
        whole = value // power
        total[0] += whole // 10**9
        total[1] += (whole % 10**9) * 10**9 + (value - whole * power) * powers[ix(9 - scale)]
        total[0] += total[1] // CARRY
        total[1] = total[1] % CARRY
