"""Event order: charge group, start time, then the record's own content (law 3).

A counting sort in two levels brings the rows of a charge group together: first into some hundred
buckets of neighbouring groups, each of which then fits the cache while it is dealt out by group.
Both are stable. Inside a group runs of 24 are sorted by insertion and longer groups merged, so that
a group with a month of a company's traffic costs n log n and not n squared.
"""

from __future__ import annotations

import numpy as np
from numba import njit

RUN = 24
MOST_BUCKETS = 512
"""Streams that the first level writes to; more would not fit the first cache."""
_LOW = (1 << 32) - 1


@njit(nogil=True, cache=True)
def _after(start_a, row_a, start_b, row_b, high, low):
    """Returns whether row a comes after row b; equal keys keep their order."""
    if start_a != start_b:
        return start_a > start_b
    if high[row_a] != high[row_b]:
        return high[row_a] > high[row_b]
    return low[row_a] > low[row_b]


@njit(nogil=True, cache=True)
def _sort_group(begin, end, start, rows, start_spare, rows_spare, high, low):
    """Sorts ``rows[begin:end]`` with their ``start``: insertion in runs, then merging."""
    for first in range(begin, end, RUN):
        last = min(first + RUN, end)
        for i in range(first + 1, last):
            moved_start = start[i]
            moved_row = rows[i]
            j = i - 1
            while j >= first and _after(start[j], rows[j], moved_start, moved_row, high, low):
                start[j + 1] = start[j]
                rows[j + 1] = rows[j]
                j -= 1
            start[j + 1] = moved_start
            rows[j + 1] = moved_row
    width = RUN
    while width < end - begin:
        for first in range(begin, end - width, 2 * width):
            middle = first + width
            last = min(middle + width, end)
            if not _after(
                start[middle - 1], rows[middle - 1], start[middle], rows[middle], high, low
            ):
                continue
            for i in range(first, middle):
                start_spare[i - first] = start[i]
                rows_spare[i - first] = rows[i]
            left = 0
            right = middle
            at = first
            while left < width and right < last:
                if _after(
                    start_spare[left], rows_spare[left], start[right], rows[right], high, low
                ):
                    start[at] = start[right]
                    rows[at] = rows[right]
                    right += 1
                else:
                    start[at] = start_spare[left]
                    rows[at] = rows_spare[left]
                    left += 1
                at += 1
            while left < width:
                start[at] = start_spare[left]
                rows[at] = rows_spare[left]
                left += 1
                at += 1
        width *= 2


@njit(nogil=True, cache=True)
def event_order(group, start, chosen, high, low, counts, order, order_start):
    """Sorts the chosen rows into event order.

    Args:
        group: int32[n], n below 2**32, charge group by row, below ``len(counts) - 1``.
        start: int64[n], UTC microseconds by row.
        chosen: int8[n], rows where it is 0 take part.
        high: uint64[n], high half of the record's key, breaks ties of the start.
        low: uint64[n], low half.
        counts: int64[groups + 1], zeros; scratch.
        order: int64[m] with m the number of chosen rows, filled with rows in event order.
        order_start: int64[m], filled with their start.

    Returns:
        Size of the largest group.
    """
    n = group.shape[0]
    groups = counts.shape[0] - 1
    shift = np.int64(0)
    while groups >> shift >= MOST_BUCKETS:
        shift += 1
    bucket_end = np.zeros((groups >> shift) + 2, np.int64)
    for i in range(n):
        if chosen[i] == 0:
            bucket_end[(np.int64(group[i]) >> shift) + 1] += 1
    for bucket in range(bucket_end.shape[0] - 1):
        bucket_end[bucket + 1] += bucket_end[bucket]
    dealt = np.empty(2 * order.shape[0], np.int64)  # start, then group << 32 | row
    for i in range(n):
        if chosen[i] == 0:
            g = np.int64(group[i])
            at = bucket_end[g >> shift]
            bucket_end[g >> shift] = at + 1
            dealt[2 * at] = start[i]
            dealt[2 * at + 1] = g << 32 | i
    largest = np.int64(0)
    begin = np.int64(0)
    for bucket in range((groups >> shift) + 1):
        end = bucket_end[bucket]
        for at in range(begin, end):
            counts[dealt[2 * at + 1] >> 32] += 1
        place = begin
        for g in range(bucket << shift, min((bucket + 1) << shift, groups)):
            size = counts[g]
            largest = max(largest, size)
            counts[g] = place
            place += size
        for at in range(begin, end):
            g = dealt[2 * at + 1] >> 32
            place = counts[g]
            counts[g] = place + 1
            order[place] = dealt[2 * at + 1] & _LOW
            order_start[place] = dealt[2 * at]
        begin = end
    # counts[g] is now the end of group g
    spare = largest if largest > RUN else 0
    start_spare = np.empty(spare, np.int64)
    rows_spare = np.empty(spare, np.int64)
    begin = np.int64(0)
    for g in range(groups):
        end = counts[g]
        if end - begin > 1:
            _sort_group(begin, end, order_start, order, start_spare, rows_spare, high, low)
        begin = end
    return largest
