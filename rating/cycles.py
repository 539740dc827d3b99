"""Bill cycles: calendar months of the book's zone, half-open, as UTC microseconds."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def to_us(when: dt.datetime) -> int:
    """Returns UTC microseconds of an aware datetime."""
    return (when - _EPOCH) // _MICROSECOND


def from_us(instant: int, time_zone: str = "UTC") -> dt.datetime:
    """Returns the aware datetime of UTC microseconds, on the clock of ``time_zone``."""
    return (_EPOCH + dt.timedelta(microseconds=instant)).astimezone(ZoneInfo(time_zone))


def first_day(cycle: str) -> dt.date:
    """Returns the first day of a cycle such as ``2026-10``.

    Raises:
        ValueError: If the text is not a month.
    """
    found = _MONTH.fullmatch(cycle)
    if found is None:
        message = f"cycle {cycle!r} is not a month; write it as YYYY-MM, such as 2026-10"
        raise ValueError(message)
    return dt.date(int(found[1]), int(found[2]), 1)


def last_day(cycle: str) -> dt.date:
    """Returns the first day after a cycle."""
    first = first_day(cycle)
    return dt.date(first.year + first.month // 12, first.month % 12 + 1, 1)


def cycle_before(cycle: str) -> str:
    """Returns the cycle before one."""
    return f"{first_day(cycle) - dt.timedelta(days=1):%Y-%m}"


def days_of(cycle: str) -> int:
    """Returns the number of days of a cycle."""
    return (last_day(cycle) - first_day(cycle)).days


@lru_cache(maxsize=256)
def cycle_bounds(cycle: str, time_zone: str) -> tuple[int, int]:
    """Returns [begin, end) of a cycle in UTC microseconds, midnights of ``time_zone``."""
    zone = ZoneInfo(time_zone)
    begin, end = (
        dt.datetime(day.year, day.month, day.day, tzinfo=zone)
        for day in (first_day(cycle), last_day(cycle))
    )
    return to_us(begin), to_us(end)


def midnights(cycle: str, time_zone: str) -> tuple[int, ...]:
    """Returns the UTC microseconds at which the days of a cycle begin, and its end."""
    zone = ZoneInfo(time_zone)
    days = (first_day(cycle) + dt.timedelta(days=n) for n in range(days_of(cycle) + 1))
    return tuple(to_us(dt.datetime(day.year, day.month, day.day, tzinfo=zone)) for day in days)


def cycle_of(instant: int, time_zone: str) -> str:
    """Returns the cycle that holds the UTC microsecond ``instant``."""
    return f"{from_us(instant, time_zone):%Y-%m}"


def day_number(instant: int, time_zone: str) -> int:
    """Returns the local day (days since 1970-01-01) that holds ``instant``: what proration counts.

    The day of a change belongs to what comes after it, so the days of consecutive validities add
    up to those of the cycle.
    """
    return (from_us(instant, time_zone).date() - _EPOCH.date()).days


def cycles_between(first: int, last: int, time_zone: str) -> list[str]:
    """Returns the cycles from the one of ``first`` to the one of ``last``, both inclusive."""
    cycle, end = cycle_of(first, time_zone), cycle_of(last, time_zone)
    out = [cycle]
    while cycle != end:
        cycle = f"{last_day(cycle):%Y-%m}"
        out.append(cycle)
    return out
