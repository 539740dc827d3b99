"""When things happen: the month, the profile of a day, and the clocks of visited networks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from traffic.network import NETWORKS, TIME_ZONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

CALLS = (3, 2, 1, 1, 1, 2, 6, 16, 36, 50, 54, 56, 46, 40, 46, 50, 52, 56, 62, 64, 58, 44, 24, 10)
"""Share of the calls and messages in each hour of the operator's day."""

SESSIONS = (
    20,
    14,
    10,
    8,
    7,
    8,
    16,
    30,
    40,
    42,
    44,
    50,
    58,
    50,
    44,
    44,
    46,
    52,
    58,
    64,
    70,
    72,
    60,
    36,
)
"""Share of the data sessions in each hour; evenings lead and nights never sleep."""

HOUR = 3_600
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open time in UTC seconds, and the month it belongs to."""

    start: int
    end: int
    month_start: int
    month_end: int

    def part(self, index: int, parts: int) -> Span:
        """Returns one of `parts` nearly equal pieces."""
        length = self.end - self.start
        return Span(
            self.start + length * index // parts,
            self.start + length * (index + 1) // parts,
            self.month_start,
            self.month_end,
        )

    def first(self, days: int) -> Span:
        """Returns its first days, all of it if it has no more."""
        end = min(self.start + days * DAY_SECONDS, self.end)
        return Span(self.start, end, self.month_start, self.month_end)


def month_of(first: date) -> Span:
    """Returns a calendar month of the operator's clock."""
    following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    zone = ZoneInfo(TIME_ZONE)
    start, end = (
        int(datetime(day.year, day.month, 1, tzinfo=zone).timestamp()) for day in (first, following)
    )
    return Span(start, end, start, end)


def hour_weights(span: Span, profile: tuple[int, ...]) -> tuple[Ints, Floats]:
    """Returns the hours' edges in a span (UTC seconds) and the weight before each edge."""
    edges = np.arange(span.start // HOUR * HOUR, span.end + HOUR, HOUR, dtype=np.int64)
    edges = np.unique(np.clip(edges, span.start, span.end))
    hours = (edges[:-1] // HOUR + 8) % 24
    weight = np.asarray(profile, np.float64)[hours] * np.diff(edges)
    return edges, np.concatenate([[0.0], np.cumsum(weight)])


def draw_times(rng: np.random.Generator, n: int, span: Span, profile: tuple[int, ...]) -> Ints:
    """Returns `n` unordered times in a span, UTC seconds, denser where the profile is higher."""
    edges, summed = hour_weights(span, profile)
    drawn = np.interp(rng.random(n) * summed[-1], summed, edges.astype(np.float64))
    seconds: Ints = np.minimum(drawn.astype(np.int64), span.end - 1)
    return seconds


@cache
def clock_changes(month_start: int, month_end: int) -> tuple[Ints, Ints, Ints]:
    """Returns for each network its offset before and after a change in the month, and when.

    Offsets are minutes ahead of UTC; a network whose clock does not change in the month has its
    change at the month's end. A month has at most one change.
    """
    rows = []
    for network in NETWORKS:
        zone = ZoneInfo(network.zone)

        def offset(second: int, zone: ZoneInfo = zone) -> int:
            shift = datetime.fromtimestamp(second, zone).utcoffset() or timedelta()
            return int(shift.total_seconds()) // 60

        before = offset(month_start)
        seconds = range(month_start, month_end, HOUR)
        change = next((second for second in seconds if offset(second) != before), month_end)
        rows.append((before, offset(change), change))
    table = np.asarray(rows, dtype=np.int64)
    return table[:, 0], table[:, 1], table[:, 2]


def offsets_of(network: Ints, seconds: Ints, span: Span) -> Ints:
    """Returns the offset that a switch of each network writes at each time, in minutes."""
    before, after, change = clock_changes(span.month_start, span.month_end)
    return np.where(seconds < change[network], before[network], after[network])
