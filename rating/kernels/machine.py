"""Four things that the processor can do and Python cannot say.

*Prefetch*: look-ups by IMSI, number and account jump through tables larger than the cache. A branch
that waits for such a load stalls the whole row; asked for a few rows earlier, the lines are there
and the loads of many rows overlap. A prefetch never faults, so an index out of bounds is harmless.

*Exact division by multiplication*: a 64-bit division takes as long as some ten multiplications, and
the divisors of a book (beats, units of prices, the rounding) are known when it is loaded.

*Lowest bit*: where the first bit of a word is set, so that a list of candidates is gone through without
looking at those that are none.

*Unsigned index*: `u(i)` spares the test for an index from the end of the array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from compiled.jit import inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

u = np.uint64
DIVISOR_WORDS = 4
"""Words of a divisor: itself, its reciprocal, a shift, one spare."""
DIVIDEND_BITS = 62


@intrinsic
def prefetch(typing_context, array, index):  # noqa: ARG001  the protocol's signature
    """Prefetches ``array[index]`` of a 1-D array for reading."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte = ir.IntType(8).as_pointer()
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        name = "llvm.prefetch.p0"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        # for reading, keep in all cache levels, data
        builder.call(function, [address, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


@intrinsic
def lowest_bit(typing_context, word):  # noqa: ARG001  the protocol's signature
    """Returns the place of the lowest bit that is set in an int64, which may not be 0."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.int64), generate


@intrinsic
def high_product(typing_context, a, b):  # noqa: ARG001  the protocol's signature
    """Returns the high 64 bits of the product of two int64, both taken as unsigned."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        wide = ir.IntType(128)
        a, b = (builder.zext(argument, wide) for argument in arguments)
        return builder.trunc(builder.lshr(builder.mul(a, b), wide(64)), ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


@inlined
def divided(dividend, divisors, at):
    """Returns ``dividend // divisors[at]`` rounded down, exact for 0 <= dividend < 2**62."""
    return high_product(dividend << 2, divisors[u(at + 1)]) >> divisors[u(at + 2)]


def divisor_rows(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the rows of divisors, at least 1 and at most 2**62 each.

    With ``2**(k - 1) < d <= 2**k`` the reciprocal is ``r = ceil(2**(62 + k) / d)``, below 2**63.
    ``x * r / 2**(62 + k)`` is too large by less than ``x / (d * 2**62)``, less than 1 / d.
    """
    rows = np.zeros((len(values), DIVISOR_WORDS), np.int64)
    for row, value in zip(rows, values.tolist(), strict=True):
        shift = (value - 1).bit_length()
        row[:3] = value, -(-(1 << DIVIDEND_BITS + shift) // value), shift
    return rows.reshape(-1)
