from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.billing.partition import UNGUIDED, partition_index, partition_of, split_batch


def test_the_hash_is_the_written_down_one() -> None:
    digest = hashlib.sha256(b"G0001").hexdigest()
    assert partition_of("G0001", 16) == int(digest[:16], 16) % 16
    assert [partition_of(f"G{n}", 8) for n in range(6)] == [1, 1, 6, 3, 3, 2]
    with pytest.raises(ValueError, match="at least 1"):
        partition_of("G", 0)


def test_a_group_alone_goes_where_its_hash_says() -> None:
    groups = [f"G{n:03}" for n in range(200)]
    own = np.arange(200, dtype=np.int32)
    assert partition_index(groups, own, own, 8).tolist() == [partition_of(g, 8) for g in groups]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
    st.integers(1, 9),
)
@settings(deadline=None)
def test_an_account_is_never_split(periods: list[tuple[int, int]], n: int) -> None:
    groups = [f"G{number}" for number in range(10)]
    group = np.asarray([period[0] for period in periods], np.int32)
    account = np.asarray([period[1] for period in periods], np.int32)
    found = partition_index(groups, group, account, n)
    for number in range(10):
        assert len(set(found[group[account == number]].tolist())) <= 1
    # The order of periods does not matter.
    turned = partition_index(groups, group[::-1].copy(), account[::-1].copy(), n)
    assert found.tolist() == turned.tolist()


def test_groups_that_share_an_account_follow_the_first() -> None:
    groups = ["A", "B", "C", "D"]
    group, account = np.asarray([2, 1, 3, 1], np.int32), np.asarray([5, 5, 6, 6], np.int32)
    found = partition_index(groups, group, account, 1000).tolist()
    first = partition_of("B", 1000)
    assert found == [partition_of("A", 1000), first, first, first]


@given(st.lists(st.integers(-1, 5), max_size=40), st.integers(1, 4))
@settings(deadline=None)
def test_a_split_keeps_every_row_in_order(guided: list[int], n: int) -> None:
    batch = pa.record_batch({"row": pa.array(range(len(guided)), pa.int64())})
    group = np.asarray(guided, np.int32)
    partitions = partition_index(
        [f"G{i}" for i in range(6)], np.arange(6, dtype=np.int32), np.arange(6, dtype=np.int32), n
    )
    parts = split_batch(batch, group, partitions)
    rows = [row for part in parts.values() for row in part["row"].to_pylist()]
    assert sorted(rows) == list(range(len(guided)))
    for partition, part in parts.items():
        here = part["row"].to_pylist()
        assert here == sorted(here)
        assert here
        for row in here:
            home = UNGUIDED if guided[row] < 0 else partitions[guided[row]]
            assert partition == home


def test_a_split_without_subscribers_goes_to_the_unguided() -> None:
    batch = pa.record_batch({"row": pa.array([1, 2])})
    parts = split_batch(batch, np.asarray([-1, -1], np.int32), np.zeros(0, np.int32))
    assert list(parts) == [UNGUIDED]
    with pytest.raises(ValueError, match="1 guided rows for a batch of 2"):
        split_batch(batch, np.asarray([-1], np.int32), np.zeros(0, np.int32))
