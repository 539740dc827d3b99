"""What rating raises: subscriber data, tariff books and states that cannot be used.

An event that cannot be rated is data (a reason of :mod:`rating.reasons`), never an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.errors import Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Problem", "RatingError", "SubscriberDataError", "nearest"]


class RatingError(Exception):
    """Base of everything that rating raises on purpose."""


class SubscriberDataError(RatingError):
    """Subscriber data that cannot be used.

    Attributes:
        folder: The folder, as given.
        problems: Every mistake found, in order of file and line.
    """

    def __init__(self, folder: str, problems: Iterable[Problem]) -> None:
        self.folder = folder
        self.problems = sorted(set(problems))
        super().__init__(folder, tuple(self.problems))

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"The subscriber data {self.folder} has {count} problem{'s' if count != 1 else ''}:"
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])
