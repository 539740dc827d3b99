"""Drawing who is in an event: served subscribers, and the numbers of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from traffic import network
from traffic.digits import INTERNATIONAL, NATIONAL, UNKNOWN, pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from traffic.population import Population

    Ints = NDArray[np.int64]

_AREA_CODES = np.asarray(network.AREA_CODES, np.int64)
_COUNTRY = np.asarray([code for code, _ in network.FOREIGN], np.int64)
_LENGTH = np.asarray([length for _, length in network.FOREIGN], np.int64)
_FOREIGN_SHARES = np.asarray([8, 4, 3, 3, 8, 7, 6, 30, 12, 12, 4, 3], np.float64)
_FOREIGN_CUTS = np.cumsum(_FOREIGN_SHARES / _FOREIGN_SHARES.sum())[:-1]

SHORT = tuple(
    (number, len(str(number)))
    for number in (
        *network.EMERGENCY,
        network.SERVICE_LINE,
        network.PREMIUM,
        4_008_000_000,
        8_008_000_000,
    )
)
"""Emergency, service, premium, and the first 400 and 800 numbers, dialled as they stand."""


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


def draw_contacts(rng: np.random.Generator, people: Population, rows: Ints, seconds: Ints) -> Ints:
    """Returns the on-net person each row calls: colleagues in a group first, then contacts."""
    luck = rng.random(len(rows))
    favourite = (luck * luck * 12).astype(np.int64)
    found = people.contact(rows, favourite)
    inside = np.flatnonzero((people.group_size[rows] > 1) & (rng.random(len(rows)) < 0.5))
    found[inside] = people.colleague(rows[inside], rng.integers(0, 1 << 30, len(inside)))
    return active(people, found, seconds)


def own_numbers(people: Population, rows: Ints, form: Ints) -> Ints:
    """Returns packed numbers of subscribers of the home network."""
    return written(people.msisdn[rows], 13, form)


def other_mobiles(rng: np.random.Generator, n: int, form: Ints) -> Ints:
    """Returns packed numbers of other operators' subscribers."""
    area = _AREA_CODES[rng.integers(0, len(_AREA_CODES), n)]
    number = (network.OTHER_PREFIX * 100 + area) * 1_000_000 + rng.integers(0, 1_000_000, n)
    return written(number, 13, form)


def fixed_lines(rng: np.random.Generator, n: int, form: Ints) -> Ints:
    """Returns packed numbers of fixed lines; form 3 is dialled with the trunk prefix 0."""
    area = _AREA_CODES[rng.integers(0, len(_AREA_CODES), n)]
    number = (network.COUNTRY_CODE * 100 + area) * 100_000_000 + rng.integers(
        20_000_000, 90_000_000, n
    )
    return written(number, 12, np.where(form == 2, 3, form))


def foreign_numbers(rng: np.random.Generator, n: int, form: Ints) -> Ints:
    """Returns packed numbers abroad; every form but 0 and 1 is dialled with the prefix 00."""
    which = np.searchsorted(_FOREIGN_CUTS, rng.random(n))
    scale = 10 ** _LENGTH[which]
    number = (
        _COUNTRY[which] * scale + scale // 10 * 2 + (rng.random(n) * (scale // 2)).astype(np.int64)
    )
    count = _LENGTH[which] + np.where(
        _COUNTRY[which] < 10, 1, np.where(_COUNTRY[which] < 100, 2, 3)
    )
    abroad = form >= 2
    return pack(number, np.where(abroad, UNKNOWN, INTERNATIONAL), count + 2 * abroad)


def short_numbers(rng: np.random.Generator, n: int, form: Ints) -> Ints:
    """Returns packed short, free and premium numbers, dialled as they stand in every form."""
    del form
    which = rng.integers(0, len(SHORT), n)
    line = np.where(which >= len(SHORT) - 2, rng.integers(0, 1_000, n), 0)
    digits = np.asarray([number for number, _ in SHORT], np.int64)[which] + line
    return pack(digits, UNKNOWN, np.asarray([size for _, size in SHORT], np.int64)[which])


def written(number: Ints, count: int, form: Ints) -> Ints:
    """Returns packed numbers of the home country in one of the forms that switches write.

    Args:
        number: E.164 digits that begin with 86.
        count: How many digits they have.
        form: 0 and 1 international, 2 the national number alone, 3 with the trunk prefix 0,
            4 marked as national.
    """
    national = number - network.COUNTRY_CODE * 10 ** (count - 2)
    digits = np.where(form <= 1, number, national)
    octet = np.asarray([INTERNATIONAL, INTERNATIONAL, UNKNOWN, UNKNOWN, NATIONAL], np.int64)[form]
    length = np.asarray([count, count, count - 2, count - 1, count - 2], np.int64)[form]
    return pack(digits, octet, length)
