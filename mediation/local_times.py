"""Local times of nodes that write no time zone, made UTC behind the kernel, row by row.

A codec that reads the clock on the wall leaves the column `utc_offset` missing. The zone of the row
is that of its recording entity in the source's `TimeZones`, which is asked once per entity.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from mediation.kernels.local_times import localise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediation.time_zones import TimeZones

    Int32s = np.ndarray[tuple[int], np.dtype[np.int32]]
    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]


class LocalTimes:
    """The local times of one chunk.

    Args:
        zones: The zones of the source.
    """

    def __init__(self, zones: TimeZones) -> None:
        self.zones = zones
        # The last one is for rows without a recording entity, whose index is -1.
        self.by_word = [zones.zone_of(None)]
        self.table: Int64s = np.array(self.by_word, np.int64)

    def learn(self, words: Iterable[str]) -> None:
        """Takes notice of the recording entities, in order of their index; they only grow."""
        fresh = [self.zones.zone_of(word) for word in islice(words, len(self.by_word) - 1, None)]
        if fresh:
            self.by_word[-1:] = [*fresh, self.by_word[-1]]
            self.table = np.array(self.by_word, np.int64)

    def zones_of(self, entity: Int64s, codes: Int32s) -> Int64s:
        """Returns the number of each row's zone, int64[rows]; for the arrays see `resolve`."""
        known = entity >= 0
        code = np.full(len(entity), -1, np.int64)
        code[known] = codes[entity[known]]
        zones: Int64s = self.table[code]
        return zones

    def resolve(self, start: Int64s, offset: Int64s, entity: Int64s, codes: Int32s) -> Int32s:
        """Writes UTC over local times, and their offsets.

        Args:
            start: int64[rows] microseconds, in place; `MISSING` stays.
            offset: int64[rows] minutes, in place; where it is `MISSING`, `start` is a local time.
            entity: int64[rows], text of the recording entity, `MISSING` for none.
            codes: int32[texts], index of a recording entity as learnt by text, -1 for none.

        Returns:
            The rows whose zone is not known, int32.
        """
        zones = self.zones
        unknown = np.empty(len(start), np.int32)
        count = localise(
            start, offset, entity, codes, self.table,
            zones.spans, zones.starts, zones.offsets, unknown,
        )  # fmt: skip
        return unknown[:count]
