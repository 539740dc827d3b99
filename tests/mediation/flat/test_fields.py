"""The kernel against the plain-Python decoder, record by record and column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from mediation.reference.flat import FlatError

from .world import Found, decode, own_formats, twin_row

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = """
      service: lookup(services) word
      served_imsi: digits imsi
      served_imei: imei imei
      served_msisdn: [number(national) number, number other]
      other_number: number other
      dialled: dialled other
      start_time: [time(YYYY-MM-DDThh:mm:ss.fZ) stamp, time(DD/MON/YY+hh:mm AP) date+clock,
        time(YYYYMMDDhhmmss) stamp, time(M/D/YYYY h:mm) stamp, epoch(ms) epoch]
      duration: [between(YYYYMMDDhhmmss) stamp until when !clock, "quantity(ms, up) amount"]
      uplink: quantity(kB) amount
      downlink: quantity(MiB, down) amount
      events: integer count
      area: hex cell
      visited_network: network network
      apn: text word
      trunk_in: text(names) word
      recording_entity: [text number when network=46000, constant somebody when date,
        constant nobody]
      rat: lookup(numbers) word
      cause: [integer count when word!=film, constant 8 when word=é, integer epoch when clock,
        constant 7]
      partner_charge: money(2) amount
"""
FIELDS = ("kind", "imsi", "imei", "number", "other", "stamp", "date", "clock", "epoch", "amount")
FIELDS = (*FIELDS, "count", "cell", "network", "word", "until")
TABLES = """
tables:
  services: {video: video, film: content}
  names: {é: acute, film: "a film"}
  numbers: {one: 1, film: -9}
"""
TYPES = f"""
types:
  first:
    value: [A, "1"]
    service: voice
    direction: originating
    columns: {COLUMNS}
  second:
    value: B
    service: sms
    direction: terminating
    columns:
      start_time: time(YYYYMMDDhhmmss) stamp
      served_imsi: digits imsi
"""
DELIMITED = f"""
title: Everything that separated text can say
kind: delimited
lines: {{separator: ";", quote: '"'}}
values: {{decimal: ",", thousands: ".", time_zone: Europe/Berlin, empty: ["-", "NULL"]}}
records:
  type: kind
  fields: [{", ".join(FIELDS)}]
{TABLES}{TYPES}"""
NAMED = DELIMITED.replace("lines: {", "lines: {names: yes, ").replace("time_zone: Europe/Berlin",
                                                                      "time_zone: -03:30")  # fmt: skip
LATIN = DELIMITED.replace("values: {", "values: {encoding: latin-1, ").replace(
    "  type: kind", "  type: kind\n  fewer_fields: yes\n  more_fields: yes"
)
WIDTH = 26
PLACES = "\n".join(f"    {name}: {at * WIDTH} {WIDTH}" for at, name in enumerate(FIELDS))
FIXED = f"""
title: Everything that text at fixed places can say
kind: fixed_width
values: {{encoding: ascii, thousands: none, time_zone: +05:45}}
records:
  type: kind
  fields:
{PLACES}
{TABLES}{TYPES.replace("columns: ", "octets: 40" + chr(10) + "    columns: ", 1)}"""


@pytest.fixture(scope="module", autouse=True)
def _formats() -> Iterator[None]:
    mappings = {"delimited": DELIMITED, "named": NAMED, "latin": LATIN, "fixed": FIXED}
    with own_formats(mappings):
        yield


def digits(most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", max_size=most)


two = st.integers(0, 99).map("{:02d}".format)
stamps = st.one_of(
    st.tuples(st.integers(1999, 2101), two, two, two, two, two, digits(8), st.sampled_from(
        ["Z", "+08:00", "-0330", "+14", "+1", "", "+16:00", "-08:60"]
    )).map(lambda t: "{}-{}-{}T{}:{}:{}.{}{}".format(*t)),
    st.datetimes().map(lambda d: f"{d:%Y%m%d%H%M%S}"),
    st.datetimes().map(lambda d: f"{d.month}/{d.day}/{d.year} {d.hour}:{d.minute:02d}"),
    st.sampled_from(["20260329020000", "20260329030000", "20261025023000", "20261025030000"]),
    st.sampled_from(["2026032902000", "20260230000000", "20260101240000", "20000101000000"]),
)  # fmt: skip
amounts = st.one_of(
    digits(20),
    st.tuples(st.sampled_from(["", "-", "+"]), digits(11), st.sampled_from([",", ".", ""]),
              digits(6)).map("".join),
    st.integers(0, 10**9).map(lambda n: f"{n:,}".replace(",", ".")),
    st.sampled_from(["1.234.567,5", "1.23", "1.2345", "1,50000000000000000000000", ",5", "5,", ","]),
    st.sampled_from(["-0,5", "1E5", "0,0005", "-1,5", "-2,0005", "1.234.56"]),
)  # fmt: skip
WORDS = [
    "film",
    "video",
    "one",
    "é",
    "a\x00b",
    "\xff",
    "x" * 30,
    'say ""yes""',
    "tab\tin",
    "line\nend",
]
wild = st.text(st.characters(codec="latin-1"), max_size=8)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "kind": st.sampled_from(["A", "A", "A", "1", "B", " A ", "C", ""]),
    "imsi": digits(20),
    "imei": st.sampled_from(["3512345678901234", "351234567890123", "", "35-1"]),
    "number": st.sampled_from(["+8613800138000", "1088888888", "13800138000", "10086", "x1", ""]),
    "other": st.sampled_from(
        ["+8613800138000", "008613800138000", "01088888888", "*100#", "00", "+"]
    )
    | wild,
    "stamp": stamps,
    "until": stamps,
    "date": st.sampled_from(["05/Oct/26", "05/OCT/26", "31/Feb/26", "", "5/Oct/26", "05/Okt/26"]),
    "clock": st.sampled_from(["12:30 AM", "12:30 PM", "00:10 AM", "1:30 PM", "01:30 pm", ""]),
    "epoch": digits(14),
    "amount": amounts,
    "count": digits(12) | st.sampled_from(["-3", "2.147.483.648", "+7"]),
    "cell": st.text("0123456789abcdefABCDEFg", max_size=16),
    "network": st.sampled_from(["46000", "460-00", "310-410", "4600", "46-000", "310410", "46x00"]),
    "word": st.sampled_from(WORDS) | wild,
}
GOOD = {
    "kind": "A",
    "imsi": "460001234567890",
    "imei": "351234567890123",
    "number": "1088888888",
    "other": "01066666666",
    "stamp": "20261005120000",
    "date": "",
    "clock": "",
    "epoch": "",
    "amount": "1,50",
    "count": "2",
    "cell": "ff01",
    "network": "46000",
    "word": "film",
    "until": "20261005120130",
}
# Mostly good records, in which one or a few fields are wild: a fault hides what comes after it.
records = st.fixed_dictionaries(
    {name: st.just(GOOD[name]) | st.just("") | values for name, values in VALUES.items()}
) | st.tuples(st.sampled_from(FIELDS), st.data()).map(
    lambda drawn: {**GOOD, drawn[0]: drawn[1].draw(VALUES[drawn[0]])}
)


def quoted(value: str, mode: int) -> str:
    if mode == 1 or any(char in value for char in ';"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def twin_of(
    name: str, line: bytes, positions: dict[str, int] | None
) -> tuple[dict[str, object], str, str | None]:
    """The row that the twin makes of a line, or the reason and field of its fault."""
    try:
        return twin_row(name, line, positions, len(positions or ()) + 1), "", None
    except FlatError as error:
        return {}, str(error), error.field and error.field.name


def compare(name: str, lines: list[bytes], found: Found, positions: dict[str, int] | None) -> None:
    """Every record is a row like the twin's, or is suspended for the twin's reason."""
    rows = {row["offset"]: row for row in found.rows}
    suspense = {row["offset"]: row for row in found.suspense}
    assert len(found.records) == len(lines)
    for (offset, length), line in zip(found.records, lines, strict=True):
        assert length == len(line)
        expected, reason, field = twin_of(name, line, positions)
        if reason:
            seen = suspense[offset]
            assert (seen["reason"], seen["sub_reason"], seen["raw"]) == (reason, field, line)
            assert offset <= seen["fault_offset"] <= offset + length
            continue
        if offset in suspense:  # the rules of validation, which are not compared here
            assert suspense[offset]["stage"] == "validate"
            continue
        row = {column: rows[offset][column] for column in expected}
        assert row == expected, line


@pytest.mark.parametrize("name", ["delimited", "latin"])
@given(drawn=st.lists(st.tuples(records, st.integers(0, 3), st.integers(-2, 1)), max_size=8))
@example(drawn=[({**GOOD, "word": 'a "quoted" word', "other": '"'}, 1, 0)] * 2)
@settings(deadline=None, max_examples=150)
def test_separated_text(name: str, drawn: list[tuple[dict[str, str], int, int]]) -> None:
    encoding = "latin-1" if name == "latin" else "utf-8"
    lines = []
    for record, mode, more in drawn:
        cells = [quoted(record[field], mode) for field in FIELDS]
        cells = cells[: more or None] if more < 0 else cells + ["more"] * more
        line = ";".join(cells).encode(encoding)
        if line.strip():
            lines.append(line)
    found = decode(b"\r\n".join(lines) + b"\n" if lines else b"\n", name)
    compare(name, lines, found, None)


@given(order=st.permutations([*FIELDS, "extra"]), drawn=st.lists(records, max_size=3))
@settings(deadline=None, max_examples=50)
def test_line_of_names_in_any_order(order: list[str], drawn: list[dict[str, str]]) -> None:
    lines = [
        ";".join(quoted(record.get(field, "?"), 0) for field in order).encode() for record in drawn
    ]
    data = b"\n".join([b"\xef\xbb\xbf" + ";".join(order).encode(), *lines])
    found = decode(data, "named")
    positions = {field: order.index(field) for field in FIELDS}
    expected = {**positions, "extra": order.index("extra")}
    assert {name: expected[name] for name in positions} == positions
    compare("named", lines, found, positions)


@given(drawn=st.lists(st.tuples(records, st.integers(0, 4 * WIDTH)), max_size=6))
@settings(deadline=None, max_examples=100)
def test_fixed_places_in_text(drawn: list[tuple[dict[str, str], int]]) -> None:
    lines = []
    for record, cut in drawn:
        line = "".join(f"{record[field]:{WIDTH}.{WIDTH}}" for field in FIELDS)
        octets = line.encode("latin-1", "replace").replace(b"\n", b" ").replace(b"\r", b" ")
        octets = octets[: len(octets) - cut]
        if octets.strip(b" \t"):
            lines.append(octets)
    found = decode(b"\n".join(lines) if lines else b"\n", "fixed")
    compare("fixed", lines, found, None)
