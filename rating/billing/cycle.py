"""Bill cycles: calendar months in the book's time zone.

A cycle is half open, ``[start, end)``, from midnight of its first day to midnight of the first day
of the next one, both on the clock of the book's zone; so a month with a change to summer time is
an hour shorter, and still has its 31 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from rating.cycles import first_day, last_day, midnights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Int64 = NDArray[np.int64]

_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Cycle:
    """One bill cycle.

    Attributes:
        name: ``YYYY-MM``.
        first_day: First day, in the book's zone.
        next_day: First day that is no longer in it.
        midnight_us: int64[days + 1] UTC µs at which each day begins; the last entry is the end.
        time_zone: IANA name of the zone whose midnights these are.
    """

    name: str
    first_day: date
    next_day: date
    midnight_us: tuple[int, ...]
    time_zone: str

    @property
    def start_us(self) -> int:
        """First instant, UTC µs."""
        return self.midnight_us[0]

    @property
    def end_us(self) -> int:
        """First instant that is no longer in the cycle, UTC µs."""
        return self.midnight_us[-1]

    @property
    def days(self) -> int:
        """Number of calendar days."""
        return len(self.midnight_us) - 1

    @property
    def first_number(self) -> int:
        """First day, as days since 1970-01-01."""
        return self.first_day.toordinal() - _EPOCH_DAY

    @property
    def next_number(self) -> int:
        """First day that is no longer in the cycle, as days since 1970-01-01."""
        return self.next_day.toordinal() - _EPOCH_DAY

    def day_span(self, from_us: Int64, to_us: Int64) -> tuple[Int64, Int64]:
        """Returns the days of the cycle that half-open validities own, as indexes.

        A day belongs to whoever is valid at its last instant. So the day of an activation counts
        whole, the day of a change counts once and for the new plan, and the day of an end (if it
        is not at midnight) does not count; validities that follow each other never share a day and
        never lose one.

        Args:
            from_us: int64[n] first instants, UTC µs.
            to_us: int64[n] first instants after, UTC µs.

        Returns:
            int64[n] first day and int64[n] day after the last, 0 to ``days``; equal if none.
        """
        ends = np.asarray(self.midnight_us[1:], np.int64)
        first = np.searchsorted(ends, from_us, side="right")
        after = np.searchsorted(ends, to_us, side="right")
        return first.astype(np.int64), np.maximum(after, first).astype(np.int64)


def month_cycle(name: str, time_zone: str) -> Cycle:
    """Returns the calendar month as a cycle.

    Args:
        name: ``YYYY-MM``.
        time_zone: IANA name of the book's zone.

    Raises:
        ValueError: If the name is not a month.
    """
    return Cycle(name, first_day(name), last_day(name), midnights(name, time_zone), time_zone)
