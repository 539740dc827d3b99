"""Time patterns and time zones of flat formats, compiled to what the kernels read."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import Final

import numpy as np

from mediation.kernels import flat_ops as ops

TOKENS: Final[dict[str, int]] = {
    "YYYY": ops.YEAR,
    "YY": ops.YEAR_2,
    "CC": ops.CENTURY,
    "MON": ops.MONTH_NAME,
    "MM": ops.MONTH,
    "M": ops.MONTH_1,
    "DD": ops.DAY,
    "D": ops.DAY_1,
    "hh": ops.HOUR,
    "h": ops.HOUR_1,
    "mm": ops.MINUTE,
    "ss": ops.SECOND,
    "f": ops.FRACTION,
    "Z": ops.ZONE,
    "AP": ops.HALF_DAY,
}
"""What a pattern may hold: fixed digits, MON Jan to Dec, M, D and h with one or two digits, f any
digits of a fraction, Z a zone as +hhmm, +hh:mm, +hh or Z, AP for AM and PM."""

SPLIT: Final = re.compile("|".join(sorted(TOKENS, key=len, reverse=True)) + "|.", re.DOTALL)
LITERAL_LETTERS: Final = "T"
OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})")
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099
WEEK: Final = 7 * 86_400
"""No zone changes its offset twice within it."""


def tokens_of(pattern: str) -> tuple[int, ...]:
    """Returns the tokens of a pattern.

    Raises:
        ValueError: A letter is no token; the message names it.
    """
    found: list[int] = []
    for piece in SPLIT.findall(pattern):
        if piece in TOKENS:
            found.append(TOKENS[piece])
        elif (piece.isalpha() and piece not in LITERAL_LETTERS) or not 32 <= ord(piece) < 127:
            message = f"`{piece}` is no token of a time; allowed: {', '.join(TOKENS)}"
            raise ValueError(message)
        else:
            found.append(ord(piece))
    return tuple(found)


def has_date(pattern: str) -> bool:
    """Returns whether a pattern says year, month, day and hour."""
    tokens = set(tokens_of(pattern.replace("+", "")))
    groups = (
        {ops.YEAR, ops.YEAR_2},
        {ops.MONTH, ops.MONTH_1, ops.MONTH_NAME},
        {ops.DAY, ops.DAY_1},
        {ops.HOUR, ops.HOUR_1},
    )
    return all(tokens & group for group in groups)


def fixed_offset(zone: str) -> int | None:
    """Returns the minutes of ``+hh:mm``, None where the zone is a name."""
    match = OFFSET.fullmatch(zone)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes


def known_zone(zone: str) -> bool:
    """Returns whether a time zone is an offset or an IANA name."""
    if fixed_offset(zone) is not None:
        return True
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zone_table(zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns a zone as steps of local time.

    Of local times that come twice the first is meant, and those that never come count with the
    offset before the change, as `datetime` does with ``fold=0``.

    Returns:
        int64[n] local seconds since 1970 from which an offset holds, the first very low;
        int64[n] offsets in minutes.
    """
    fixed = fixed_offset(zone)
    if fixed is not None:
        return np.array([-(2**62)], np.int64), np.array([fixed], np.int64)
    info = zoneinfo.ZoneInfo(zone)
    begin = int(dt.datetime(FIRST_YEAR - 1, 12, 30, tzinfo=dt.UTC).timestamp())
    end = int(dt.datetime(LAST_YEAR + 1, 1, 3, tzinfo=dt.UTC).timestamp())
    steps, offsets = [-(2**62)], [_offset(info, begin)]
    for week in range(begin, end, WEEK):
        after = _offset(info, week + WEEK)
        if after != offsets[-1]:
            at = _change(info, week, week + WEEK, offsets[-1])
            steps.append(at + 60 * max(offsets[-1], after))
            offsets.append(after)
    return np.array(steps, np.int64), np.array(offsets, np.int64)


def _offset(info: zoneinfo.ZoneInfo, at: int) -> int:
    found = dt.datetime.fromtimestamp(at, info).utcoffset()
    return 0 if found is None else int(found.total_seconds()) // 60


def _change(info: zoneinfo.ZoneInfo, low: int, high: int, before: int) -> int:
    """Returns the UTC second between `low` and `high` at which the offset stops being `before`."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(info, middle) == before:
            low = middle
        else:
            high = middle
    return high
