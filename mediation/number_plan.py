"""How the switches of one operator write phone numbers, and what the kernel needs to read them.

A `NumberPlan` is data (``number_plans/*.yaml``, read by `mediation.number_plan_file`); `array`
compiles it to int64. Digits stand left-aligned in 18 places there, so that a prefix is a range and
finding the longest one is a search in a sorted list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.kernels import ops

if TYPE_CHECKING:
    from collections.abc import Iterator

    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]

PLACES: Final = 18
"""Digits that the kernel reads of a number; longer ones stay text."""

READINGS: Final = ("unknown", "international", "national")
"""How digits may be read; the index is the kernel's number."""

TYPES_OF_NUMBER: Final = (
    "unknown", "international", "national", "network_specific", "dedicated", "alphanumeric",
    "abbreviated", "reserved",
)  # fmt: skip
"""Type of number by its three bits (TS 24.008 10.5.4.7)."""

NUMBERING_PLANS: Final = {
    "unknown": 0, "isdn": 1, "data": 3, "telex": 4, "national": 8, "private": 9,
}  # fmt: skip
"""Numbering plan identification by its four bits (TS 24.008 10.5.4.7)."""


@dataclass(frozen=True, slots=True)
class NetworkPrefix:
    """Digits that the network or the caller puts before a number and that are no part of it.

    Attributes:
        digits: What it begins with.
        length: Digits it has in all; those behind `digits` may be any.
        readings: Readings of the numbers that may carry it.
        kind: ``carrier_selection`` or ``portability``.
    """

    digits: str
    length: int
    readings: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class ShortCode:
    """Numbers of a meaning of their own that stay text even where they look like national ones.

    Attributes:
        digits: What they begin with.
        shortest: Fewest digits they have in all.
        longest: Most digits they have in all.
    """

    digits: str
    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How the switches of one operator write numbers; rules in README.md, "Numbers".

    Attributes:
        country_code: E.164 country code of national numbers.
        international_prefixes: What is dialled before a country code.
        trunk_prefixes: What is dialled before a national number.
        national_lengths: Fewest and most digits of a national number without trunk prefix.
        international_lengths: Fewest and most digits of a number with country code.
        leading_zero: True where national numbers themselves may begin with 0.
        types: Type of number to reading; one that is not listed is text.
        plans: Numbering plans whose numbers are read; others are text.
        network_prefixes: Carrier selection and number portability prefixes.
        short_codes: What stays text.
        title: One line about the plan.
    """

    country_code: str = "86"
    international_prefixes: tuple[str, ...] = ("00",)
    trunk_prefixes: tuple[str, ...] = ("0",)
    national_lengths: tuple[int, int] = (10, 11)
    international_lengths: tuple[int, int] = (7, 15)
    leading_zero: bool = False
    types: tuple[tuple[str, str], ...] = tuple((name, name) for name in READINGS)
    plans: tuple[str, ...] = ("unknown", "isdn")
    network_prefixes: tuple[NetworkPrefix, ...] = ()
    short_codes: tuple[ShortCode, ...] = ()
    title: str = field(default="", compare=False)

    def array(self) -> Int64s:
        """Returns the plan as the kernel reads it, int64[n], see ``SET_`` in `kernels.ops`."""
        return _compiled(self)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One prefix of one reading; cells in the order of ``PRE_`` in `mediation.kernels.ops`."""

    digits: str
    what: int
    strip: int
    shortest: int
    longest: int = PLACES


def _entries(plan: NumberPlan, reading: str) -> Iterator[_Entry]:
    """Yields the prefixes of a reading; of equal digits, the first one is tried first."""
    if reading != "international":
        for code in plan.short_codes:
            yield _Entry(code.digits, ops.PRE_SHORT_CODE, 0, code.shortest, code.longest)
    for prefix in plan.network_prefixes:
        if reading in prefix.readings:
            yield _Entry(prefix.digits, ops.PRE_NETWORK, prefix.length, prefix.length + 1)
    if reading != "national":
        for digits in plan.international_prefixes:
            yield _Entry(digits, ops.PRE_INTERNATIONAL, len(digits), len(digits) + 1)
    if reading != "international":
        for digits in plan.trunk_prefixes:
            yield _Entry(digits, ops.PRE_NATIONAL, len(digits), len(digits) + 1)


@cache
def _compiled(plan: NumberPlan) -> Int64s:
    head = [0] * ops.SET_TABLES
    head[ops.SET_COUNTRY] = int(plan.country_code)
    head[ops.SET_COUNTRY_LENGTH] = len(plan.country_code)
    head[ops.SET_NATIONAL_MIN], head[ops.SET_NATIONAL_MAX] = plan.national_lengths
    head[ops.SET_E164_MIN], head[ops.SET_E164_MAX] = plan.international_lengths
    head[ops.SET_LEADING_ZERO] = int(plan.leading_zero)
    readings = _readings(plan)
    head[ops.SET_READINGS : ops.SET_READINGS + len(readings)] = readings
    cells = list(head)
    for number, reading in enumerate(READINGS):
        places, blocks, end = _table(list(_entries(plan, reading)), len(cells))
        cells[ops.SET_SPANS + 2 * number] = len(cells) + len(blocks)
        cells[ops.SET_SPANS + 2 * number + 1] = len(places)
        plain = ops.SET_PLAIN + number * ops.PLAIN_WIDTH
        # Digits from there on begin with no 0 either.
        cells[plain + ops.PLAIN_FROM] = max(end, 10 ** (PLACES - 1))
        abroad = reading == "international"
        lengths = plan.international_lengths if abroad else plan.national_lengths
        cells[plain + ops.PLAIN_SHORTEST], cells[plain + ops.PLAIN_LONGEST] = lengths
        cells[plain + ops.PLAIN_FRONT] = 0 if abroad else int(plan.country_code)
        cells += blocks
        cells += [cell for place in sorted(places.items()) for cell in place]
    cells[ops.SET_PLAIN + ops.READ_TEXT * ops.PLAIN_WIDTH + ops.PLAIN_FROM] = 10**PLACES
    array = np.array(cells, np.int64)
    array.flags.writeable = False
    return array


def _readings(plan: NumberPlan) -> list[int]:
    """Returns the reading of each octet of type of number and numbering plan, 128 numbers."""
    known = {name: READINGS.index(reading) for name, reading in plan.types}
    plans = {NUMBERING_PLANS[name] for name in plan.plans}
    return [
        known.get(TYPES_OF_NUMBER[octet >> 4], ops.READ_TEXT)
        if octet & 15 in plans
        else ops.READ_TEXT
        for octet in range(128)
    ]


def _table(entries: list[_Entry], base: int) -> tuple[dict[int, int], list[int], int]:
    """Returns the places where the longest matching prefix changes, the entries' cells, the end.

    Places are left-aligned digits to the cell of the first entry to try, -1 none; from the end on
    there are no prefixes. An entry's ``PRE_SHORTER`` is the next one to try: of the same digits,
    then of fewer.
    """
    # The sort is stable: entries of equal digits stay in order, next to each other.
    order = sorted(entries, key=lambda entry: (-len(entry.digits), entry.digits))
    first: dict[str, int] = {}
    for position, entry in reversed(list(enumerate(order))):
        first[entry.digits] = base + position * ops.PRE_WIDTH
    blocks: list[int] = []
    for position, entry in enumerate(order):
        following = order[position + 1] if position + 1 < len(order) else None
        if following is not None and following.digits == entry.digits:
            shorter = base + (position + 1) * ops.PRE_WIDTH
        else:
            shorter = _longest(entry.digits[:-1], first)
        cells = [0] * ops.PRE_WIDTH
        cells[ops.PRE_WHAT] = entry.what
        cells[ops.PRE_STRIP] = entry.strip
        cells[ops.PRE_SHORTEST] = entry.shortest
        cells[ops.PRE_LONGEST] = entry.longest
        cells[ops.PRE_SHORTER] = shorter
        cells[ops.PRE_DIGITS] = int(entry.digits)
        blocks += cells
    edges = {0}
    for entry in entries:
        step = 10 ** (PLACES - len(entry.digits))
        edges |= {int(entry.digits) * step, (int(entry.digits) + 1) * step}
    places = {edge: _longest(f"{edge:0{PLACES}d}", first) for edge in edges if edge < 10**PLACES}
    return places, blocks, max(edges)


def _longest(digits: str, first: dict[str, int]) -> int:
    """Returns the cell of the longest listed beginning of `digits`, -1 without one."""
    found = (first[digits[:size]] for size in range(len(digits), 0, -1) if digits[:size] in first)
    return next(found, -1)
