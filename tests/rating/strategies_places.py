"""Drawn tables of places, ported numbers, data classes and routes, and events that meet them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tariffs.places import AS_PREFIX, CELL_BITS, DATE_BITS, WHOLE_AREA, DataClass, Places

APNS = (None, "internet", "corp")
HOME_ZONES = ("", "uptown", "campus")
PLACE_BYTES = 2
_CELLS = [100 << CELL_BITS | WHOLE_AREA, *(area << CELL_BITS | 5 for area in (100, 200))]
_CELLS += [200 << CELL_BITS | 6, 200 << CELL_BITS | WHOLE_AREA, 300 << CELL_BITS | WHOLE_AREA]


@st.composite
def places(
    draw: st.DrawFn, zones: int, stream: int, origins: int, dates: tuple[int, ...], number: int
) -> Places:
    """Tables of a book, often none.

    Args:
        draw: Of hypothesis.
        zones: Zones of the book.
        stream: The zone that is a data class.
        origins: Areas and roaming classes.
        dates: Two port dates, UTC µs.
        number: The first subscriber's number; the next five are subscribers too.
    """
    parts: dict[str, Any] = {}
    cells = sorted(draw(st.sets(st.sampled_from(_CELLS), max_size=6)))
    if cells:
        size: dict[str, Any] = {"min_size": len(cells), "max_size": len(cells)}
        border = draw(st.lists(st.sets(st.integers(1, 2), max_size=2), **size))
        parts |= {
            "cell_key": np.array(cells, np.int64),
            "cell_area": np.array(draw(st.lists(st.integers(0, 2), **size)), np.int32),
            "cell_home_zone": np.array(draw(st.lists(st.integers(0, 2), **size)), np.int32),
            "border_first": np.cumsum([0, *map(len, border)]).astype(np.int32),
            "border_area": np.array([area for one in border for area in sorted(one)], np.int32),
        }
    zone = st.integers(1, zones - 2)
    rows = st.tuples(st.integers(number, number + 5), st.integers(0, 2))
    ported = draw(st.dictionaries(rows, st.one_of(zone, st.just(AS_PREFIX)), max_size=4))
    if ported:
        keys = sorted((one << DATE_BITS | rank, to) for (one, rank), to in ported.items())
        parts |= {
            "ported_key": np.array([key for key, _ in keys], np.int64),
            "ported_zone": np.array([to for _, to in keys], np.int32),
            "ported_from": np.array(dates, np.int64),
        }
    if draw(st.booleans()):
        table = np.tile(np.arange(zones, dtype=np.int32), (origins, 1))
        for _ in range(draw(st.integers(1, 4))):
            table[draw(st.integers(0, origins - 1)), draw(zone)] = draw(zone)
        parts["route"] = table.reshape(-1)
    asked = st.tuples(
        st.sampled_from(APNS), *(st.sampled_from([None, None, code]) for code in (32, 5, 6))
    )
    listed = draw(st.lists(asked, max_size=2))
    parts["data_classes"] = tuple(DataClass(stream, 2 + at, *one) for at, one in enumerate(listed))
    return Places(**parts)


def decode_place(raw: bytes) -> dict[str, Any]:
    """Columns of an event that say where it was and what data it is, from two bytes."""
    where, what = raw
    return {
        "area": (None, 100, 200, 300, 1 << 24)[where % 5],
        "cell": (None, 5, 6, WHOLE_AREA, -1)[where // 5 % 5],
        "apn": APNS[what % 3],
        "rating_group": (None, 32, 33)[what // 3 % 3],
        "service_id": (None, 5)[what // 9 % 2],
        "rat": (None, 6)[what // 18 % 2],
        "partner_charge": (None, 0, 1_234_567, 10**13 + 1, -5)[what % 5],
        "partner_currency": (None, "EUR", "USD", "JPY")[where // 25 % 4],
    }
