"""Compiles the calendar: bands per minute, day types per date, the zone's clock changes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from tariffs.compiled import BEGINNING, Int8, Int16, Int32, Int64
from tariffs.context import EPOCH_DAY
from tariffs.read_time import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from tariffs.model import Book

MINUTES = 1440
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday: weekday index 3."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The time tables as :class:`~tariffs.compiled.CompiledBook` describes them."""

    tm_band: Int8
    tm_until: Int16
    day0: int
    day_type: Int8
    tz_utc_us: Int64
    tz_offset_min: Int32


def compile_calendar(book: Book) -> Calendar:
    """Returns the time tables of a book."""
    band, until = _bands(book)
    first = (dt.date(FIRST_YEAR, 1, 1) - EPOCH_DAY).days
    last = (dt.date(LAST_YEAR, 12, 31) - EPOCH_DAY).days
    days = (np.arange(first, last + 1) + EPOCH_WEEKDAY) % 7
    for day, kind in book.special_days.items():
        days[day - first] = kind
    starts, offsets = clock_changes(ZoneInfo(book.time_zone))
    return Calendar(band, until, first, days.astype(np.int8), starts, offsets)


def _bands(book: Book) -> tuple[Int8, Int16]:
    """Returns (band, minute at which it ends) for each time model, day type and minute."""
    shape = (len(book.time_models), len(book.day_types), MINUTES)
    band = np.zeros(shape, np.int8)
    for index, model in enumerate(book.time_models):
        band[index] = model.otherwise
        for window in model.windows:
            band[index, list(window.days), window.start : window.end] = window.band
    until = np.full(shape, MINUTES, np.int16)
    for minute in range(MINUTES - 2, -1, -1):
        same = band[:, :, minute] == band[:, :, minute + 1]
        until[:, :, minute] = np.where(same, until[:, :, minute + 1], minute + 1)
    return band.reshape(-1), until.reshape(-1)


def clock_changes(zone: ZoneInfo) -> tuple[Int64, Int32]:
    """Returns (UTC µs, minutes to add from there on), from FIRST_YEAR to LAST_YEAR.

    Before the first change the offset is that of the first year's beginning.
    """
    begin = dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC)
    days = (dt.datetime(LAST_YEAR + 1, 1, 1, tzinfo=dt.UTC) - begin).days
    second = dt.timedelta(seconds=1)

    def offset(seconds: int) -> int:
        local = (begin + seconds * second).astimezone(zone)
        return int((local.utcoffset() or dt.timedelta()).total_seconds() // 60)

    starts, offsets = [BEGINNING], [offset(0)]
    base = int(begin.timestamp())
    for day in range(days):
        low, high = day * 86400, (day + 1) * 86400
        if offset(high) == offsets[-1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        starts.append((base + high) * 1_000_000)
        offsets.append(offset(high))
    return np.array(starts, np.int64), np.array(offsets, np.int32)
