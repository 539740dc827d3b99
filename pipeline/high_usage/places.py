"""Where networks and areas are: a CSV file, read with every mistake at once."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

HEADER: Final = ["network", "area", "latitude", "longitude"]
SCHEMA: Final = {
    "visited_network": pl.String,
    "area": pl.Int32,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
}


def read_places(path: Path) -> pl.DataFrame:
    """Returns networks and areas with latitude and longitude in radians.

    Raises:
        ConfigError: The file cannot be read or has mistakes; all of them with their lines.
    """
    problems: list[Problem] = []
    rows: list[tuple[str, int | None, float, float]] = []
    seen: dict[tuple[str, str], int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = Problem(path.name, f"cannot be read: {error}", "it is a UTF-8 CSV file")
        raise ConfigError(str(path), [problem]) from None
    if not lines or lines[0] != HEADER:
        problems.append(Problem(f"{path.name}:1", f"the first line must be {','.join(HEADER)}"))
    for number, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        try:
            rows.append(_row(cells))
        except ValueError as error:
            problems.append(Problem(f"{path.name}:{number}", str(error)))
            continue
        first = seen.setdefault((cells[0], cells[1]), number)
        if first != number:
            where = f"{path.name}:{number}"
            problems.append(Problem(where, f"{cells[0]} {cells[1]}: stands in line {first} too"))
    if problems:
        raise ConfigError(str(path), problems)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _row(cells: list[str]) -> tuple[str, int | None, float, float]:
    if len(cells) != len(HEADER):
        message = f"{len(cells)} values; {len(HEADER)} are needed: {', '.join(HEADER)}"
        raise ValueError(message)
    network, area, latitude, longitude = cells
    if area and not (area.isascii() and area.isdecimal() and int(area) < 2**31):
        message = f"{area!r} is not an area code; leave it empty for the whole network"
        raise ValueError(message)
    return (
        network,
        int(area) if area else None,
        _angle(latitude, 90, "latitude"),
        _angle(longitude, 180, "longitude"),
    )


def _angle(text: str, most: int, what: str) -> float:
    """Returns degrees in radians."""
    try:
        degrees = float(text)
    except ValueError:
        degrees = math.nan
    if not -most <= degrees <= most:
        message = f"{text!r} is not a {what} in degrees, -{most} to {most}"
        raise ValueError(message)
    return math.radians(degrees)
