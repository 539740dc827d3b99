from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.edr import MISSING
from mediation.errors import MediationConfigError
from mediation.kernels.local_times import localise
from mediation.time_zones import NO_ZONES, TimeZones, read_time_zones

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
default: Asia/Shanghai
nodes:
  "+8613800100500": Asia/Urumqi
  "861390*": "+05:30"
  "86139*": Asia/Kathmandu
  msc-north: Europe/Berlin
"""
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "-03:30")


def write(folder: Path, text: str) -> Path:
    path = folder / "time_zones.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def microseconds(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)  # noqa: DTZ001 - a wall clock


def in_utc(zones: TimeZones, local: list[dt.datetime], zone: int = 0) -> list[tuple[int, int]]:
    """Returns times and offsets of a node that keeps a zone."""
    start = np.array([microseconds(moment) for moment in local], np.int64)
    offset = np.full(len(start), MISSING, np.int64)
    entity, codes = np.zeros(len(start), np.int64), np.zeros(1, np.int32)
    unknown = np.empty(len(start), np.int32)
    spans, starts, offsets = zones.spans, zones.starts, zones.offsets
    of_node = np.array([zone, -1], np.int64)
    assert not localise(start, offset, entity, codes, of_node, spans, starts, offsets, unknown)
    return list(zip(start.tolist(), offset.tolist(), strict=True))


def utc(zones: TimeZones, local: dt.datetime, zone: int = 0) -> tuple[int, int]:
    return in_utc(zones, [local], zone)[0]


def test_nodes_are_found_by_name_then_by_beginning_then_by_default(tmp_path: Path) -> None:
    zones = read_time_zones(write(tmp_path, FILE))
    names = {
        "8613800100500": "Asia/Urumqi",
        "+8613800100500": "Asia/Urumqi",
        "8613900000": "+05:30",
        "8613910000": "Asia/Kathmandu",
        "msc-north": "Europe/Berlin",
        "msc-south": "Asia/Shanghai",
        None: "Asia/Shanghai",
    }
    assert {entity: zones.names[zones.zone_of(entity)] for entity in names} == names


def test_without_a_default_a_strange_node_has_no_zone(tmp_path: Path) -> None:
    zones = read_time_zones(write(tmp_path, 'nodes: {"861*": Asia/Shanghai}'))
    assert zones.zone_of("491") == zones.zone_of(None) == -1
    assert NO_ZONES.empty
    assert NO_ZONES.zone_of("861") == -1


def test_clock_changes_have_the_written_rules() -> None:
    berlin = NO_ZONES.with_default("Europe/Berlin")
    hour = 3_600_000_000
    twice = dt.datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001
    never = dt.datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001
    assert utc(berlin, twice) == (microseconds(twice) - 2 * hour, 120)
    assert utc(berlin, never) == (microseconds(never) - hour, 60)
    assert utc(berlin, dt.datetime(2026, 10, 25, 3))[1] == 60  # noqa: DTZ001
    assert utc(berlin, dt.datetime(2026, 3, 29, 3))[1] == 120  # noqa: DTZ001


@given(
    st.lists(st.datetimes(dt.datetime(1991, 1, 1), dt.datetime(2098, 1, 1)), min_size=1),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
@settings(deadline=None, max_examples=200)
def test_wall_clocks_equal_zoneinfo(moments: list[dt.datetime], name: str) -> None:
    zones = NO_ZONES.with_default(name)
    for moment, (there, offset) in zip(moments, in_utc(zones, moments), strict=True):
        if name.startswith("-"):
            expected = -dt.timedelta(hours=3, minutes=30)
        else:  # fold 0: the first of two, and in a gap the offset before it
            expected = moment.replace(tzinfo=zoneinfo.ZoneInfo(name)).utcoffset() or dt.timedelta()
        assert offset == expected // dt.timedelta(minutes=1)
        assert there == microseconds(moment - expected)


def test_all_mistakes_at_once_with_line_and_nearest_zone(tmp_path: Path) -> None:
    text = (
        "defualt: Asia/Shanghai\n"
        "nodes:\n"
        '  "8613": Asia/Shangai\n'
        '  "8*3": +08:00\n'
        '  "*": +08:00\n'
        '  "+491": +8\n'
        '  "491": +08:00\n'
    )
    with pytest.raises(MediationConfigError) as caught:
        read_time_zones(write(tmp_path, text))
    message = str(caught.value)
    for words in (
        "time_zones.yaml:1: `defualt` is not a key here (did you mean `default`?)",
        "time_zones.yaml:3: `Asia/Shangai` is no time zone; did you mean `Asia/Shanghai`?",
        "time_zones.yaml:4: `8*3`: a `*` may stand at the end only",
        "time_zones.yaml:5: `*` names no node",
        "time_zones.yaml:6: `+8` is no time zone",
        "time_zones.yaml:7: `491` is listed twice",
    ):
        assert words in message
    assert len(caught.value.problems) == 6


def test_a_file_that_says_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MediationConfigError, match="names a zone"):
        read_time_zones(write(tmp_path, "nodes: {}\n"))
    with pytest.raises(MediationConfigError, match="cannot be read"):
        read_time_zones(tmp_path / "missing.yaml")


@pytest.mark.parametrize("name", ["Asia/Shangai", "", "../x", "+15:00", "Asia"])
def test_a_default_says_what_is_wrong(name: str) -> None:
    with pytest.raises(ValueError, match="is no time zone"):
        NO_ZONES.with_default(name)
