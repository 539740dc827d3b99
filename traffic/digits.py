"""Telephone numbers as one int64: digits, how many there are, and the type-of-number octet.

``packed = digits << 12 | count << 8 | octet``. The count keeps leading zeros ("00852…", "010…"),
the octet is the first one of an AddressString (TS 29.002) or BCD directory number (TS 24.008
§10.5.4.7): 0x91 international, 0xA1 national, 0x81 unknown. Up to 15 digits fit.
"""

from __future__ import annotations

INTERNATIONAL = 0x91
NATIONAL = 0xA1
UNKNOWN = 0x81

MISSING = -(2**63)
"""An absent optional field in an int64 column."""


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


def bcd(digits: str) -> bytes:
    """Returns decimal digits as BCD, high nibble first, filled with F (TAP, NRTRDE)."""
    return bytes.fromhex(digits + "f" * (len(digits) % 2))
