"""Eight octets at a time: loads, digits, dates without a loop.

The loads read behind the index check of arrays, so a caller makes sure that eight octets are there:
`pos + 8 <= data.shape[0]`. Everything is uint64; int64 beside it would make float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from compiled.jit import inlined

U = np.uint64
LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
ONES = np.uint64(0x1111111111111111)
ASCII_ZEROS = np.uint64(0x3030303030303030)
HIGH_NIBBLES = np.uint64(0xF0F0F0F0F0F0F0F0)
SIXES = np.uint64(0x0606060606060606)
BYTES = np.uint64(0x00FF00FF00FF00FF)
PAIRS = np.uint64(0x0000FFFF0000FFFF)
HALF = np.uint64(0xFFFFFFFF)
ONE, TWO, THREE, FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
EIGHT, SIXTEEN, THIRTY_TWO = np.uint64(8), np.uint64(16), np.uint64(32)
TEN, HUNDRED, MYRIAD, MYRIAD_2 = np.uint64(10), np.uint64(100), np.uint64(10**4), np.uint64(10**8)


def _load(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    word = ir.IntType(64)
    address = builder.bitcast(builder.gep(array.data, [args[1]]), word.as_pointer())
    return builder.load(address, align=1)


@intrinsic
def load_little(typing_context, data, pos):  # noqa: ARG001
    """Returns octets `pos` to `pos + 7` of uint8 `data` as uint64, the first one lowest."""
    return types.uint64(data, pos), _load


@intrinsic
def load_big(typing_context, data, pos):  # noqa: ARG001
    """Returns octets `pos` to `pos + 7` of uint8 `data` as uint64, the first one highest."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bswap(_load(context, builder, signature, args))

    return types.uint64(data, pos), codegen


@inlined
def above_nine(word):
    """Returns uint64 with bit 0 of each nibble of `word` that is greater than 9."""
    return (word >> THREE) & ((word >> TWO) | (word >> ONE)) & ONES


@inlined
def bcd_value(word):
    """Returns the number (int64) that 16 decimal nibbles mean, the highest nibble first."""
    twos = (word & LOW) + ((word >> FOUR) & LOW) * TEN
    fours = (twos & BYTES) + ((twos >> EIGHT) & BYTES) * HUNDRED
    eights = (fours & PAIRS) + ((fours >> SIXTEEN) & PAIRS) * MYRIAD
    return np.int64((eights & HALF) + (eights >> THIRTY_TWO) * MYRIAD_2)


@inlined
def low_first(word):
    """Returns `word` with the nibbles of each octet swapped: TBCD to BCD."""
    return ((word & LOW) << FOUR) | ((word >> FOUR) & LOW)


@inlined
def all_digits(word):
    """Returns whether all eight octets of `word` are ASCII digits."""
    # An octet from FA on carries into its neighbour, but is no digit itself.
    high = (word & HIGH_NIBBLES) ^ ASCII_ZEROS
    return high | (((word + SIXES) & HIGH_NIBBLES) ^ ASCII_ZEROS) == 0


@inlined
def ascii_pairs(word):
    """Returns the numbers that four pairs of ASCII digits mean, 16 bits each, the highest first."""
    ones = word & LOW
    return ((ones >> EIGHT) & BYTES) * TEN + (ones & BYTES)


@inlined
def ascii_number(word):
    """Returns the number (int64) that eight ASCII digits mean, the highest first."""
    twos = ascii_pairs(word)
    fours = ((twos >> SIXTEEN) & PAIRS) * HUNDRED + (twos & PAIRS)
    return np.int64((fours >> THIRTY_TWO) * MYRIAD + (fours & HALF))
