"""Slow, obvious twins of :mod:`rating.billing.kernels.names`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def mark_used(codes: Sequence[int], names: int) -> list[bool]:
    """Returns for each name whether it occurs."""
    return [name in codes for name in range(names)]


def renumber(codes: Sequence[int], table: Sequence[int]) -> list[int]:
    """Returns the codes under their new numbers."""
    return [-1 if code == -1 else table[code] for code in codes]
