"""Event order: charge group, start time, then the record's own content (law 3).

Two levels, and both move whole events, so that pricing reads them one after the other. `deal` writes
each event to one of some hundred buckets of neighbouring groups. `arrange` then sorts one bucket,
which fits the second cache: the first bits of (group, start) choose a bin, about one event to a
bin, and insertion does the rest. Where a bin is crowded - a company's traffic of one minute - the
bucket is merged instead, so that the cost stays n log n. What is sorted are *words*: the key and, in
the last bits, the event's place in its bucket.

Both levels are stable, which is what decides between rows that agree in everything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compiled.jit import inlined, kernel
from rating.kernels.guide import EVENT_WORDS
from rating.kernels.machine import prefetch, u

DEALT_WORDS = 5
"""Words of a dealt event: those of the event, then ``group << 32 | row``."""
RUN = 24
"""Events in a bin that insertion still sorts; the length of the runs that merging begins with."""
MOST_BUCKETS = 1024
"""Streams that `deal` writes to at most; more would not fit the first cache."""
BUCKET_EVENTS = 2048
"""Events for which one more bucket is made, up to MOST_BUCKETS."""
WORD_BITS = 63
_LOW = (1 << 32) - 1


class SortScratch(NamedTuple):
    """Room to sort a bucket of b events."""

    word: np.ndarray  # int64[b]
    spare: np.ndarray  # int64[b]
    bins: np.ndarray  # int32[2 b + 3]


@kernel
def count_buckets(group, chosen, shift, bucket_end):
    """Counts the chosen rows of each bucket.

    Args:
        group: int32[n], charge group by row.
        chosen: int8[n], rows where it is 0 take part.
        shift: Bits by which a group is shifted to give its bucket.
        bucket_end: int64[buckets + 1], zeros; entry b is then where bucket b begins, which is what
            `deal` makes into where it ends.
    """
    for i in range(group.shape[0]):
        bucket_end[u((np.int64(group[i]) >> shift) + 1)] += chosen[i] == 0
    for bucket in range(bucket_end.shape[0] - 1):
        bucket_end[bucket + 1] += bucket_end[bucket]


@kernel
def deal(event, group, chosen, shift, bucket_end, dealt):
    """Writes each chosen event to its bucket, in order of rows.

    Args:
        event: int64[4 n], packed words of :mod:`rating.kernels.guide`.
        group: int32[n], n below 2**32.
        chosen: int8[n], rows where it is 0 take part.
        shift: As for :func:`count_buckets`.
        bucket_end: int64[buckets + 1], where each bucket begins, changed to where it ends.
        dealt: int64[5 m], filled.
    """
    for i in range(group.shape[0]):
        if chosen[i] == 0:
            g = np.int64(group[i])
            bucket = u(g >> shift)
            at = bucket_end[bucket]
            bucket_end[bucket] = at + 1
            to = DEALT_WORDS * at
            prefetch(dealt, to + 3 * DEALT_WORDS)
            for word in range(EVENT_WORDS):
                dealt[u(to + word)] = event[u(EVENT_WORDS * i + word)]
            dealt[u(to + EVENT_WORDS)] = g << 32 | i


@inlined
def _after(one, other, bucket, dealt, high, low):
    """Returns whether a word's event comes after another's; where all agrees, neither does.

    Args:
        one: A word.
        other: A word.
        bucket: (bits of the place, first event of the bucket).
        dealt: As of :func:`arrange`.
        high: Likewise.
        low: Likewise.
    """
    place_bits, begin = bucket
    if (one ^ other) >> place_bits != 0:
        return one > other
    mask = (1 << place_bits) - 1
    at_one, at_other = begin + (one & mask), begin + (other & mask)
    start_one, start_other = dealt[DEALT_WORDS * at_one], dealt[DEALT_WORDS * at_other]
    if start_one != start_other:
        return start_one > start_other
    row_one = dealt[DEALT_WORDS * at_one + EVENT_WORDS] & _LOW
    row_other = dealt[DEALT_WORDS * at_other + EVENT_WORDS] & _LOW
    if high[row_one] != high[row_other]:
        return high[row_one] > high[row_other]
    return low[row_one] > low[row_other]


@inlined
def _insert(first, last, word, bucket, dealt, high, low):
    """Sorts ``word[first:last]`` by insertion."""
    for i in range(first + 1, last):
        moved = word[u(i)]
        j = i - 1
        while j >= first and _after(word[u(j)], moved, bucket, dealt, high, low):
            word[u(j + 1)] = word[u(j)]
            j -= 1
        word[u(j + 1)] = moved


@kernel
def _merge(count, word, spare, bucket, dealt, high, low):
    """Sorts the first ``count`` words: insertion in runs, then merging."""
    for first in range(0, count, RUN):
        _insert(first, min(first + RUN, count), word, bucket, dealt, high, low)
    width = RUN
    while width < count:
        for first in range(0, count - width, 2 * width):
            middle = first + width
            last = min(middle + width, count)
            for i in range(first, middle):
                spare[i - first] = word[i]
            left = 0
            right = middle
            for at in range(first, last):
                take_left = left < width
                if take_left and right < last:
                    take_left = not _after(spare[left], word[right], bucket, dealt, high, low)
                if take_left:
                    word[at] = spare[left]
                    left += 1
                else:
                    word[at] = word[right]
                    right += 1
        width *= 2


@inlined
def _arrange_bucket(dealt, begin, end, span, high, low, scratch, at, event, row):
    """Sorts one bucket and writes its events from ``at`` on; arguments as of :func:`arrange`."""
    first_group, group_bits, first_start, start_bits = span
    word = scratch.word
    key = scratch.spare
    bins = scratch.bins
    count = end - begin
    bin_bits = np.int64(1)
    while (1 << bin_bits) < count and bin_bits < group_bits + start_bits:
        bin_bits += 1
    place_bits = np.int64(0)
    while (1 << place_bits) < count:
        place_bits += 1
    # a key of group and start fits its part of the word, or else the start's last bits decide only ties
    drop = max(group_bits + start_bits + place_bits - WORD_BITS, np.int64(0))
    start_bits -= drop
    shift = max(group_bits + start_bits - bin_bits, np.int64(0))
    last_bin = 1 << bin_bits
    for i in range(last_bin + 1):
        bins[u(i)] = 0
    for i in range(begin, end):
        g = (dealt[u(DEALT_WORDS * i + EVENT_WORDS)] >> 32) - first_group
        k = g << start_bits | (dealt[u(DEALT_WORDS * i)] - first_start) >> drop
        key[u(i - begin)] = k
        bins[u((k >> shift) + 1)] += 1
    crowd = np.int32(0)
    before = np.int32(0)
    for i in range(1, last_bin + 1):
        size = bins[u(i)]
        crowd = max(crowd, size)
        before += size
        bins[u(i)] = before
    for i in range(count):
        k = key[u(i)]
        to = bins[u(k >> shift)]
        bins[u(k >> shift)] = to + 1
        word[u(to)] = k << place_bits | i
    bucket = (place_bits, begin)
    if crowd <= RUN:
        _insert(0, count, word, bucket, dealt, high, low)
    else:
        _merge(count, word, scratch.spare, bucket, dealt, high, low)
    mask = (1 << place_bits) - 1
    for i in range(count):
        words = DEALT_WORDS * (begin + (word[u(i)] & mask))
        to = EVENT_WORDS * (at + i)
        for one in range(EVENT_WORDS):
            event[u(to + one)] = dealt[u(words + one)]
        row[u(at + i)] = dealt[u(words + EVENT_WORDS)] & _LOW


@kernel
def arrange(dealt, bucket_end, buckets, shift, starts, high, low, scratch, event, row):
    """Writes the events of some neighbouring buckets in event order.

    Args:
        dealt: int64[5 m], events by bucket.
        bucket_end: int64[buckets + 1], where each bucket ends.
        buckets: (first bucket, end).
        shift: Bits by which a group is shifted to give its bucket.
        starts: (first start, bits): all starts are less than 2**bits above the first.
        high: uint64[n], high half of the record's key by row, breaks ties of the start.
        low: uint64[n], low half.
        scratch: SortScratch for as many events as the largest of the buckets has.
        event: int64[4 k], filled.
        row: int64[k], filled.

    Returns:
        Number of events written.
    """
    first, last = buckets
    begin = bucket_end[first - 1] if first > 0 else np.int64(0)
    at = np.int64(0)
    for bucket in range(first, last):
        end = bucket_end[bucket]
        span = (bucket << shift, shift, starts[0], starts[1])
        if begin < end:
            _arrange_bucket(dealt, begin, end, span, high, low, scratch, at, event, row)
        at += end - begin
        begin = end
    return at
