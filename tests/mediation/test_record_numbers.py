from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation import formats
from mediation.columns import COLUMNS
from mediation.decoder import decode_chunk
from mediation.edr import MISSING
from mediation.normalize import CHINA
from mediation.record_numbers import (
    ENTITY_COLUMN,
    NUMBER_COLUMN,
    Collector,
    NodeNumbers,
    joined,
    numbers_of,
    reduced,
)
from mediation.reference.ber import MalformedError, decode_record
from mediation.reference.running import ranges_of
from tests.mediation.cdr_records import memory, random_records
from tests.mediation.flat.world import twin_columns
from tests.mediation.opened import NO_RULES
from traffic.nodes import draw_records
from traffic.tlv import Tlv, parse

NODES = ("", "a", "b")
ROWS = st.lists(
    st.tuples(
        st.booleans(), st.integers(0, 2), st.one_of(st.none(), st.integers(-2, 9), st.integers(0))
    ),
    max_size=40,
)


def plain(found: tuple[NodeNumbers, ...] | list[NodeNumbers]) -> dict[str, object]:
    return {
        one.node: ([*map(tuple, one.ranges.tolist())], (one.again, one.lowest, one.highest))
        for one in found
    }


@settings(max_examples=300, deadline=None)
@given(ROWS, st.integers(1, 40))
def test_ranges_are_those_of_the_twin(
    drawn: list[tuple[bool, int, int | None]], block: int
) -> None:
    """A block ends between two records."""
    rows: list[tuple[int, str, int | None]] = []
    for fresh, node, number in drawn:
        record_of = rows[-1][0] + fresh if rows else 0
        small = None if number is None else min(number, 2**62)
        rows.append((record_of, NODES[node], small))
    collector = Collector(formats.load("3gpp_ps"), CHINA, 64)
    codes = np.array([-1, 0, 1], np.int32)
    texts = SimpleNamespace(codes=codes, words={ENTITY_COLUMN: {"a": 0, "b": 1}})
    at = 0
    while at < len(rows):
        end = min(at + block, len(rows))
        while end < len(rows) and rows[end][0] == rows[end - 1][0]:
            end += 1
        columns = np.full((len(COLUMNS), 64), MISSING, np.int64)
        records = np.zeros(64, np.int32)
        for place, (record, name, number) in enumerate(rows[at:end]):
            records[place] = record - rows[at][0]
            columns[NUMBER_COLUMN, place] = MISSING if number is None else number
            columns[ENTITY_COLUMN, place] = NODES.index(name) if name else MISSING
        collector.add(columns, texts, records, end - at)
        at = end
    assert plain(collector.found(texts)) == ranges_of(rows)


@pytest.mark.parametrize("name", ["3gpp_ps", "3gpp_ims", "3gpp_chf", "nokia_dx200"])
def test_every_record_of_a_node_is_counted(name: str) -> None:
    records = draw_records(name, 300, 5)
    chunk = decode_chunk(memory(name, records), range(300), CHINA, NO_RULES)
    rows: list[Any] = []
    for place, record in enumerate(records):
        said = [twin_columns(name, record)] if name == "nokia_dx200" else _twin(name, record)
        rows += [(place, row["recording_entity"] or "", row["record_number"]) for row in said]
    assert plain(chunk.numbers) == ranges_of(rows)
    assert sum(last - first + 1 for one in chunk.numbers for first, last in one.ranges) == 300


def _twin(name: str, record: bytes) -> list[dict[str, object]]:
    try:
        return [dict(row) for row in decode_record(formats.load(name), record)]
    except MalformedError:
        return []


@pytest.mark.parametrize("name", ["3gpp_ps", "3gpp_chf"])
def test_records_of_any_make_count_as_the_twin_says(name: str) -> None:
    records = random_records(name, 120, 3)
    chunk = decode_chunk(memory(name, records), range(len(records)), CHINA, NO_RULES)
    rows = []
    for place, record in enumerate(records):
        said = _twin(name, record)
        numbers = [
            (str(row.get("recording_entity") or ""), row.get("record_number")) for row in said
        ]
        if not said:
            numbers = list(numbers_of(reduced(formats.load(name)), record, CHINA))
        rows += [(place, node, number) for node, number in numbers]
    found = plain(chunk.numbers)
    assert found
    assert found == ranges_of(rows)  # type: ignore[arg-type] # numbers are integers


def test_suspended_records_tell_their_numbers() -> None:
    """A cut record, one with an impossible date, and one that a rule of validation stops."""
    records = draw_records("3gpp_ps", 20, 1)
    opening = b"\x8d"  # recordOpeningTime [13]
    record, _ = parse(records[4])
    parts = [
        Tlv(part.tag, b"\x26\x13" + (part.contents or b"")[2:]) if part.tag == opening else part
        for part in record.parts or ()
    ]
    records[4] = Tlv(record.tag, parts=tuple(parts)).octets()
    records[9] = records[9][:-30]
    chunk = decode_chunk(memory("3gpp_ps", records), range(20))
    assert chunk.records_suspended >= 2
    assert {"invalid_timestamp", "truncated"} <= set(chunk.suspense.column("reason").to_pylist())
    assert sum(last - first + 1 for one in chunk.numbers for first, last in one.ranges) == 20


def test_parts_of_a_file_are_joined() -> None:
    records = draw_records("3gpp_ps", 50, 2)
    records += records[7:9]
    file = memory("3gpp_ps", records)
    whole = decode_chunk(file, range(52), CHINA, NO_RULES).numbers
    parts = [decode_chunk(file, range(a, a + 13), CHINA, NO_RULES).numbers for a in (0, 13, 26, 39)]
    assert plain(joined(one for part in parts for one in part)) == plain(whole)
    assert sum(one.again for one in whole) == 2


def test_formats_without_numbers_count_nothing() -> None:
    records = draw_records("3gpp_cs", 5, 1)
    assert decode_chunk(memory("3gpp_cs", records), range(5)).numbers == ()
