"""Keys depend on the content alone; the set equals a Python set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.duplicates import KeySet, record_keys
from mediation.edr import EDR_SCHEMA, KEY_COLUMNS
from mediation.reference import keys as twin

SCHEMA = pa.schema([EDR_SCHEMA.field(name).with_nullable(nullable=True) for name in KEY_COLUMNS])
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

int64 = st.integers(-(2**63) + 1, 2**63 - 1)
numbers = st.one_of(st.none(), st.just(0), st.integers(0, 3), int64)
texts = st.one_of(
    st.none(), st.sampled_from(("", "moCallRecord", "pGWRecord", "ü", "8619900900001"))
)
times = st.one_of(st.none(), st.integers(0, 2**52))


def column(name: str) -> st.SearchStrategy[Any]:
    kind = SCHEMA.field(name).type
    if pa.types.is_dictionary(kind):
        return texts
    return times if pa.types.is_timestamp(kind) else numbers


rows = st.lists(st.tuples(*map(column, KEY_COLUMNS)), max_size=40)


def batch(values: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = []
    for place, name in enumerate(KEY_COLUMNS):
        kind = SCHEMA.field(name).type
        cells = [row[place] for row in values]
        if pa.types.is_timestamp(kind):
            cells = [
                None if cell is None else EPOCH + timedelta(microseconds=cell) for cell in cells
            ]
        columns.append(pa.array(cells, kind))
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


@given(rows, st.integers(0, 9))
@settings(deadline=None, max_examples=100)
def test_keys_equal_their_twin(values: list[tuple[Any, ...]], skipped: int) -> None:
    high, low = record_keys(batch(values).slice(skipped))
    expected = [twin.record_key(row) for row in values[skipped:]]
    assert list(zip(high.tolist(), low.tolist(), strict=True)) == expected


def test_the_order_of_a_dictionary_does_not_matter() -> None:
    row = tuple(
        "b" if pa.types.is_dictionary(SCHEMA.field(name).type) else 1 for name in KEY_COLUMNS
    )
    plain = batch([row])
    place = KEY_COLUMNS.index("record_type")
    other = pa.DictionaryArray.from_arrays(pa.array([2], pa.int32()), ["x", "a", "b"])
    moved = plain.set_column(place, SCHEMA.field(place), other)
    for ours, theirs in zip(record_keys(plain), record_keys(moved), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", KEY_COLUMNS)
def test_every_key_column_and_every_null_counts(name: str) -> None:
    zero = tuple(
        "" if pa.types.is_dictionary(SCHEMA.field(each).type) else 0 for each in KEY_COLUMNS
    )
    place = KEY_COLUMNS.index(name)
    null = (*zero[:place], None, *zero[place + 1 :])
    other = (*zero[:place], "1" if zero[place] == "" else 1, *zero[place + 1 :])
    high, low = record_keys(batch([zero, null, other]))
    assert len(set(high.tolist())) == 3
    assert len(set(low.tolist())) == 3


def test_no_collision_among_neighbours() -> None:
    """Counters that move together, as in real traffic, do not cancel in either lane."""
    count = 200_000
    steps = np.arange(count)
    columns = []
    for name in KEY_COLUMNS:
        kind = SCHEMA.field(name).type
        if pa.types.is_dictionary(kind):
            columns.append(pa.array(["x"] * count).dictionary_encode().cast(kind))
        else:
            columns.append(pa.array(steps // 450 + steps % 450, pa.int64()).cast(kind))
    place = KEY_COLUMNS.index("charging_id")
    columns[place] = pa.array(steps % 450, pa.int64())
    high, low = record_keys(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
    assert len(np.unique(high)) == count
    assert len(np.unique(low)) == count


words = st.integers(0, 2**64 - 1)
ends = st.one_of(st.integers(0, 3), st.integers(2**64 - 3, 2**64 - 1), words)
"""Where a table begins, where it ends and goes on at its beginning, and between."""
keys = st.tuples(ends, st.one_of(st.integers(1, 3), words)).filter(any)


@given(st.lists(st.lists(keys, max_size=60), max_size=5), st.integers(0, 300))
@settings(deadline=None, max_examples=100)
def test_the_set_equals_a_python_set(batches: list[list[tuple[int, int]]], hint: int) -> None:
    ours, theirs = KeySet(hint), set[tuple[int, int]]()
    for added in batches:
        high = np.array([key[0] for key in added], np.uint64)
        low = np.array([key[1] for key in added], np.uint64)
        assert ours.add(high, low).tolist() == twin.add(theirs, added)
    assert len(ours) == len(theirs)
    assert list(map(tuple, ours.export().reshape(-1, 2).tolist())) == sorted(theirs)


def test_the_set_grows_and_keeps_what_it_knows() -> None:
    known = KeySet()
    spread = np.random.default_rng(3).integers(0, 2**64, 50_000, dtype=np.uint64)
    high = spread[np.arange(50_000) // 7]
    low = np.arange(50_000, dtype=np.uint64) + np.uint64(1)
    for start in range(0, 50_000, 999):
        assert not known.add(high[start : start + 999], low[start : start + 999]).any()
    assert known.add(high, low).all()
    assert len(known) == 50_000


def test_bad_keys_are_refused() -> None:
    one, none = np.ones(1, np.uint64), np.zeros(1, np.uint64)
    with pytest.raises(ValueError, match="equally many"):
        KeySet().add(one, one[:0])
    with pytest.raises(ValueError, match="free slot"):
        KeySet().add(none, none)
