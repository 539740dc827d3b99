from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.commit import recover
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.status import read_status
from pipeline.upkeep.verify import verify
from pipeline.workspace import Workspace
from tests.pipeline.world import deliver, ledger_rows, make_workspace, published

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-11-22T08:00:00+00:00"


def halves(traffic: Path) -> tuple[list[Path], list[Path]]:
    files = sorted(traffic.rglob("*.ber"))
    middle = len(files) // 2
    return files[:middle], files[middle:]


@pytest.fixture(scope="module")
def two_batches(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> Path:
    """A workspace of two batches, the second of which ends what the first left waiting."""
    root = tmp_path_factory.mktemp("rollback") / "ws"
    workspace = make_workspace(root, None)
    for some in halves(traffic):
        deliver(root, some)
        run(workspace)
    bill(workspace)
    return root


@pytest.fixture
def workspace(tmp_path: Path, two_batches: Path) -> Workspace:
    root = tmp_path / "ws"
    shutil.copytree(two_batches, root, symlinks=True)
    return Workspace(root)


def test_a_batch_taken_back_and_run_again_gives_the_same_bytes(workspace: Workspace) -> None:
    before, rows = published(workspace.root), ledger_rows(workspace.root)
    [taken] = rollback(workspace, "batch-000002", NOW)
    assert taken.files > 0
    assert not list(workspace.root.rglob("*batch-000002*"))
    assert [b["name"] for b in read_status(workspace)["batches"]] == ["batch-000001"]
    assert verify(workspace).differences == []
    result = run(workspace)
    assert result.batch == "batch-000002"
    assert published(workspace.root) == before
    after = ledger_rows(workspace.root)
    assert after["sheets"] != []
    assert {r[0]: r[6] for r in after["files"]} == {r[0]: r[6] for r in rows["files"]}


def test_all_batches_taken_back_leave_only_bills_and_originals(workspace: Workspace) -> None:
    done = rollback(workspace, "batch-000001", NOW, with_later=True)
    assert [one.batch for one in done] == ["batch-000002", "batch-000001"]
    assert set(published(workspace.root)) == {
        name for name in published(workspace.root) if name.split("/")[0] in {"billed", "archive"}
    }
    with Ledger(workspace.ledger_file) as ledger:
        assert {file.state for file in ledger.files()} == {"taken"}


def test_bills_are_out_of_date_until_the_events_come_again(workspace: Workspace) -> None:
    assert read_status(workspace)["bills"][-1]["outdated"] is None
    rollback(workspace, "batch-000002", NOW)
    assert read_status(workspace)["bills"][-1]["outdated"] == "batch-000002 was taken back"
    run(workspace)
    assert read_status(workspace)["bills"][-1]["outdated"] == "batch-000002 brought events"
    assert bill(workspace).batch is None
    assert read_status(workspace)["bills"][-1]["outdated"] is None


def send_message(workspace: Workspace, number: int, start: str) -> None:
    """Delivers a file with one message of a card whose plan gives messages, and runs."""
    (workspace.root / f"incoming/vas1/vas1_{number:06d}_202612010000.csv").write_text(
        "kind,event,msisdn,imsi,partner,start,item,count,volume_kb,duration_s,amount,currency,"
        "network,result\n"
        f"message,{number},8619921536591,460002100000001,8619921942709,{start},text,1,0,0,0.00,"
        "CNY,46000,ok\n"
    )
    run(workspace)


def test_the_next_bill_is_out_of_date_when_its_opening_balances_change(
    workspace: Workspace,
) -> None:
    def outdated() -> dict[str, str]:
        bills = read_status(workspace)["bills"]
        return {one["name"]: one["outdated"] for one in bills if one["outdated"]}

    def replaced() -> dict[str, str]:
        bills = read_status(workspace)["bills"]
        return {one["name"]: one["replaced_by"] for one in bills if one["replaced_by"]}

    send_message(workspace, 1, "2026-11-05 12:00:00")
    bill(workspace, "2026-11")
    send_message(workspace, 2, "2026-10-05 12:00:00")
    assert set(outdated()) == {"bill-2026-10-0001"}
    bill(workspace, "2026-10")
    assert outdated() == {"bill-2026-11-0001": "bill-2026-10-0002 left other balances"}
    bill(workspace, "2026-11")
    assert outdated() == {}
    assert replaced() == {
        "bill-2026-10-0001": "bill-2026-10-0002",
        "bill-2026-11-0001": "bill-2026-11-0002",
    }
    rollback(workspace, "bill-2026-10-0002", NOW)
    assert replaced() == {"bill-2026-11-0001": "bill-2026-11-0002"}
    assert outdated() == {"bill-2026-11-0002": "bill-2026-10-0001 was taken back"}
    bill(workspace, "2026-10")
    assert bill(workspace, "2026-11").batch is None
    assert outdated() == {}


def test_a_bill_taken_back_is_made_again(workspace: Workspace) -> None:
    before = published(workspace.root)
    [name] = [b["name"] for b in read_status(workspace)["bills"]]
    rollback(workspace, name, NOW)
    assert not published(workspace.root, "billed")
    assert bill(workspace).batch == name
    assert published(workspace.root) == before


def test_a_bill_of_fewer_events_is_replaced_and_both_are_taken_back(workspace: Workspace) -> None:
    first = read_status(workspace)["bills"][-1]["name"]
    before = published(workspace.root)
    rollback(workspace, "batch-000002", NOW)
    second = bill(workspace).batch
    assert second is not None
    assert second != first
    with pytest.raises(UsageError, match="was replaced by"):
        rollback(workspace, first, NOW)
    assert [one.batch for one in rollback(workspace, second, NOW)] == [second, first]
    assert not (workspace.root / "billed").exists()
    run(workspace)
    assert bill(workspace).batch == first
    assert published(workspace.root) == before


def test_an_earlier_batch_needs_the_later_ones_with_it(workspace: Workspace) -> None:
    before = published(workspace.root)
    with pytest.raises(UsageError, match="1 later batches go on from batch-000001") as told:
        rollback(workspace, "batch-000001", NOW)
    assert "--with-later" in told.value.hint
    with pytest.raises(UsageError, match="there is no batch 'batch-2'") as told:
        rollback(workspace, "batch-2", NOW)
    assert "did you mean 'batch-000002'" in told.value.hint
    assert published(workspace.root) == before


def test_a_rollback_that_was_killed_is_finished_by_whatever_comes_next(
    workspace: Workspace,
) -> None:
    with Ledger(workspace.ledger_file) as ledger:
        latest = ledger.batches("run")[-1]
        ledger.take_back([latest], NOW)
        left = ledger.removals()
        (workspace.root / left[0]).unlink()  # as far as it had come
        assert recover(workspace, ledger) == [
            f"removed {len(left)} files of batches that were taken back"
        ]
        assert recover(workspace, ledger) == []
    assert verify(workspace).differences == []
