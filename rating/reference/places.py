"""Places, ported numbers and data classes, one event at a time, by scans of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tariffs.compiled import BEGINNING, DOMESTIC, HOME_ZONE
from tariffs.places import AS_PREFIX, CELL_BITS, DATE_BITS, WHOLE_AREA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook


def where(
    row: Mapping[str, Any], book: CompiledBook, data: Subscribers, period: int
) -> tuple[int, int]:
    """Returns (roaming class, visited area; 0 where the cell is not known)."""
    network = row.get("visited_network")
    roaming = 0 if network is None else book.networks.get(network, 1)
    cell = _cell(row, book)
    if roaming != 0 or cell is None:
        return roaming, 0
    places, home = book.places, int(data.area[period])
    visited = int(places.cell_area[cell])
    borders = places.border_area[places.border_first[cell] : places.border_first[cell + 1]]
    if home and home in borders.tolist():
        visited = home
    zone = int(data.home_zone[period])
    names = book.roaming_classes
    if HOME_ZONE in names and zone and places.cell_home_zone[cell] == zone:
        return names.index(HOME_ZONE), visited
    if DOMESTIC in names and visited and home and visited != home:
        return names.index(DOMESTIC), visited
    return 0, visited


def _cell(row: Mapping[str, Any], book: CompiledBook) -> int | None:
    """Returns the row of the cell, else that of its location area, None where neither is listed."""
    area, cell = row.get("area"), row.get("cell")
    if area is None:
        return None
    keys = book.places.cell_key.tolist()
    for code in (cell, WHOLE_AREA):
        if code is not None and 0 <= code <= WHOLE_AREA and 0 <= area < 1 << 24:
            key = area * 2**CELL_BITS + code
            if key in keys:
                return int(keys.index(key))
    return None


def named_zone(row: Mapping[str, Any], book: CompiledBook, start: int) -> int | None:
    """Returns the zone of a ported number or a class of data, None where nothing says one."""
    if row["service"] in {"mms", "data", "content"}:
        for one in book.places.data_classes:
            asked = {
                "apn": one.apn,
                "rating_group": one.rating_group,
                "service_id": one.service_id,
                "rat": one.rat,
            }
            if all(value is None or row.get(name) == value for name, value in asked.items()):
                return one.zone
    found = None
    for key, zone in zip(book.places.ported_key.tolist(), book.places.ported_zone, strict=True):
        number, rank = divmod(key, 2**DATE_BITS)
        since = BEGINNING if rank == 0 else int(book.places.ported_from[rank - 1])
        if number == row.get("other_number") and since <= start:
            found = int(zone)
    return None if found == AS_PREFIX else found
