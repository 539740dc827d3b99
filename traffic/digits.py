"""Telephone numbers as one int64: digits, how many there are, and the type-of-number octet.

``packed = digits << 12 | count << 8 | octet``. The count keeps leading zeros ("00852…", "010…"),
the octet is the first one of an AddressString (TS 29.002) or BCD directory number (TS 24.008
§10.5.4.7): 0x91 international, 0xA1 national, 0x81 unknown. Up to 15 digits fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

INTERNATIONAL = 0x91
NATIONAL = 0xA1
UNKNOWN = 0x81

MISSING = -(2**63)
"""An absent optional field in an int64 column."""

_POWERS = 10 ** np.arange(1, 16, dtype=np.int64)


def count_digits(value: Ints) -> Ints:
    """Returns how many decimal digits each non-negative value has, int64; 0 has one."""
    count = np.searchsorted(_POWERS, value, side="right") + 1
    return count.astype(np.int64)


def pack(value: Ints, octet: Ints | int, count: Ints | int | None = None) -> Ints:
    """Returns packed numbers.

    Args:
        value: Digits read as a number, without leading zeros.
        octet: Type-of-number octet, one for all or one each.
        count: How many digits are written, leading zeros included; None counts them.
    """
    if count is None:
        count = count_digits(value)
    return value << 12 | np.int64(count) << 8 | np.int64(octet)


def text_of(packed: int) -> str:
    """Returns the digits of one packed number as they are written."""
    return str(packed >> 12).zfill(packed >> 8 & 15)


def octets_of(packed: int) -> bytes:
    """Returns the octets of an AddressString: type of number, then digits, low nibble first."""
    return bytes((packed & 255,)) + tbcd(text_of(packed))


def tbcd(digits: str) -> bytes:
    """Returns decimal digits as TBCD, low nibble first, filled with F (TS 29.002)."""
    padded = digits + "F" * (len(digits) % 2)
    return bytes(int(padded[i + 1] + padded[i], 16) for i in range(0, len(padded), 2))
