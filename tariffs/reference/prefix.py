"""Longest-prefix match, slow and obvious: the twin of ``tariffs.kernels.prefix``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def zone_of(number: int, prefixes: Mapping[str, int]) -> int:
    """Returns the zone of the longest of ``prefixes`` that ``number`` begins with, -1 if none."""
    digits = str(number) if number > 0 else ""
    for length in range(len(digits), 0, -1):
        if digits[:length] in prefixes:
            return prefixes[digits[:length]]
    return -1
