"""Dates, times and durations by layout: what mappings may write, and the kernel against its twin."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation.edr import MISSING
from mediation.formats.arguments import Argument, parse_argument
from mediation.formats.codecs import CODECS
from mediation.formats.layouts import DATE, TIME, parse_layout
from mediation.kernels import ops, rare, tables
from mediation.reference import ber_codecs as twin

WALL = dt.datetime(2026, 10, 31, 23, 59, 58, tzinfo=dt.UTC)
MICROSECONDS = int(WALL.timestamp()) * 10**6

ARGUMENTS = {
    "seven octets": ("local_time", "bcd DDMMYYYYhhmmss"),
    "six octets": ("local_time", "binary YYMMDDhhmmss|YYYYMMDDhhmmss--"),
    "date": ("clock", "binary YYMMDD|YYYYMMDD hhmmss"),
    "elapsed": ("elapsed", "binary hhmmss|hhmmss--"),
    "elapsed in digits": ("elapsed", "bcd hhmmss"),
}


def argument(name: str) -> Argument:
    codec, text = ARGUMENTS[name]
    return parse_argument(CODECS[codec], text)


def kernel_value(octets: bytes, name: str) -> tuple[int, int]:
    """Returns status and value as the kernel sees them."""
    lookups = np.full(512, MISSING, np.int64)
    for size, packed in argument(name).layouts[0]:
        lookups[256 + size] = packed
    codec = ops.ELAPSED if ARGUMENTS[name][0] == "elapsed" else ops.CLOCK
    data = np.frombuffer(b"\xff" + octets + b"\xff", np.uint8)
    status, value, second, repaired = rare.layout_codec(
        data, 1, 1 + len(octets), codec, 1, lookups, tables.BCD, tables.DAYS
    )
    assert (second, repaired) == (MISSING, 0)
    return int(status), int(value)


def twin_value(octets: bytes, name: str) -> tuple[int, int]:
    read = twin.elapsed if ARGUMENTS[name][0] == "elapsed" else twin.clock
    try:
        value, _ = read(octets, argument(name).layouts[0])
    except twin.BadValueError as error:
        return error.status, MISSING
    return ops.OK, int(value or 0)


@pytest.mark.parametrize(
    ("name", "octets", "value"),
    [
        ("seven octets", bytes.fromhex("31102026235958"), MICROSECONDS),
        ("six octets", bytes([26, 10, 31, 23, 59, 58]), MICROSECONDS),
        ("six octets", bytes([20, 26, 10, 31, 23, 59, 58, 9]), MICROSECONDS),
        ("date", bytes([26, 10, 31]), MICROSECONDS - 86_398 * 10**6),
        ("elapsed", bytes([27, 0, 1]), 97_201),
        ("elapsed", bytes([0, 2, 10, 7]), 130),
        ("elapsed in digits", bytes.fromhex("992310"), 357_790),
    ],
)
def test_what_octets_mean(name: str, octets: bytes, value: int) -> None:
    assert kernel_value(octets, name) == (ops.OK, value) == twin_value(octets, name)


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("seven octets", bytes.fromhex("31092026235958")),  # no 31 September
        ("seven octets", bytes.fromhex("29022026000000")),  # no leap year
        ("seven octets", bytes.fromhex("31101926235958")),  # 1926
        ("seven octets", bytes.fromhex("3A102026235958")),
        ("seven octets", bytes.fromhex("311020262359")),
        ("six octets", bytes([26, 10, 31, 24, 0, 0])),
        ("six octets", bytes([126, 10, 31, 23, 0, 0])),
        ("six octets", bytes([26, 0, 0, 0, 0, 0])),
        ("elapsed", bytes([0, 60, 0])),
        ("elapsed", b""),
        ("elapsed", bytes(300)),
    ],
)
def test_what_makes_no_sense(name: str, octets: bytes) -> None:
    status = ops.INVALID_DURATION if name == "elapsed" else ops.INVALID_TIMESTAMP
    assert kernel_value(octets, name) == (status, MISSING) == twin_value(octets, name)


@given(
    st.sampled_from(sorted(ARGUMENTS)),
    st.binary(max_size=9) | st.lists(st.integers(0, 0x61), max_size=9).map(bytes),
)
@example("six octets", bytes([0, 2, 29, 0, 0, 0]))
@settings(max_examples=400, deadline=None)
def test_the_kernel_and_its_twin_agree(name: str, octets: bytes) -> None:
    assert kernel_value(octets, name) == twin_value(octets, name)


@given(
    st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 100_000),
    st.sampled_from(["us up", "ms down", "ms nearest", "cs up", "ds nearest", "min", "h"]),
    st.booleans(),
    st.integers(0, 2),
)
@settings(max_examples=400, deadline=None)
def test_durations_in_other_units(value: int, text: str, repair: bool, longer: int) -> None:  # noqa: FBT001
    meaning = parse_argument(CODECS["seconds"], text)
    size = (value.bit_length() // 8 if value >= 0 else (-value - 1).bit_length() // 8) + 1
    octets = value.to_bytes(size + longer, "big", signed=True)
    found = rare.seconds_codec(
        np.frombuffer(octets + b"\xff", np.uint8), 0, len(octets),
        meaning.unit, meaning.rounds_from, int(repair),
    )  # fmt: skip
    try:
        seconds, _ = twin.seconds(octets, meaning, repair=repair)
        expected = (ops.OK, seconds, MISSING, int(repair and value < 0 and len(octets) < 8))
    except twin.BadValueError as error:
        expected = (error.status, MISSING, MISSING, 0)
    assert found == expected


def test_rounding() -> None:
    octets = (1500).to_bytes(2, "big")
    rounded = {
        word: twin.seconds(octets, parse_argument(CODECS["seconds"], f"ms {word}"))[0]
        for word in ("up", "down", "nearest")
    }
    assert rounded == {"up": 2, "down": 1, "nearest": 2}
    assert twin.seconds(b"\x02", parse_argument(CODECS["seconds"], "min"))[0] == 120


@pytest.mark.parametrize(
    ("codec", "text", "word"),
    [
        ("local_time", "DDMMYYYYhhmmss", "is written like `local_time(bcd DDMMYYYYhhmmss)`"),
        ("local_time", "ascii DDMMYYYYhhmmss", "allowed: bcd, binary"),
        ("local_time", "bcd DDMMhhmmss", "must have YY, MM, DD, hh, mm, ss"),
        ("local_time", "bcd DDMMYYYYhhmmxx", "begins with none of"),
        ("local_time", "bcd DDMMYYDDhhmmss", "a part twice"),
        ("clock", "binary YYMMDD", "is written like"),
        ("clock", "binary YYMMDD hhmm", "must have hh, mm, ss"),
        ("elapsed", "binary hhmmss|ssmmhh", "two layouts"),
        ("seconds", "ms", "`seconds(ms up)`"),
        ("seconds", "ms upwards", "up, down, nearest"),
        ("seconds", "", "`seconds` has a unit"),
        ("seconds", "min up", "`seconds` has a unit"),
    ],
)
def test_a_wrong_argument(codec: str, text: str, word: str) -> None:
    with pytest.raises(ValueError, match=r"layout|encoding|written|unit") as caught:
        parse_argument(CODECS[codec], text)
    assert word in str(caught.value)


def test_a_layout_as_the_kernel_reads_it() -> None:
    ((size, packed),) = parse_layout("bcd", "hh--mmss", parts=TIME, elapsed=True)
    assert size == 4
    assert packed & ops.LAYOUT_ELAPSED
    assert not packed & ops.LAYOUT_BINARY
    assert [packed >> 4 * part & 15 for part in range(7)] == [15, 15, 15, 15, 0, 2, 3]
    assert parse_layout("binary", "YYYYMMDD", parts=DATE, elapsed=False)[0][0] == 4
