"""Values that hold from a date until the next."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Generic, TypeVar

from tariffs.compiled import BEGINNING, FOREVER

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A value over time: ``values[i]`` holds from ``starts[i]`` (UTC µs) until the next start.

    Before the first start, and where the value is None, there is no value.
    """

    starts: tuple[int, ...]
    values: tuple[T | None, ...]

    @staticmethod
    def always(value: T | None) -> Dated[T]:
        """Returns a value without dates."""
        return Dated((BEGINNING,), (value,))

    def at(self, when_us: int) -> T | None:
        """Returns the value that holds at an instant, None where there is none."""
        index = bisect_right(self.starts, when_us) - 1
        return self.values[index] if index >= 0 else None

    def spans(self) -> list[tuple[int, int, T]]:
        """Returns (from, to, value) of every stretch that has a value; half-open."""
        ends = (*self.starts[1:], FOREVER)[: len(self.starts)]
        return [
            (start, end, value)
            for start, end, value in zip(self.starts, ends, self.values, strict=True)
            if value is not None
        ]
