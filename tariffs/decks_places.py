"""Reads the tables behind :mod:`tariffs.places`: cells, ported numbers, data classes, routes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tariffs.compiled import BEGINNING
from tariffs.decks import MAX_DIGITS, NO_PARTY, NO_ZONE_MARK, Notes, rows
from tariffs.errors import Source
from tariffs.model import Zone
from tariffs.places import AS_PREFIX, CELL_BITS, DATE_BITS, WHOLE_AREA, DataClass, Places
from tariffs.scalars import instant

if TYPE_CHECKING:
    from tariffs.context import Context

FILES = ("cells.csv", "ported_numbers.csv", "data_classes.csv", "routes.csv")
LARGEST = {"location_area": 2**24 - 1, "cell": WHOLE_AREA - 1, "rat": 2**15 - 1}
LARGEST_CODE = 2**62


def read_data_classes(file: str, data: bytes, context: Context) -> tuple[DataClass, ...]:
    """Reads ``data_classes.csv``; the classes stand behind the zones in ``context.zones``."""
    notes = Notes(file, context.problems)
    found: list[DataClass] = []
    columns = ("data_class", "apn", "rating_group", "service_id", "rat")
    for line, (name, apn, *codes) in rows(file, data, columns, context.problems):
        zone = context.zones.get(name)
        if zone is not None and not zone.data:
            notes.add(line, f"{name!r} is a zone of zones.csv.", "Choose another name.")
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            notes.add(line, f"{name!r} is no name for a data class.", "Small letters, digits, _.")
            continue
        if zone is None:
            context.zones[name] = Zone(name, Source(file, line), 0, 0, data=True)
        numbers = [
            _code(notes, line, column, text)
            for column, text in zip(columns[2:], codes, strict=True)
        ]
        index = list(context.zones).index(name)
        found.append(DataClass(index, line, apn or None, *numbers))
    return tuple(found)


def _code(notes: Notes, line: int, column: str, text: str) -> int | None:
    """Returns a code of a table, None where the field is empty."""
    if not text:
        return None
    most = LARGEST.get(column, LARGEST_CODE)
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        notes.add(line, f"{column} {text!r} is not a code.", f"A number up to {most:,}, or empty.")
        return None
    return int(text)


def read_places(
    files: dict[str, bytes], data_classes: tuple[DataClass, ...], context: Context
) -> Places:
    """Returns the tables of a book as arrays; zones and data classes must have been read."""
    parts: dict[str, Any] = {"data_classes": data_classes}
    readers = (
        ("cells.csv", _read_cells),
        ("ported_numbers.csv", _read_ported),
        ("routes.csv", _read_routes),
    )
    for name, read in readers:
        if name in files:
            parts |= read(name, files[name], context)
    return Places(**parts)


def _read_cells(file: str, data: bytes, context: Context) -> dict[str, Any]:
    """Reads ``cells.csv``: location area and cell → area, areas it borders, home zone."""
    notes = Notes(file, context.problems)
    areas = {name: index for index, name in enumerate(context.head.areas)}
    home_zones: dict[str, int] = {"": 0}
    found: dict[int, tuple[int, int, list[int]]] = {}
    columns = ("location_area", "cell", "area", "border_of", "home_zone")
    for line, (location, cell, area, border, home_zone) in rows(
        file, data, columns, context.problems
    ):
        code = _code(notes, line, "location_area", location)
        if code is None:
            if not location:
                notes.add(line, "The location area is empty.", "Only the cell may be empty.")
            continue
        number = _code(notes, line, "cell", cell)
        key = code << CELL_BITS | (WHOLE_AREA if number is None else number)
        unknown = [name for name in (area, *border.split()) if name not in areas]
        for name in unknown:
            notes.unknown(line, "area", name, [one for one in areas if one])
        if key in found:
            notes.add(line, f"The cell {location} {cell} is written twice.", "Keep one of them.")
        elif not unknown:
            place = home_zones.setdefault(home_zone, len(home_zones))
            found[key] = (areas[area], place, [areas[name] for name in border.split()])
    ordered = sorted(found.items())
    borders = [one[2] for _, one in ordered]
    return {
        "cell_key": np.array([key for key, _ in ordered], np.int64),
        "cell_area": np.array([one[0] for _, one in ordered], np.int32),
        "cell_home_zone": np.array([one[1] for _, one in ordered], np.int32),
        "border_first": np.cumsum([0, *(len(one) for one in borders)]).astype(np.int32),
        "border_area": np.array([area for one in borders for area in one], np.int32),
        "home_zones": tuple(home_zones),
    }


def _read_ported(file: str, data: bytes, context: Context) -> dict[str, Any]:
    """Reads ``ported_numbers.csv``: whole number → zone from a date on, ``-`` back to its prefix."""
    notes = Notes(file, context.problems)
    zones = {name: i for i, (name, zone) in enumerate(context.zones.items()) if not zone.data}
    zones.pop(NO_PARTY, None)
    zones[NO_ZONE_MARK] = AS_PREFIX
    found: dict[tuple[int, int], int] = {}
    columns = ("number", "zone", "valid_from")
    for line, (number, zone, date) in rows(file, data, columns, context.problems):
        if not re.fullmatch(rf"[1-9][0-9]{{3,{MAX_DIGITS - 1}}}", number):
            notes.add(line, f"{number!r} is not a number.", "4 to 15 digits, without +.")
            continue
        try:
            start = instant(date, context.head.zone) if date else BEGINNING
        except ValueError as error:
            notes.add(line, f"valid_from: {error}")
            continue
        if zone not in zones:
            notes.unknown(line, "zone", zone, zones)
        elif (int(number), start) in found:
            notes.add(line, f"The number {number} is written twice for that date.")
        else:
            found[int(number), start] = zones[zone]
    dates = sorted({start for _, start in found} - {BEGINNING})
    if len(dates) >= 1 << DATE_BITS:
        notes.add(1, f"{len(dates):,} different dates.", f"At most {(1 << DATE_BITS) - 1:,}.")
        return {}
    rank = {BEGINNING: 0} | {start: at for at, start in enumerate(dates, start=1)}
    ordered = sorted((number << DATE_BITS | rank[s], zone) for (number, s), zone in found.items())
    return {
        "ported_key": np.array([key for key, _ in ordered], np.int64),
        "ported_zone": np.array([zone for _, zone in ordered], np.int32),
        "ported_from": np.array(dates, np.int64),
    }


def _read_routes(file: str, data: bytes, context: Context) -> dict[str, Any]:
    """Reads ``routes.csv``: where the caller is, the zone he calls → zone as which it is charged."""
    notes = Notes(file, context.problems)
    head = context.head
    origins = {name: index for index, name in enumerate(head.areas) if name}
    for index, name in enumerate(head.roaming_classes):
        origins.setdefault(name, len(head.areas) + index)
    zones = {name: i for i, (name, zone) in enumerate(context.zones.items()) if not zone.data}
    zones.pop(NO_PARTY, None)
    same = np.arange(len(context.zones), dtype=np.int32)
    table = np.tile(same, (len(head.areas) + len(head.roaming_classes), 1))
    seen: set[tuple[str, str]] = set()
    columns = ("origin", "zone", "charged_as")
    for line, (origin, zone, charged) in rows(file, data, columns, context.problems):
        if origin not in origins:
            notes.unknown(line, "origin", origin, origins)
        elif zone not in zones or charged not in zones:
            notes.unknown(line, "zone", zone if zone not in zones else charged, zones)
        elif (origin, zone) in seen:
            notes.add(line, f"{origin} to {zone} is written twice.", "Keep one of them.")
        else:
            seen.add((origin, zone))
            table[origins[origin], zones[zone]] = zones[charged]
    return {"route": np.ascontiguousarray(table.reshape(-1))} if seen else {}
