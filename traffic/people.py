"""Drawing the subscribers that data sessions serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from traffic.population import Population

    Ints = NDArray[np.int64]


def draw_served(rng: np.random.Generator, people: Population, area: int, seconds: Ints) -> Ints:
    """Returns rows of subscribers who are active at the given times.

    Args:
        rng: Source of randomness.
        people: The subscribers.
        area: Index of the area that four of five come from; -1 for all areas alike.
        seconds: UTC seconds, one for each row wanted.
    """
    luck = rng.random(len(seconds))
    rows = (luck * len(people)).astype(np.int64)
    if area >= 0:
        low, high = people.area_start[area : area + 2]
        if high > low:
            near = people.by_area[low + (luck * (high - low)).astype(np.int64)]
            rows = np.where(rng.random(len(seconds)) < 0.8, near, rows)
    return active(people, rows, seconds)


def active(people: Population, rows: Ints, seconds: Ints) -> Ints:
    """Returns the rows, with those that are not valid at their time replaced by others.

    The replacement is the next row that is valid for all time that traffic covers, so a
    subscriber with two periods is found in both of them and never outside.
    """
    wrong = np.flatnonzero(
        (people.active_from[rows] > seconds) | (people.active_to[rows] <= seconds)
    )
    if len(wrong):
        steady = people.steady
        place = np.searchsorted(steady, rows[wrong]) % len(steady)
        rows = rows.copy()
        rows[wrong] = steady[place]
    return rows
