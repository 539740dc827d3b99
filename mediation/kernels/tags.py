"""Which tags stand at which paths of the records, and how often: the inspector's statistics.

Every distinct path of tags is a number; `nodes` holds its counts, `slots` finds it by the number
of the path above and its own tag. Twin: the trees of `mediation.inspector`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import kernel

ix = np.uint64  # unsigned indexes spare the test for negative ones

NODE_WIDTH = 7
NODE_ABOVE = 0
NODE_TAG = 1
NODE_COUNT = 2
NODE_SHORTEST = 3
NODE_LONGEST = 4
NODE_FIRST = 5
NODE_FORM = 6
"""Forms that were seen: 1 primitive, 2 constructed, 3 both."""

ROOT = 0
OTHER = 1
"""Where everything is counted that found no room."""

MAX_DEPTH = 32
STACK_WIDTH = 3


@kernel
def path_number(above, tag, nodes, slots, used, first):
    """Returns the number of the path `tag` below `above`, made as needed; `OTHER` without room."""
    mask = slots.shape[0] - 1
    value = (above * 1_000_003 + tag) * 1099511628211
    place = (value ^ (value >> 29)) & mask
    while True:
        number = np.int64(slots[ix(place)])
        if number < 0:
            break
        base = number * NODE_WIDTH
        if nodes[ix(base + NODE_ABOVE)] == above and nodes[ix(base + NODE_TAG)] == tag:
            return number
        place = (place + 1) & mask
    number = used[0]
    if above == OTHER or (number + 1) * NODE_WIDTH > nodes.shape[0]:
        return np.int64(OTHER)
    used[0] = number + 1
    slots[ix(place)] = number
    base = number * NODE_WIDTH
    nodes[ix(base + NODE_ABOVE)] = above
    nodes[ix(base + NODE_TAG)] = tag
    nodes[ix(base + NODE_FIRST)] = first
    nodes[ix(base + NODE_SHORTEST)] = 1 << 62
    return number


@kernel
def count_tags(data, offsets, lengths, nodes, slots, used, stack):
    """Counts the tags of records, as far as each can be walked.

    Args:
        data: uint8[n], the file.
        offsets: int64[records], where each record's first tag octet is.
        lengths: int64[records], octets of each record.
        nodes: int64[paths * NODE_WIDTH], counts; numbers `ROOT` and `OTHER` are taken.
        slots: int32[power of two, more than paths], hash table of `nodes`, -1 free.
        used: int64[1], how many numbers are taken.
        stack: int64[(MAX_DEPTH + 1) * STACK_WIDTH], scratch.

    Returns:
        How many records could not be walked to their end.
    """
    broken = 0
    for record in range(offsets.shape[0]):
        pos = offsets[ix(record)]
        end = pos + lengths[ix(record)]
        if pos < 0 or end > data.shape[0]:
            broken += 1
            continue
        depth = 0
        above = ROOT
        indefinite = 0
        whole = 1
        while True:
            if pos >= end:
                if indefinite:
                    whole = 0
                    break
                if depth == 0:
                    break
            elif indefinite and data[ix(pos)] == 0 and pos + 1 < end and data[ix(pos + 1)] == 0:
                pos += 2
            else:
                begin = pos
                octet = np.int64(data[ix(pos)])
                pos += 1
                number = octet & 31
                if number == 31:
                    number = 0
                    more = 1
                    octets = 0
                    while more and octets < 5 and pos < end:
                        following = np.int64(data[ix(pos)])
                        pos += 1
                        octets += 1
                        number = (number << 7) | (following & 127)
                        more = following >> 7
                    if more:
                        whole = 0
                        break
                if pos >= end:
                    whole = 0
                    break
                length = np.int64(data[ix(pos)])
                pos += 1
                open_end = 0
                if length >= 128:
                    size = length & 127
                    if size == 0:
                        if octet & 32 == 0:
                            whole = 0
                            break
                        open_end = 1
                        length = 0
                    elif size > 4 or size > end - pos:
                        whole = 0
                        break
                    else:
                        length = 0
                        for _ in range(size):
                            length = (length << 8) | np.int64(data[ix(pos)])
                            pos += 1
                if length > end - pos:
                    whole = 0
                    break
                tag = ((octet >> 6) << 40) | number
                here = path_number(above, tag, nodes, slots, used, begin)
                base = here * NODE_WIDTH
                nodes[ix(base + NODE_COUNT)] += 1
                if octet & 32 == 0:
                    nodes[ix(base + NODE_FORM)] |= 1
                    nodes[ix(base + NODE_SHORTEST)] = min(nodes[ix(base + NODE_SHORTEST)], length)
                    nodes[ix(base + NODE_LONGEST)] = max(nodes[ix(base + NODE_LONGEST)], length)
                    pos += length
                    continue
                nodes[ix(base + NODE_FORM)] |= 2
                if depth == MAX_DEPTH:
                    whole = 0
                    break
                stack[ix(depth * STACK_WIDTH)] = end
                stack[ix(depth * STACK_WIDTH + 1)] = above
                stack[ix(depth * STACK_WIDTH + 2)] = indefinite
                depth += 1
                above = here
                indefinite = open_end
                if open_end == 0:
                    end = pos + length
                continue
            depth -= 1
            end = stack[ix(depth * STACK_WIDTH)]
            above = stack[ix(depth * STACK_WIDTH + 1)]
            indefinite = stack[ix(depth * STACK_WIDTH + 2)]
        broken += 1 - whole
    return broken
