"""Where an event happened and what its number or data is, beyond prefixes: tables as arrays.

Four tables that a book may have: cells (areas, borders, home zones), ported numbers, data classes
and routes (origin, destination). A book without them has :class:`Places` of no rows, and nothing is
looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tariffs.compiled import Int32, Int64

CELL_BITS = 36
"""Bits of a cell identity (an NR cell has 36)."""
WHOLE_AREA = (1 << CELL_BITS) - 1
"""In place of a cell: every cell of the location area that has no row of its own."""
DATE_BITS = 13
"""Bits of a date's rank in a ported number's key: a book has at most 8,191 port dates."""
AS_PREFIX = -2
"""A ported number's zone from the date on which the number is like its neighbours again."""


def _none32() -> Int32:
    return np.empty(0, np.int32)


def _none64() -> Int64:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class DataClass:
    """A row of the table of data classes; None: any value."""

    zone: int
    """The class, an index in the book's zones."""
    line: int
    apn: str | None
    rating_group: int | None
    service_id: int | None
    rat: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Tables of a book that say more than prefixes and networks; empty where it has none."""

    cell_key: Int64 = field(default_factory=_none64)
    """[cells] ``location area << 36 | cell``, ascending."""
    cell_area: Int32 = field(default_factory=_none32)
    """[cells] area in which the cell stands, 0 none."""
    cell_home_zone: Int32 = field(default_factory=_none32)
    """[cells] home zone to which it belongs, 0 none."""
    border_first: Int32 = field(default_factory=_none32)
    """[cells + 1] areas whose subscribers are at home there: border_area[first : next]."""
    border_area: Int32 = field(default_factory=_none32)
    ported_key: Int64 = field(default_factory=_none64)
    """[rows] ``number << 13 | rank of the date``, ascending."""
    ported_zone: Int32 = field(default_factory=_none32)
    """[rows] zone of the number from that date on, AS_PREFIX: what its prefix says."""
    ported_from: Int64 = field(default_factory=_none64)
    """[dates] UTC µs, ascending; rank 1 is the first, 0 before it."""
    data_classes: tuple[DataClass, ...] = ()
    """In order; the first that fits counts."""
    route: Int32 = field(default_factory=_none32)
    """[(areas + roaming classes) * zones] origin x zone → zone as which the call is charged."""
    home_zones: tuple[str, ...] = ("",)

    def __eq__(self, other: object) -> bool:
        """Tells whether two books' tables are the same."""
        if not isinstance(other, Places):
            return NotImplemented
        pairs = ((getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]

    @property
    def has_cells(self) -> bool:
        """Whether the book knows cells."""
        return bool(self.cell_key.size)

    @property
    def names_zones(self) -> bool:
        """Whether zones come from something else than prefixes and short codes."""
        return bool(self.ported_key.size) or bool(self.data_classes)
