from __future__ import annotations

import errno
import sqlite3
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from structlog.testing import capture_logs

from collectors.model import Offer, Taken
from pipeline.collection.log import CollectionLog
from pipeline.commit import commit_batch, publish, recover, staged
from pipeline.errors import DiskFullError, LedgerError, LockedError
from pipeline.ledger.model import Commit, Output
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.parquet import write
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def ledger(workspace: Workspace) -> Iterator[Ledger]:
    with Ledger(workspace.ledger_file) as opened:
        yield opened


def table(value: int) -> pa.Table:
    return pa.table({"x": pa.array([value], pa.int64())})


def batch(name: str, outputs: list[Output], replaces: str | None = None) -> Commit:
    return Commit(
        kind="bill",
        name=name,
        cycle="2026-10",
        inputs="",
        outputs=outputs,
        summary={},
        files={},
        replaces=replaces,
    )


def stage(workspace: Workspace, name: str, contents: dict[str, int]) -> list[Output]:
    with staged(workspace, name) as folder:
        return [write(table(value), folder, path) for path, value in contents.items()]


def value_of(workspace: Workspace, path: str) -> int:
    return int(pq.read_table(workspace.root / path).column("x")[0].as_py())


def taken(source: str, name: str, digest: str, sequence: int | None = None) -> Taken:
    return Taken(Offer(source, name, 3, 1, sequence), digest * 64, None)  # type: ignore[arg-type]


def test_a_committed_batch_is_at_its_place_and_staging_is_gone(
    workspace: Workspace, ledger: Ledger
) -> None:
    outputs = stage(workspace, "b1", {"a/x.parquet": 1, "b/c/y.parquet": 2})
    assert not (workspace.root / "a").exists()
    commit_batch(workspace, ledger, workspace.staging / "b1", batch("b1", outputs))
    assert value_of(workspace, "a/x.parquet") == 1
    assert value_of(workspace, "b/c/y.parquet") == 2
    assert not workspace.staging.exists()
    assert [one.state for one in ledger.batches()] == ["published"]


def test_staging_without_commit_is_removed_by_recovery(
    workspace: Workspace, ledger: Ledger
) -> None:
    stage(workspace, "b1", {"a/x.parquet": 1})
    with capture_logs() as logged:
        assert recover(workspace, ledger) == ["removed unfinished b1"]
    assert [(one["event"], one["what"]) for one in logged] == [
        ("recovered", "removed unfinished b1")
    ]
    assert not workspace.staging.exists()
    assert not (workspace.root / "a").exists()


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_recovery_publishes_what_is_committed_however_far_it_was(
    workspace: Workspace, ledger: Ledger, moved: int
) -> None:
    outputs = stage(workspace, "b1", {"a/x.parquet": 1, "a/y.parquet": 2})
    ledger.commit(batch("b1", outputs))
    for output in outputs[:moved]:
        target = workspace.root / output.path
        target.parent.mkdir(exist_ok=True)
        (workspace.staging / "b1" / output.path).rename(target)
    assert recover(workspace, ledger) == ["published b1"]
    assert value_of(workspace, "a/x.parquet") == 1
    assert value_of(workspace, "a/y.parquet") == 2
    assert recover(workspace, ledger) == []


def test_a_later_bill_run_takes_the_place_of_the_earlier_one(
    workspace: Workspace, ledger: Ledger
) -> None:
    first = stage(workspace, "b1", {"a/x.parquet": 1, "a/gone.parquet": 2})
    commit_batch(workspace, ledger, workspace.staging / "b1", batch("b1", first))
    second = stage(workspace, "b2", {"a/x.parquet": 3})
    ledger.commit(batch("b2", second, replaces="b1"))
    recover(workspace, ledger)
    assert value_of(workspace, "a/x.parquet") == 3
    assert not (workspace.root / "a/gone.parquet").exists()
    assert [output.path for output in ledger.outputs()] == ["a/x.parquet"]


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_committed_output_that_is_nowhere_is_told(
    workspace: Workspace, ledger: Ledger, damage: str
) -> None:
    outputs = stage(workspace, "b1", {"a/x.parquet": 1})
    committed = ledger.commit(batch("b1", outputs))
    (workspace.staging / "b1" / "a/x.parquet").unlink()
    if damage == "changed":
        (workspace.root / "a").mkdir()
        (workspace.root / "a/x.parquet").write_bytes(b"something else")
    with pytest.raises(LedgerError, match="missing or was changed"):
        publish(workspace, ledger, committed)


def test_a_failure_leaves_no_staging(workspace: Workspace) -> None:
    def work() -> None:
        with staged(workspace, "b1") as folder:
            write(table(1), folder, "a/x.parquet")
            message = "broken"
            raise ValueError(message)

    with pytest.raises(ValueError, match="broken"):
        work()
    assert not workspace.staging.exists()


def test_a_full_disk_is_one_message(workspace: Workspace) -> None:
    with pytest.raises(DiskFullError, match="nothing was published"), staged(workspace, "b1"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not workspace.staging.exists()


def test_a_second_command_is_told_who_works(workspace: Workspace) -> None:
    with (
        locked(workspace.lock_file, "run"),
        pytest.raises(LockedError, match=r"in use by huadan run \(process \d+\)"),
        locked(workspace.lock_file, "bill"),
    ):
        pass
    with locked(workspace.lock_file, "bill"):
        pass
    assert workspace.lock_file.read_bytes() == b""


def test_contents_that_arrive_again_are_noted_not_taken(ledger: Ledger) -> None:
    assert ledger.register([taken("a", "1", "0"), taken("b", "1", "0")]) == (1, 1)
    assert [file.source for file in ledger.waiting()] == ["a"]
    assert [one.source for one in ledger.waiting_resent()] == ["b"]
    journal = CollectionLog(ledger)
    assert journal.knows(Offer("a", "1", 3, 1, None))
    assert journal.knows(Offer("b", "1", 3, 1, None))
    assert not journal.knows(Offer("a", "1", 3, 2, None))


def test_gaps_are_those_of_the_last_commit(ledger: Ledger) -> None:
    ledger.register([taken("a", "1", "1", 1), taken("a", "4", "4", 4)])
    ledger.commit(batch("b1", []))
    assert [(gap.first, gap.last) for gap in ledger.gaps()] == [(2, 3)]
    ledger.register([taken("a", "3", "3", 3)])
    ledger.commit(batch("b2", []))
    assert [(gap.first, gap.last) for gap in ledger.gaps()] == [(2, 2)]


def test_a_failed_transaction_leaves_nothing(ledger: Ledger) -> None:
    ledger.commit(batch("b1", [Output("a", "", 0, 0)]))
    with pytest.raises(LedgerError):
        ledger.commit(batch("b1", [Output("b", "", 0, 0)]))
    assert [output.path for output in ledger.outputs()] == ["a"]


def test_a_ledger_of_a_newer_version_is_refused(workspace: Workspace) -> None:
    with sqlite3.connect(workspace.ledger_file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LedgerError, match="newer version"):
        Ledger(workspace.ledger_file)


def test_a_damaged_ledger_is_told(workspace: Workspace) -> None:
    workspace.ledger_file.write_bytes(b"this is not a database, not at all" * 100)
    with pytest.raises(LedgerError, match="is damaged"):
        Ledger(workspace.ledger_file)
