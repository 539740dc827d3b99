"""Merged key files equal a set: whatever is added, merged, taken back and killed, in any order."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediation import key_merge
from mediation.errors import KeyFileError
from mediation.key_files import KeyFile
from pipeline.batch import key_merging
from pipeline.batch.keys import day_of
from pipeline.ledger.store import Ledger
from pipeline.published import batch_of
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.verify import verify
from pipeline.workspace import Workspace
from tests.pipeline.merging import (
    MANY,
    SLICE,
    Told,
    add,
    killed,
    make,
    merging_batch,
    splitting_rollback,
)
from tests.pipeline.world import ledger_rows, published

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mediation.key_store import Day


@pytest.fixture(autouse=True)
def merge_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_merging, "MANY", MANY)
    monkeypatch.setattr(key_merge, "SLICE", SLICE)


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
