from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.duplicates import record_keys
from rating.billing.duplicates import canonical_duplicates
from tests.rating.strategies_edr import edr_batch
from tests.rating.test_billing_run import crowd_run, events


def told(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_batches([edr_batch(rows)])


def tellings(rng: np.random.Generator, n: int, most: int) -> list[dict[str, Any]]:
    """Events of which each is told up to ``most`` times, in files of different names."""
    out = []
    for row in events(rng, n, 19):
        for again in range(int(rng.integers(1, most + 1))):
            file_id = f"{int(rng.integers(0, 9)):032x}"
            # What is no part of the key may differ between two tellings: here the offset.
            named = {**row, "file_id": file_id, "offset": 1000 * again + row["offset"]}
            out.append({**named, "utc_offset": 480 + again})
    return out


def arrived(rows: list[dict[str, Any]]) -> tuple[pa.Table, pa.Table]:
    """Survivors and duplicates as the month makes them: the first to arrive survives."""
    seen: set[tuple[object, ...]] = set()
    survivors, again = [], []
    for row in rows:
        key = (row["start_time"], row["call_reference"])
        (again if key in seen else survivors).append(row)
        seen.add(key)
    return told(*survivors), told(*again)


def names(table: pa.Table) -> set[tuple[object, ...]]:
    picked = table.select(["file_id", "offset", "container", "utc_offset"]).to_pylist()
    return {tuple(row.values()) for row in picked}


@given(st.integers(0, 2**32), st.integers(1, 25), st.integers(1, 4))
@settings(deadline=None, max_examples=15)
def test_the_survivor_does_not_depend_on_arrival(seed: int, n: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    rows = tellings(rng, n, most)
    first: dict[object, tuple[object, ...]] = {}
    for row in rows:
        name = (row["file_id"], row["offset"], 0, row["utc_offset"])
        first[row["call_reference"]] = min(first.get(row["call_reference"], name), name)
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    for order in (rows, shuffled):
        survivors, again = arrived(order)
        chosen = canonical_duplicates(survivors, again)
        assert chosen.num_rows == n
        assert names(chosen) == set(first.values())


def test_nothing_told_twice_changes_nothing() -> None:
    rows = events(np.random.default_rng(1), 9, 19)
    survivors = told(*rows)
    assert canonical_duplicates(survivors, survivors.slice(0, 0)) is survivors
    # A duplicate of an event of another partition is not taken in.
    strangers = told(*[{**row, "call_reference": 10**6} for row in rows])
    assert canonical_duplicates(survivors, strangers) is survivors
    assert canonical_duplicates(survivors.slice(0, 0), strangers).num_rows == 0


def test_keys_that_share_their_high_half_are_told_apart() -> None:
    rows = events(np.random.default_rng(1), 4, 19)
    survivors = told(*[{**row, "file_id": "f" * 32} for row in rows[:2]])
    again = told({**rows[0], "file_id": "0" * 32}, {**rows[2], "file_id": "0" * 32})

    def keys(batch: pa.RecordBatch) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        _, low = record_keys(batch)
        return np.zeros(len(low), np.uint64), low

    chosen = canonical_duplicates(survivors, again, keys)
    assert sorted(chosen["file_id"].to_pylist()) == ["0" * 32, "f" * 32]
    assert sorted(chosen["call_reference"].to_pylist()) == [0, 1]


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=4)
def test_a_bill_does_not_depend_on_which_telling_came_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = tellings(rng, 30, 3)
    run = crowd_run(1)
    bills = []
    for order in (rows, rows[::-1], [rows[i] for i in rng.permutation(len(rows))]):
        survivors, again = arrived(order)
        bills.append(run.partition(0, [survivors], [again]))
    for name in ("rated", "unrated", "lines", "bills", "balances"):
        tables = [getattr(bill, name) for bill in bills]
        assert tables[0].equals(tables[1])
        assert tables[0].equals(tables[2])
