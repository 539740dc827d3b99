"""Merged key files equal a set: whatever is added, merged, taken back and killed, in any order."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediation import key_merge
from mediation.errors import KeyFileError
from mediation.key_files import KeyFile
from pipeline.batch import key_merging
from pipeline.batch.keys import BatchKeys, day_of
from pipeline.commit import commit_batch, recover, staged
from pipeline.ledger.database import Database
from pipeline.ledger.model import Commit
from pipeline.ledger.store import Ledger
from pipeline.published import batch_of
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.verify import verify
from pipeline.workspace import CONFIG_NAME, Workspace
from tests.pipeline.crash.launch import context
from tests.pipeline.world import ledger_rows, published

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.key_store import Day

DAY = 86_400_000_000
Told = list[tuple[int, int]]
"""(key, day) of events."""


@pytest.fixture(autouse=True)
def merge_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch)


def limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(key_merging, "MANY", 4)
    patch.setattr(key_merge, "SLICE", 3)


def make(root: Path) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / CONFIG_NAME).touch()
    return Workspace(root)


def add(workspace: Workspace, events: Told, days: dict[int, Day] | None = None) -> list[bool]:
    """Commits a batch of events; returns which were told before."""
    with Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        name = f"batch-{ledger.next_run_number():06d}"
        store = BatchKeys(workspace.root, ledger, 60, days)
        with staged(workspace, name) as folder:
            store.begin(folder, name)
            start = pa.array([day * DAY for _, day in events], pa.timestamp("us", "UTC"))
            low = np.array([key for key, _ in events], np.uint64)
            high = low >> np.uint64(1) << np.uint64(58)  # the first lane alone does not tell them
            table = pa.RecordBatch.from_arrays([start], ["start_time"])
            seen = store.add(high, low, table)
            outputs = store.outputs()
        commit = Commit("run", name, None, "", outputs, {}, {}, retires=store.retired)
        commit_batch(workspace, ledger, folder, commit)
    return [bool(one) for one in seen]


def stored(workspace: Workspace) -> dict[tuple[int, int], int]:
    """Returns the batch of every (key, day) as the files of the ledger have it."""
    found: dict[tuple[int, int], int] = {}
    with Ledger(workspace.ledger_file) as ledger:
        for output in ledger.outputs("keys/"):
            file = KeyFile.open(workspace.root / output.path)
            view = file.mapped()
            keys = file.pairs(view)[1::2].tolist()
            assert keys == sorted(keys)
            assert file.keys == output.rows
            batches = (
                file.origins(view).tolist()
                if file.merged
                else [int(batch_of(output.path)[6:])] * file.keys
            )
            day = day_of(output.path)
            for key, batch in zip(keys, batches, strict=True):
                assert (key, day) not in found
                found[key, day] = batch
    return found


def files(workspace: Workspace) -> int:
    return sum(path.is_file() for path in (workspace.root / "keys").rglob("*"))


def flat(steps: list[Any]) -> list[Any]:
    """Returns steps with each of a group of batches by itself."""
    groups = [one if isinstance(one, list) and isinstance(one[0], list) else [one] for one in steps]
    return [one for group in groups for one in group]


batch = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 1)), min_size=1, max_size=6)
few = st.lists(batch, min_size=4, max_size=6)
step = st.one_of(few, few, batch, st.integers(1, 8), st.none())


@given(st.lists(step, max_size=10).map(flat))
@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
def test_batches_merges_rollbacks_and_restarts_equal_a_set(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Told | int | None]
) -> None:
    workspace = make(tmp_path_factory.mktemp("keys"))
    batches: list[Told] = []
    days: dict[int, Day] = {}
    for one in steps:
        if one is None:
            days = {}  # another process
        elif isinstance(one, int):
            if one <= len(batches):
                rollback(workspace, f"batch-{len(batches) - one + 1:06d}", "now", with_later=True)
                del batches[-one:]
        else:
            known = {event for told in batches for event in told}
            expected, fresh = [], []
            for event in one:
                expected.append(event in known)
                fresh += [] if event in known else [event]
                known.add(event)
            assert add(workspace, one, days) == expected
            batches.append(fresh)
        owners = {e: number for number, told in enumerate(batches, 1) for e in told}
        assert (stored(workspace) if batches else {}) == owners
    if batches:
        assert verify(workspace).differences == []


def grown(root: Path) -> Workspace:
    """Makes a workspace whose next batch merges, for the second time."""
    workspace = make(root)
    for number in range(1, 9):
        add(workspace, [(number, 0), (number + 20, number % 2)])
    return workspace


def test_many_batches_leave_few_files_and_the_filter_is_kept(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    days: dict[int, Day] = {}
    most, filters = 0, []
    for number in range(1, 50):
        add(workspace, [(number, 0)], days)
        most = max(most, files(workspace))
        filters.append(days[0].words)
        assert len(days[0].files) == files(workspace)
    assert all(one is filters[0] for one in filters)  # nothing was read again
    assert most <= 4 * 3 + 1
    assert len(stored(workspace)) == 49


def test_a_batch_within_merged_files_is_taken_back_alone(tmp_path: Path) -> None:
    workspace = grown(tmp_path)
    add(workspace, [(15, 0)])
    before = stored(workspace)
    rollback(workspace, "batch-000003", "now", with_later=True)
    assert stored(workspace) == {event: b for event, b in before.items() if b < 3}
    assert verify(workspace).differences == []
    assert add(workspace, [(1, 0), (3, 0), (22, 0)]) == [True, False, True]


def test_octets_that_changed_are_found_before_they_are_used(tmp_path: Path) -> None:
    workspace = grown(tmp_path)
    days: dict[int, Day] = {}
    add(workspace, [(15, 0)], days)
    victim = max((tmp_path / "keys" / "day=1970-01-01").iterdir())
    whole = victim.read_bytes()
    for place in (16, len(whole) - 1):  # a key, and the batch of one
        victim.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for kept in ({}, days):
            with pytest.raises(KeyFileError, match="its digest differs"):
                add(workspace, [(16, 0)], kept)
    with pytest.raises(KeyFileError, match="its digest differs"):
        rollback(workspace, "batch-000002", "now", with_later=True)
    assert not workspace.staging.exists()
    victim.write_bytes(whole)
    assert verify(workspace).differences == []


class Killer:
    """Kills this process at one of the steps that leave something on the disk."""

    def __init__(self, at: int) -> None:
        self.left = at
        for owner, name in (
            (os, "fsync"),
            (Path, "rename"),
            (Path, "unlink"),
            (Database, "_commit"),
        ):
            setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the call takes
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted


def killed(at: int, work: Callable[[Workspace], None], workspace: Workspace) -> bool:
    """Does the work in a process that dies at a step; returns whether it came so far."""
    process = context().Process(target=die_at, args=(at, work, workspace))
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def die_at(at: int, work: Callable[[Workspace], None], workspace: Workspace) -> None:
    limit(pytest.MonkeyPatch())
    Killer(at)
    work(workspace)


def merging_batch(workspace: Workspace) -> None:
    with Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        done = ledger.batch_named("batch-000009") is not None
    if not done:
        assert add(workspace, [(15, 0), (1, 0), (16, 1)]) == [False, True, False]


def splitting_rollback(workspace: Workspace) -> None:
    with Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        done = ledger.batch_named("batch-000003") is None
    if not done:
        rollback(workspace, "batch-000003", "now", with_later=True)


@pytest.mark.parametrize("work", [merging_batch, splitting_rollback])
def test_killed_at_every_step_the_next_command_ends_it(
    tmp_path: Path, work: Callable[[Workspace], None]
) -> None:
    begin = grown(tmp_path / "begin").root
    root = tmp_path / "ws"

    def fresh() -> Workspace:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(begin, root)
        return Workspace(root)

    work(fresh())
    expected = published(root), ledger_rows(root)
    merged = [name for name in expected[0] if "merged-" in name]
    assert merged
    at = 0
    while killed(at, work, fresh()):
        work(Workspace(root))
        assert (published(root), ledger_rows(root)) == expected
        assert verify(Workspace(root)).differences == []
        at += 1
    assert at > 20
