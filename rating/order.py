"""Brings the events of a batch into event order: by charge group, start and content (law 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rating.kernels import order as kernel
from rating.kernels.guide import EVENT_WORDS
from rating.room import Block, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rating.prepare import Prepared
    from tariffs.compiled import Int8, Int64


ARRAYS = 16
"""Arrays that ordering and pricing cut from one block at most."""


class Dealt:
    """The chosen events of a batch, dealt into buckets of neighbouring charge groups.

    Dealing is half of the sorting; :meth:`arrange` does the other half for as many buckets as are
    wanted at a time, so that what follows can read them while they are in the cache.

    Args:
        prepared: The batch.
        chosen: int8[n], rows where it is 0 take part.
        groups: Number of charge groups.
        block: Memory; :func:`dealt_words` of it.
    """

    def __init__(self, prepared: Prepared, chosen: Int8, groups: int, block: Block) -> None:
        self._prepared = prepared
        self._shift = bucket_shift(groups, len(chosen))
        self._end = np.zeros((max(groups - 1, 0) >> self._shift) + 2, np.int64)
        kernel.count_buckets(prepared.group, chosen, self._shift, self._end)
        self.count = int(self._end[-1])
        self._size = np.diff(self._end)
        self._words = block.array(kernel.DEALT_WORDS * self.count, np.int64)
        kernel.deal(prepared.event, prepared.group, chosen, self._shift, self._end, self._words)
        room = int(self._size.max())
        self._scratch = kernel.SortScratch(
            word=block.array(room, np.int64),
            spare=block.array(room, np.int64),
            bins=block.array(2 * room + 3, np.int32),
        )

    def slices(self, most: int) -> Iterator[tuple[int, int, int]]:
        """Yields (first bucket, end, events) of neighbouring buckets that hold ``most`` events.

        A bucket is never cut: one that holds more is a slice of its own.
        """
        first, held = 0, 0
        for bucket, size in enumerate(self._size.tolist()):
            if held and held + size > most:
                yield first, bucket, held
                first, held = bucket, 0
            held += size
        if held:
            yield first, len(self._size), held

    def arrange(self, first: int, end: int, event: Int64, row: Int64) -> None:
        """Writes the events of buckets ``first`` to ``end`` in event order.

        Rows that agree in group, start and both halves of the record's key keep their order (they
        are duplicates, which mediation removes).

        Args:
            first: First bucket.
            end: First bucket after them.
            event: int64[4 k], filled with the packed events.
            row: int64[k], filled with their rows in the batch.
        """
        prepared = self._prepared
        starts = prepared.first_start, (prepared.last_start - prepared.first_start).bit_length()
        kernel.arrange(
            self._words,
            self._end,
            (first, end),
            self._shift,
            starts,
            prepared.high,
            prepared.low,
            self._scratch,
            event,
            row,
        )

    def arrange_all(self, event: Int64, row: Int64) -> None:
        """Writes all events in event order."""
        self.arrange(0, len(self._size), event, row)


def dealt_words(n: int) -> int:
    """Returns the words of memory that dealing n rows takes at most."""
    return (kernel.DEALT_WORDS + 3) * n + 2


def bucket_shift(groups: int, events: int) -> int:
    """Returns by how many bits a group is shifted to give its bucket."""
    most = max(1, min(kernel.MOST_BUCKETS, events // kernel.BUCKET_EVENTS))
    return max(0, (-(-max(groups, 1) // most) - 1).bit_length())


def event_order(prepared: Prepared, chosen: Int8, groups: int) -> Int64:
    """Returns the rows whose ``chosen`` is 0 in event order."""
    size = Block.size(dealt_words(len(chosen)) + EVENT_WORDS * len(chosen), ARRAYS)
    block = Block(scratch(size, np.uint8))
    dealt = Dealt(prepared, chosen, groups, block)
    row = scratch(dealt.count, np.int64)
    dealt.arrange_all(block.array(EVENT_WORDS * dealt.count, np.int64), row)
    return row
