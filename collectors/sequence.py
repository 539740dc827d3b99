"""Sequence numbers in file names, and the gaps between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


DIGITS = re.compile(r"\(\?P<sequence>\\d\{(\d+)\}\)")
"""A group that wants so many digits."""


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


@dataclass(frozen=True, slots=True)
class Ring:
    """Numbers `first` to `last`; after the last one a node counts from the first one again."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """Returns how many numbers there are."""
        return self.last - self.first + 1

    def numbers(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Returns numbers `begin` to `end` of an endless count as the node writes them."""
        first = (begin - self.first) % self.size + self.first
        last = first + end - begin
        if last <= self.last:
            return [(first, last)]
        return [(first, self.last), *self.numbers(begin + self.last + 1 - first, end)]


def ring_of(pattern: str, first: int, last: int | None) -> Ring | None:
    """Returns where a node's numbers end: as configured, else by the digits that `pattern` wants."""
    digits = DIGITS.search(pattern)
    if last is None and digits is not None:
        last = 10 ** int(digits[1]) - 1
    return None if last is None else Ring(first, last)


def endless(numbers: Iterable[int], ring: Ring | None) -> list[int]:
    """Returns numbers in order of arrival as those of an endless count.

    Each is the one next to the highest so far, so files may come late or early by half a ring.
    """
    if ring is None:
        return list(numbers)
    found: list[int] = []
    high = 0
    for number in numbers:
        if found:
            half = ring.size // 2
            found.append(high + (number - high + half) % ring.size - half)
        else:
            found.append(number)
        high = max(high, found[-1]) if len(found) > 1 else found[-1]
    return found


def gaps_of(source: str, numbers: Iterable[int], ring: Ring | None = None) -> list[Gap]:
    """Returns what is missing between the lowest and the highest of `numbers`, in order.

    Args:
        source: Whose numbers.
        numbers: In order of arrival.
        ring: Where they begin again; None: never.
    """
    present = sorted(set(endless(numbers, ring)))
    missing = [(a + 1, b - 1) for a, b in pairwise(present) if b - a > 1]
    if ring is not None:
        missing = [piece for begin, end in missing for piece in ring.numbers(begin, end)]
    return [Gap(source, begin, end) for begin, end in missing]
