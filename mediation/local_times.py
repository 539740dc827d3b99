"""Local times of nodes that write no time zone, made UTC behind the kernel, row by row.

A codec that reads the clock on the wall leaves the column `utc_offset` missing. The zone of the row
is that of its recording entity in the source's `TimeZones`, which is asked once per entity.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.edr import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediation.time_zones import TimeZones

    Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
    Int32s = np.ndarray[tuple[int], np.dtype[np.int32]]
    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]

NO_ZONE: Final = -1


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

    def resolve(self, start: Int64s, offset: Int64s, entity: Int32s) -> Bools | None:
        """Writes UTC over local times, and their offsets.

        Args:
            start: int64[rows] microseconds, in place; `MISSING` stays.
            offset: int64[rows] minutes, in place; where it is `MISSING`, `start` is a local time.
            entity: int32[rows], index of the recording entity as learnt, -1 for none.

        Returns:
            bool[rows], True where no zone is known; None where there is no such row.
        """
        local = (offset == MISSING) & (start != MISSING)
        zone = np.where(local, self.table[entity], NO_ZONE)
        rows = np.flatnonzero(zone != NO_ZONE)
        start[rows], offset[rows] = self.zones.utc(start[rows], zone[rows])
        unknown = local & (zone == NO_ZONE)
        return unknown if unknown.any() else None
