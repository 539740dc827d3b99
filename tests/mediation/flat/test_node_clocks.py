"""Clocks of nodes that keep zones of their own, in text and in binary records."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mediation import formats
from mediation.normalize import CHINA
from mediation.reference.flat import FlatWalk
from mediation.time_zones import read_time_zones

from .world import decode, own_formats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mediation.normalize import NormalizationSettings

MAPPING = """
title: Calls of exchanges
kind: KIND
values: {time_zone: Europe/Berlin}
records: RECORDS
types:
  call:
    service: voice
    direction: originating
    columns:
      served_imsi: digits begin
      start_time: time(YYYYMMDDhhmmss) begin
      duration: between(YYYYMMDDhhmmss) begin end
      recording_entity: text node
      call_reference: digits number
"""
LINES = MAPPING.replace("KIND", "delimited").replace(
    "RECORDS", "{fields: [node, begin, end, number]}"
)
BINARY = MAPPING.replace("KIND", "fixed_width").replace(
    "RECORDS", "{octets: 22, fields: {node: 0 4, begin: 4 7 bcd, end: 11 7 bcd, number: 18 4 bcd}}"
)
CLOCKS = {"kobe": "Asia/Tokyo", "cork": "Europe/Dublin", "pune": "Asia/Kolkata"}
BEGINS = (
    dt.datetime(2026, 6, 30, 23, 59, 30),  # noqa: DTZ001 - clocks on walls
    dt.datetime(2026, 10, 25, 0, 30),  # noqa: DTZ001
    dt.datetime(2026, 12, 31, 23, 59, 59),  # noqa: DTZ001
)
LENGTHS = (60, 4 * 3600)
"""Of the second, four hours on the wall pass while clocks in Europe are put back."""
NODES = (*CLOCKS, "bonn", "")


@pytest.fixture(scope="module", autouse=True)
def _formats() -> Iterator[None]:
    with own_formats({"lines": LINES, "binary": BINARY}):
        yield


def settings_of(folder: Path, default: str) -> NormalizationSettings:
    nodes = ", ".join(f"{node}: {zone}" for node, zone in CLOCKS.items())
    path = folder / "time_zones.yaml"
    path.write_text(f"nodes: {{{nodes}}}\n" + (f"default: {default}\n" if default else ""))
    return replace(CHINA, time_zones=read_time_zones(path))


def cases() -> list[tuple[str, dt.datetime, dt.datetime]]:
    return [
        (node, begin, begin + dt.timedelta(seconds=length))
        for begin in BEGINS
        for length in LENGTHS
        for node in NODES
    ] * 400  # more than one block


def record(name: str, node: str, begin: dt.datetime, end: dt.datetime, number: int) -> bytes:
    stamps = f"{begin:%Y%m%d%H%M%S}", f"{end:%Y%m%d%H%M%S}"
    if name == "lines":
        return ",".join((node, *stamps, str(number))).encode()
    return node.ljust(4).encode() + bytes.fromhex("".join((*stamps, f"{number:08d}")))


@pytest.mark.parametrize("name", ["lines", "binary"])
@pytest.mark.parametrize("default", ["", "America/St_Johns"])
def test_each_node_keeps_its_own_clock(tmp_path: Path, name: str, default: str) -> None:
    settings = settings_of(tmp_path, default)
    wanted = cases()
    records = [record(name, *case, number) for number, case in enumerate(wanted)]
    found = decode((b"\n" if name == "lines" else b"").join(records), name, settings=settings)
    assert not found.suspense
    layout = formats.load(name).flat.layout  # type: ignore[union-attr]
    for number, (row, (node, begin, end)) in enumerate(zip(found.rows, wanted, strict=True)):
        zone = ZoneInfo(CLOCKS.get(node, default or "Europe/Berlin"))
        start, stop = (moment.replace(tzinfo=zone) for moment in (begin, end))
        offset = start.utcoffset()
        assert offset is not None
        assert row["start_time"] == int(start.timestamp()) * 1_000_000, (node, begin)
        assert row["utc_offset"] == offset.total_seconds() // 60
        assert row["duration"] == int(stop.timestamp() - start.timestamp())
        assert row["call_reference"] == number
        if number < len(wanted) // 400:
            twin = FlatWalk(layout, records[number], settings).row()
            assert {column: row[column] for column in twin if column in row} == {
                column: value for column, value in twin.items() if column in row
            }


def test_a_type_without_times_stays_without(tmp_path: Path) -> None:
    mapping = "\n".join(line for line in LINES.splitlines() if "YYYY" not in line)
    with own_formats({"timeless": mapping}):
        found = decode(b"kobe,20261001120000,20261001120100,1", "timeless",
                       settings=settings_of(tmp_path, ""))  # fmt: skip
    assert [row["reason"] for row in found.suspense] == ["missing_start_time"]
