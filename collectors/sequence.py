"""Sequence numbers in file names, and the gaps between them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

DIGITS = re.compile(r"\(\?P<sequence>\\d\{(\d+)\}\)")
"""A group that wants so many digits."""

MOST_DIGITS = 18
LONGEST = 10**MOST_DIGITS
"""Numbers from here on are none: int64 has room for some rounds of the endless count below it."""


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
    """Returns the number that the group `sequence` of `pattern` finds in a file's name.

    A sender may name a file as it likes: what is no number, or has too many digits, is none.
    """
    found = pattern.search(name) if pattern is not None else None
    digits = found["sequence"] if found is not None else None
    if not digits or not digits.isdecimal():
        return None
    number = int(digits)
    return number if number < LONGEST else None


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
    """Returns where a node's numbers end: as configured, else by the digits that `pattern` wants.

    With more digits than a number may have it never begins again.
    """
    digits = DIGITS.search(pattern)
    if last is None and digits is not None and int(digits[1]) <= MOST_DIGITS:
        last = 10 ** int(digits[1]) - 1
    return None if last is None else Ring(first, last)


@dataclass(slots=True)
class Seen:
    """Numbers of one node that have come, in ranges: as small as the gaps between them are few.

    Numbers are those of an endless count. Each is the one next to the highest so far, so they may
    come late or early by half a ring.
    """

    ring: Ring | None = None
    """Where the node begins again; None: never."""
    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)
    """The ranges, ascending; between any two of them a number is missing."""

    def place(self, number: int) -> int:
        """Returns a number as the node writes it as one of the endless count."""
        if self.ring is None or not self.lasts:
            return number
        high, half = self.lasts[-1], self.ring.size // 2
        return high + (number - high + half) % self.ring.size - half

    def place_missing(self, number: int) -> int:
        """Returns a number that is missing, as the node writes it, as one of the endless count."""
        for first, last in reversed(self.missing()):
            place = number if self.ring is None else first + (number - first) % self.ring.size
            if first <= place <= last:
                return place
        return self.place(number)

    def add(self, first: int, last: int) -> list[tuple[int, int]]:
        """Adds numbers `first` to `last` of the endless count; returns those that had come before."""
        begin = bisect_left(self.lasts, first - 1)
        end = bisect_right(self.firsts, last + 1)
        known = [
            (max(first, a), min(last, b))
            for a, b in zip(self.firsts[begin:end], self.lasts[begin:end], strict=True)
            if a <= last and first <= b
        ]
        if begin < end:
            first, last = min(first, self.firsts[begin]), max(last, self.lasts[end - 1])
        self.firsts[begin:end] = [first]
        self.lasts[begin:end] = [last]
        return known

    def give_up(self, most: int) -> int:
        """Counts the oldest gaps beyond `most` as if they had come; returns their numbers."""
        more = len(self.firsts) - 1 - most
        if more <= 0:
            return 0
        gone = sum(last - first + 1 for first, last in self.missing()[:more])
        del self.firsts[1 : more + 1]
        del self.lasts[:more]
        return gone

    def missing(self) -> list[tuple[int, int]]:
        """Returns the gaps of the endless count, ascending."""
        return [(a + 1, b - 1) for a, b in zip(self.lasts, self.firsts[1:], strict=False)]

    def missing_before(self, number: int) -> int:
        """Returns how many are missing just before a number that has come."""
        at = bisect_left(self.firsts, number)
        if not 0 < at < len(self.firsts) or self.firsts[at] != number:
            return 0
        return number - self.lasts[at - 1] - 1

    def written(self, first: int, last: int) -> list[tuple[int, int]]:
        """Returns numbers of the endless count as the node writes them."""
        return [(first, last)] if self.ring is None else self.ring.numbers(first, last)


def gaps_of(source: str, seen: Seen) -> list[Gap]:
    """Returns what is missing between the lowest and the highest number, in order of the count."""
    return [Gap(source, a, b) for gap in seen.missing() for a, b in seen.written(*gap)]
