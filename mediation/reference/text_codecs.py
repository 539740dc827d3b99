"""Codecs of text in plain Python: the oracle for `mediation.kernels.texts`."""

from __future__ import annotations

import re
from typing import Final

DECIMAL: Final = re.compile(rb"(?:[a-z]+-)?([0-9]{1,18})(?:\0.*)?\Z", re.DOTALL | re.IGNORECASE)


def decimal(octets: bytes, *, equipment: bool) -> int | None:
    """Returns decimal digits behind an optional ``name-``, None where there are none."""
    found = DECIMAL.match(octets)
    if found is None:
        return None
    digits = found[1][:14] if equipment and len(found[1]) == 16 else found[1]
    return int(digits)


def digest(octets: bytes) -> int | None:
    """Returns 63 bits of the FNV-1a hash of the octets, None if there are none."""
    value = 0xCBF29CE484222325
    for octet in octets:
        value = (value ^ octet) * 0x100000001B3 % 2**64
    return value % 2**63 if octets else None


def key(octets: bytes) -> int | None:
    """Returns up to 8 octets as a number that conditions compare, None where there are more."""
    value = int.from_bytes(octets, "big")
    if not octets or value >= 1 << 64 or value == 1 << 63:
        return None
    return value - (1 << 64) if value >= 1 << 63 else value
