"""What rating raises: subscriber data, tariff books and states that cannot be used.

An event that cannot be rated is data (a reason of :mod:`rating.reasons`), never an exception.
"""

from __future__ import annotations

from tariffs.errors import Problem, ProblemsError, nearest

__all__ = ["Problem", "RatingError", "SubscriberDataError", "nearest"]


class RatingError(Exception):
    """Base of everything that rating raises on purpose."""


class SubscriberDataError(RatingError, ProblemsError):
    """Subscriber data that cannot be used."""

    what = "The subscriber data"
