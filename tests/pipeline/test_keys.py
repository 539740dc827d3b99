from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from pipeline.batch.keys import BatchKeys, day_of, reference_day
from pipeline.commit import commit_batch, staged
from pipeline.errors import LedgerError
from pipeline.ledger.model import Commit, Output
from pipeline.ledger.store import Ledger
from pipeline.upkeep.rollback import rollback
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000_000


def output(day: str, rows: int) -> Output:
    return Output(f"keys/day={day}/batch-000001-00000.keys", "", rows, 0)


def test_the_reference_day_is_not_moved_by_a_few_wrong_clocks() -> None:
    files = [output("2026-10-01", 900), output("2026-10-02", 99), output("2035-01-01", 1)]
    assert reference_day(files) == day_of(files[1].path)
    assert reference_day([]) is None


def test_keys_without_a_day_are_told() -> None:
    with pytest.raises(LedgerError, match="did not keep keys by day"):
        day_of("keys/batch-000001-00000.parquet")


def add(
    workspace: Workspace, name: str, keys: list[int], days: list[int]
) -> tuple[list[bool], int]:
    """Commits a batch of keys; returns which were told before, and how many lie outside."""
    with Ledger(workspace.ledger_file) as ledger:
        store = BatchKeys(workspace.root, ledger, 60)
        with staged(workspace, name) as folder:
            store.begin(folder, name)
            start = pa.array([day * DAY for day in days], pa.timestamp("us", "UTC"))
            events = pa.RecordBatch.from_arrays([start], ["start_time"])
            lane = np.array(keys, np.uint64)
            seen = store.add(lane, lane, events)
            outputs = store.outputs()
        commit = Commit("run", name, None, "", outputs, {}, {}, retires=store.retired)
        commit_batch(workspace, ledger, folder, commit)
    return seen.tolist(), store.outside


def files(root: Path) -> list[str]:
    return sorted(path.parent.name for path in (root / "keys").rglob("*.keys"))


def test_keys_leave_with_the_window_and_with_their_batch(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert add(workspace, "batch-000001", [1, 2], [0, 1]) == ([False, False], 0)
    assert add(workspace, "batch-000002", [1, 2, 3], [0, 1, 75]) == ([True, True, False], 0)
    # Day 75 is the newest: days before 15 are kept a while, and not compared any more.
    assert add(workspace, "batch-000003", [1, 3, 4], [0, 75, 120]) == ([False, True, False], 1)
    # And with day 120 the first are so old that their files go.
    assert files(tmp_path).count("day=1970-01-01") == 2
    assert add(workspace, "batch-000004", [4, 5], [120, 120]) == ([True, False], 0)
    assert files(tmp_path) == ["day=1970-03-17", "day=1970-05-01", "day=1970-05-01"]
    rollback(workspace, "batch-000004", "now")
    assert add(workspace, "batch-000004", [4, 5], [120, 120]) == ([True, False], 0)
