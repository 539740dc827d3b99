"""Longest-prefix match of E.164 numbers: direct table on five digits, digit trie behind it.

Table entries are a node (0 and above) or, where nothing longer follows, the answer as -2-zone
(so -1 is "no zone"). Every zone is pushed down to where the walk ends: one load per digit.
"""

from __future__ import annotations

from compiled.jit import njit


@njit(nogil=True, cache=True)
def zone_of(number, direct, child, value):
    """Returns the zone of the longest prefix of one number, -1 where there is none.

    The number is padded to 15 digits, so that every division is by a constant.

    Args:
        number: int64, E.164 digits; 0 and below (missing) have no zone; digits behind the
            fifteenth do not count.
        direct: int32[100_000], first five digits to entry.
        child: int32[nodes * 10], node x digit to entry; node 0 is the root.
        value: int32[nodes], zone of a number that ends at the node.
    """
    if number <= 0:
        return -1
    while number >= 10**15:
        number //= 10
    if number >= 10**12:
        if number < 10**13:
            padded = number * 100
            left = 8
        elif number < 10**14:
            padded = number * 10
            left = 9
        else:
            padded = number
            left = 10
    else:
        padded = number * 1000
        left = 7
        while padded < 10**14:
            padded *= 10
            left -= 1
    head = padded // 10**10
    rest = padded - head * 10**10
    if left >= 0:
        entry = direct[head]
    else:
        # Fewer than five digits: walk from the root.
        entry = 0
        left += 5
        rest = padded // 10**5
    while entry >= 0:
        if left == 0:
            return value[entry]
        digit = rest // 10**9
        rest = (rest - digit * 10**9) * 10
        left -= 1
        entry = child[entry * 10 + digit]
    return -2 - entry


@njit(nogil=True, cache=True)
def longest_prefix(numbers, direct, child, value, zones):
    """Writes the zone of each number.

    Args:
        numbers: int64[n], E.164 digits; 0 and below (missing) have no zone.
        direct: int32[100_000], see :func:`zone_of`.
        child: int32[nodes * 10].
        value: int32[nodes].
        zones: int32[n], out: zone index, -1 no zone.
    """
    for i in range(numbers.size):
        zones[i] = zone_of(numbers[i], direct, child, value)
