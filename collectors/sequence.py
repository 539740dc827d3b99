"""Sequence numbers in file names, and the gaps between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Sequence numbers `first` to `last`, both missing, of one source."""

    source: str
    first: int
    last: int

    @property
    def count(self) -> int:
        """Returns how many files are missing."""
        return self.last - self.first + 1


def sequence_of(name: str, pattern: re.Pattern[str] | None) -> int | None:
    """Returns the number that the group `sequence` of `pattern` finds in a file's name."""
    found = pattern.search(name) if pattern is not None else None
    return int(found["sequence"]) if found is not None and found["sequence"] else None


def gaps_of(source: str, numbers: Iterable[int]) -> list[Gap]:
    """Returns what is missing between the lowest and the highest of `numbers`, in order."""
    present = sorted(set(numbers))
    return [
        Gap(source, before + 1, after - 1)
        for before, after in pairwise(present)
        if after - before > 1
    ]
