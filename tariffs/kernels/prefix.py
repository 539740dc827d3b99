"""Longest-prefix match of E.164 numbers: direct table on five digits, digit trie behind it."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def zone_of(number, direct, child, value):
    """Returns the zone of the longest prefix of one number, -1 where there is none.

    The digits behind the first five are peeled off by division by a constant and packed four
    bits each, so that the walk needs no division by a variable.

    Args:
        number: int64, E.164 digits; 0 and below (missing) have no zone.
        direct: int32[100_000], node of the trie, or -2-zone where the trie ends.
        child: int32[n * 10], node x digit to node, -1 none.
        value: int32[n], zone of the longest prefix at or above the node.
    """
    if number <= 0:
        return -1
    head = number
    rest = 0
    left = 0
    while head >= 100_000:
        shorter = head // 10
        rest = (rest << 4) | (head - shorter * 10)
        left += 1
        head = shorter
    node = direct[head] if head >= 10_000 else 0
    if node < -1:
        return -2 - node
    if node == -1:
        return -1
    if head < 10_000:
        while head > 0:
            shorter = head // 10
            rest = (rest << 4) | (head - shorter * 10)
            left += 1
            head = shorter
    while left > 0:
        below = child[node * 10 + (rest & 15)]
        if below < 0:
            break
        node = below
        rest >>= 4
        left -= 1
    return value[node]


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
