from __future__ import annotations

import dataclasses

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from mediation.formats import load
from mediation.inspector import tag_tree
from mediation.unpack import MAGICS, OTHERS
from pipeline.inspection.inspect import Part
from pipeline.inspection.show import Shower

from . import dx200
from .world import decode, twin_row

NAME = "nokia_dx200"
COUNT = 400
PACKINGS = (*OTHERS.values(), *(magic for magics in MAGICS.values() for magic in magics))
"""What begins so is unpacked before it is read as anything else."""
CLEAN = dx200.write(dx200.make(COUNT))[: 3 * dx200.BLOCK]


def records_at(data: bytes) -> list[tuple[int, int]]:
    """Where the records of a clean file are: block by block, by their own lengths."""
    found, block = [], 0
    while block < len(data):
        size = dx200.BLOCK * max(data[block + 3], 1)
        end = block + int.from_bytes(data[block + 6 : block + 8], "little") - 24
        at = block + 41
        while at < end:
            length = int.from_bytes(data[at : at + 2], "little")
            found.append((at, length))
            at += length
        assert at == end
        block += size
    return found


@pytest.mark.parametrize("times", [1, 3])
def test_every_field_of_every_record(times: int) -> None:
    records = dx200.make(COUNT)
    data = dx200.write(records, times)
    found = decode(data, NAME)
    places = records_at(data)
    assert found.records == places
    assert len(places) == COUNT
    assert not found.suspense
    assert not found.notes
    assert found.cdr.sequence_number == 77
    assert found.cdr.declared_records == COUNT
    assert found.cdr.framing == "blocks"
    for record, row, (offset, length) in zip(records, found.rows, places, strict=True):
        expected = dx200.expected(record)
        assert {name: row[name] for name in expected} == expected
        assert row["offset"] == offset
        twin = twin_row(NAME, data[offset : offset + length])
        assert {name: row[name] for name in twin} == twin


def test_detected_by_its_blocks() -> None:
    found = decode(dx200.write(dx200.make(50)), None)
    assert found.cdr.format_name == NAME
    assert any("blocks" in line for line in found.cdr.evidence)


def test_one_broken_length_costs_one_record() -> None:
    data = bytearray(dx200.write(dx200.make(COUNT)))
    places = records_at(bytes(data))
    for broken, length in ((10, 0xFFFF), (50, 0), (90, 140), (150, 50)):
        data[places[broken][0] : places[broken][0] + 2] = length.to_bytes(2, "little")
    found = decode(bytes(data), NAME)
    lost = {place for place in places if place not in found.records}
    assert lost == {places[at] for at in (10, 50, 90, 150)}
    assert [row["reason"] for row in found.suspense] == ["wrong_record_length"]
    assert [gap[:2] for gap in found.unframed] == [
        places[10],
        places[50],
        places[90],
        (places[150][0] + 50, places[150][1] - 50),
    ]
    assert {gap[2] for gap in found.unframed} == {"bad_record_length"}
    assert any("declares" in note for note in found.notes)


def test_broken_block_header_costs_its_block() -> None:
    data = bytearray(dx200.write(dx200.make(COUNT)))
    places = records_at(bytes(data))
    data[dx200.BLOCK : dx200.BLOCK + 2] = b"\x00\x00"
    found = decode(bytes(data), NAME)
    kept = [place for place in places if not dx200.BLOCK <= place[0] < 2 * dx200.BLOCK]
    assert found.records == kept
    assert found.unframed == [(dx200.BLOCK, dx200.BLOCK, "bad_block_header")]


def test_cut_file_keeps_what_is_whole() -> None:
    data = dx200.write(dx200.make(COUNT))
    places = records_at(data)
    cut = places[100][0] + 30
    found = decode(data[:cut], NAME)
    assert found.records == places[:100]
    assert found.unframed == [(places[100][0], 30, "bad_record_length")]


def test_unknown_type_and_short_record_are_suspended() -> None:
    first, second, third = dx200.make(3)
    whole = dx200.encode(dataclasses.replace(second, kind=1))
    short = (60).to_bytes(2, "little") + whole[2:60]
    unknown = whole[:2] + b"\x99" + whole[3:]
    block = dx200.encode(first) + short + unknown + dx200.encode(third)
    data = dx200.header(41 + len(block) + 24, 1, 0) + block + dx200.write([third])[-24:]
    data = data[: 41 + len(block)] + dx200.write([])[41:65]
    found = decode(data.ljust(dx200.BLOCK, b"\xff"), NAME)
    assert [row["reason"] for row in found.suspense] == [
        "wrong_record_length",
        "unknown_record_type",
    ]
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    ("at", "octets", "reason", "field"),
    [
        (25, b"\xaa", "invalid_digits", "served_imsi"),
        (75, b"\x61", "invalid_timestamp", "start_time"),
        (76, b"\x0f", "invalid_number", "duration"),
    ],
)
def test_impossible_values_are_suspended(at: int, octets: bytes, reason: str, field: str) -> None:
    record = dataclasses.replace(dx200.make(1)[0], kind=1)
    data = bytearray(dx200.write([record]))
    data[41 + at : 41 + at + len(octets)] = octets
    found = decode(bytes(data), NAME)
    assert [(row["reason"], row["sub_reason"]) for row in found.suspense] == [(reason, field)]


@given(
    edits=st.lists(
        st.tuples(st.integers(0, 3 * dx200.BLOCK - 1), st.binary(min_size=1, max_size=4)),
        max_size=12,
    ),
    cut=st.integers(0, 3 * dx200.BLOCK),
)
@settings(deadline=None, max_examples=40)
def test_mutated_blocks_lose_no_octet(edits: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(CLEAN)
    for at, octets in edits:
        data[at : at + len(octets)] = octets
    data = data[: len(data) - cut] or bytearray(1)
    assume(not data.startswith(PACKINGS))
    found = decode(bytes(data), NAME)  # checks every octet
    reasons = {row["offset"]: row["reason"] for row in found.suspense}
    plan = load(NAME).flat
    assert plan is not None
    for row in found.rows:
        length = dict(found.records)[row["offset"]]
        twin = twin_row(NAME, bytes(data[row["offset"] : row["offset"] + length]))
        assert {name: row[name] for name in twin} == twin
    assert len(reasons) + len(found.rows) == len(found.records)


@given(data=st.binary(min_size=1, max_size=20_000))
@settings(deadline=None, max_examples=30)
def test_junk_loses_no_octet(data: bytes) -> None:
    decode(b"\x29" + data, NAME)


def test_octets_of_a_record_that_nobody_knows_are_not_shown() -> None:
    record = dx200.make(1)[0]
    octets = dx200.encode(record)
    unknown = octets[:2] + b"\x11" + octets[3:]
    shower = Shower(unmask=False)
    for each, hidden in ((unknown, True), (octets, False)):
        nodes = tuple(tag_tree(each, load(NAME), 0))
        shown = shower.lines(Part("record", 0, len(each), 1, nodes=nodes))
        assert dx200.tbcd(record.served, 10).hex(" ")[:20] not in shown
        assert (f"<{len(each)} bytes>" in shown) == hidden
        assert f"area_code = {record.area}" not in shown
