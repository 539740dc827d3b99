"""Tag and length of one BER element, and what the plan has for it (X.690, 8.1.2 and 8.1.3)."""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined
from mediation.kernels.codecs import unsigned_value
from mediation.kernels.ops import BAD_LENGTH, BAD_TAG, OK, TRUNCATED

ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def read_head(data, pos, end, tag, node, edges, long_base, long_size, long_edges):
    """Reads an element's head behind its first octet `tag`, inside `end`.

    Returns:
        (status, position of the value, entry of the plan or -1, octets of the value, 1 if its end is open).
    """
    entry = -1
    if tag & 31 != 31:
        entry = np.int64(edges[ix((node << 8) + tag)])
    else:
        number = 0
        octets = 0
        more = 1
        while more and octets < 4 and pos < end:
            octet = np.int64(data[ix(pos)])
            pos += 1
            octets += 1
            number = (number << 7) | (octet & 127)
            more = octet >> 7
        if more:
            return BAD_TAG if octets == 4 else TRUNCATED, pos, entry, 0, 0
        kind_slot = (node << 2) + (tag >> 6)
        if number < long_size[ix(kind_slot)]:
            entry = np.int64(long_edges[ix(long_base[ix(kind_slot)] + number)])
    if pos >= end:
        return TRUNCATED, pos, entry, 0, 0
    length = np.int64(data[ix(pos)])
    pos += 1
    open_end = 0
    code = OK
    if length >= 128:
        size = length & 127
        length = 0
        open_end = np.int64(size == 0)
        if (open_end and tag & 32 == 0) or size > 4:
            code = BAD_LENGTH
        elif size > end - pos:
            code = TRUNCATED
        elif size:
            length = unsigned_value(data, pos, pos + size)
            pos += size
    if code == OK and length > end - pos:
        code = TRUNCATED
    return code, pos, entry, length, open_end
