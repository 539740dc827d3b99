"""Small lookup tables that codecs read instead of branching; made once at import."""

from __future__ import annotations

from typing import Final

import numpy as np

YEAR_2000: Final = 30
"""Years since 1970."""


def _bcd() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """int16[256]: the number that an octet of BCD means, high nibble first; -1 if it is none."""
    table = np.full(256, -1, np.int16)
    for number in range(100):
        table[(number // 10 << 4) | number % 10] = number
    return table


def _tbcd() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """int16[256]: two digits, low nibble first; -1 a digit then filler, -2 filler, -3 neither."""
    table = np.full(256, -3, np.int16)
    for number in range(100):
        table[number // 10 | number % 10 << 4] = number
    table[[0xF0 | digit for digit in range(10)]] = -1
    table[0xFF] = -2
    return table


def _days() -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """int32[100 * 512]: days since 1970 by year << 9 | month << 5 | day; -1 for no such date."""
    table = np.full(100 << 9, -1, np.int32)
    days = np.arange("2000-01-01", "2100-01-01", dtype="datetime64[D]")
    months = days.astype("datetime64[M]")
    year, month = np.divmod(months.astype(np.int64), 12)
    day = (days - months).astype(np.int64) + 1
    table[(year - YEAR_2000) << 9 | (month + 1) << 5 | day] = days.astype(np.int64)
    return table


BCD: Final = _bcd()
TBCD: Final = _tbcd()
DAYS: Final = _days()
POWERS: Final = np.array([10**exponent for exponent in range(19)], np.int64)
"""int64[19]: powers of ten."""
