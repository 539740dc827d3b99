"""Conditions and spans of time: what they say, in separated text and in binary records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .world import decode, own_formats, twin_row

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = """
      served_imsi: digits begin
      start_time: time(YYYYMMDDhhmmss) begin
      duration: [integer paid when state=3, between(YYYYMMDDhhmmss) begin end when state!=3]
      cause: [integer paid, constant 4 when !end, constant 5 when state=1, constant 9]
"""
LINES = f"""
title: Calls
kind: delimited
values: {{time_zone: Europe/Berlin, empty: "-"}}
records:
  fields: [state, begin, end, paid]
types:
  call:
    service: voice
    direction: originating
    columns: {COLUMNS}"""
BINARY = f"""
title: Calls
kind: fixed_width
values: {{time_zone: Europe/Berlin}}
records:
  octets: 18
  fields: {{state: 0 2 unsigned, begin: 2 7 bcd, end: 9 7 bcd, paid: 16 2 bcd}}
types:
  call:
    service: voice
    direction: originating
    columns: {COLUMNS}"""

CASES = [
    (("3", "20261005120000", "20261005120130", "0077"), (77, 77)),
    (("1", "20261005120000", "20261005120130", ""), (90, 5)),
    (("2", "20261005120000", "20261005120130", ""), (90, 9)),
    (("2", "20261005120000", "", ""), (0, 4)),
    (("3", "20261005120000", "20261005120130", ""), (0, 9)),
    # The clock goes back an hour in this night: two hours more have passed than it says.
    (("1", "20261025015900", "20261025030100", ""), (2 * 3600 + 120, 5)),
    (("1", "20261005120000", "20261332120130", ""), "invalid_timestamp"),
]
"""Fields, and (duration, cause) or the reason for suspense."""


@pytest.fixture(scope="module", autouse=True)
def _formats() -> Iterator[None]:
    with own_formats({"lines": LINES, "binary": BINARY}):
        yield


def binary(state: str, begin: str, end: str, paid: str) -> bytes:
    digits = begin + end.ljust(14, "f") + paid.ljust(4, "f")
    return int(state).to_bytes(2, "big") + bytes.fromhex(digits)


@pytest.mark.parametrize("name", ["lines", "binary"])
def test_what_holds_counts(name: str) -> None:
    for fields, expected in CASES:
        record = binary(*fields) if name == "binary" else ",".join(fields).encode()
        found = decode(record, name)
        if isinstance(expected, str):
            assert [row["reason"] for row in found.suspense] == [expected]
            continue
        assert not found.suspense, (fields, found.suspense)
        [row] = found.rows
        assert (row["duration"], row["cause"]) == expected, fields
        twin = twin_row(name, record)
        assert {column: row[column] for column in twin} == twin


def test_a_word_for_nothing_is_not_there() -> None:
    [row] = decode(b"2,20261005120000,-,-", "lines").rows
    assert (row["duration"], row["cause"]) == (0, 4)


def test_an_end_before_the_begin_is_suspended() -> None:
    found = decode(b"1,20261005120000,20261005115959,", "lines")
    assert not found.rows
    assert len(found.suspense) == 1


CODED = """
title: Codes in octets
kind: fixed_width
tables:
  causes: {0A: 4, "007": 5}
  names: {0A: ten, 0b: eleven, "007": seven}
records:
  octets: 10
  fields: {begin: 0 7 bcd, code: 7 1 hex, number: 8 2 unsigned}
types:
  call:
    service: voice
    direction: originating
    columns:
      served_imsi: digits begin
      start_time: time(YYYYMMDDhhmmss) begin
      cause: lookup(causes) code
      rat: lookup(causes) number
      trunk_in: text(names) code
      trunk_out: text(names) number
      area: constant 1 when code=0B
      charging_id: constant 2 when number=0300
"""


@pytest.mark.parametrize(
    ("code", "number", "expected"),
    [
        (0x0A, 7, (4, 5, "ten", "seven", None, None)),
        (0x0B, 300, (None, None, "eleven", "300", 1, 2)),
        (0xC1, 10, (None, None, "c1", "10", None, None)),
    ],
)
def test_codes_are_meant_however_they_are_spelled(
    code: int, number: int, expected: tuple[int | str | None, ...]
) -> None:
    record = bytes.fromhex("20261005120000") + bytes([code]) + number.to_bytes(2, "big")
    columns = ("cause", "rat", "trunk_in", "trunk_out", "area", "charging_id")
    with own_formats({"coded": CODED}):
        [row] = decode(record, "coded").rows
        twin = twin_row("coded", record)
    assert tuple(row[column] for column in columns) == expected
    assert {column: row[column] for column in twin} == twin
