"""Asks the processor to load a cache line ahead of its use.

Look-ups by IMSI, number and event order jump through tables larger than the cache. A branch that
waits for such a load stalls the whole row; asked for a few rows earlier, the lines are there and the
loads of many rows overlap. A prefetch never faults, so an index out of bounds is harmless.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


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
