from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.errors import DifferenceError, LedgerError, UsageError
from pipeline.upkeep.backup import backup, restore
from pipeline.upkeep.verify import verify
from pipeline.workspace import Workspace
from tests.pipeline.world import deliver, ledger_rows, make_workspace, published

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> tuple[Workspace, Path, Path]:
    """A workspace, its backup after the first half of the traffic, and the traffic."""
    folder = tmp_path_factory.mktemp("backup")
    workspace = make_workspace(folder / "ws", None)
    files = sorted(traffic.rglob("*.ber"))
    deliver(workspace.root, files[: len(files) // 2])
    run(workspace)
    deliver(workspace.root, files[len(files) // 2 :])  # arrived, not yet taken
    backup(workspace, folder / "night")
    run(workspace)
    bill(workspace)
    return workspace, folder / "night", traffic


def test_the_drill(world: tuple[Workspace, Path, Path], tmp_path: Path) -> None:
    lost, night, traffic = world
    workspace = Workspace(tmp_path / "new")
    restore(night, workspace)
    assert verify(workspace).differences == []
    assert not list((workspace.root / "incoming").rglob("*.ber"))
    files = sorted(traffic.rglob("*.ber"))
    deliver(workspace.root, files)  # the switches still have all of them
    run(workspace)
    bill(workspace)
    assert published(workspace.root) == published(lost.root)
    assert ledger_rows(workspace.root) == ledger_rows(lost.root)


def test_a_backup_is_not_changed_by_restoring_it(
    world: tuple[Workspace, Path, Path], tmp_path: Path
) -> None:
    _, night, _ = world
    before = sorted(path.relative_to(night) for path in night.rglob("*"))
    restore(night, Workspace(tmp_path / "new"))
    assert sorted(path.relative_to(night) for path in night.rglob("*")) == before


def test_links_share_their_bytes(world: tuple[Workspace, Path, Path], tmp_path: Path) -> None:
    workspace, _, _ = world
    linked = backup(workspace, tmp_path / "links", link=True)
    table = next((tmp_path / "links" / "rated").rglob("*.parquet"))
    same = workspace.root / table.relative_to(tmp_path / "links")
    if tmp_path.stat().st_dev == workspace.root.stat().st_dev:
        assert table.stat().st_ino == same.stat().st_ino
    assert verify(Workspace(tmp_path / "links")).files == linked.files


@pytest.mark.parametrize("damage", ["changed", "missing", "ledger", "newer"])
def test_a_damaged_backup_restores_nothing(
    world: tuple[Workspace, Path, Path], tmp_path: Path, damage: str
) -> None:
    _, night, _ = world
    broken = tmp_path / "night"
    shutil.copytree(night, broken, symlinks=True)
    table = next((broken / "rated").rglob("*.parquet"))
    if damage == "changed":
        table.write_bytes(table.read_bytes()[:-1])
    elif damage == "missing":
        table.unlink()
    elif damage == "ledger":
        (broken / "ledger.sqlite").write_bytes(b"not a database at all" * 1000)
    else:
        octets = bytearray((broken / "ledger.sqlite").read_bytes())
        octets[60:64] = (99).to_bytes(4, "big")  # user_version, as SQLite's header has it
        (broken / "ledger.sqlite").write_bytes(octets)
    kind = LedgerError if damage in {"ledger", "newer"} else DifferenceError
    with pytest.raises(kind):
        restore(broken, Workspace(tmp_path / "new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night"]


def test_a_changed_file_is_not_backed_up(
    world: tuple[Workspace, Path, Path], tmp_path: Path
) -> None:
    _, night, _ = world
    workspace = Workspace(tmp_path / "ws")
    restore(night, workspace)
    table = next((workspace.root / "rated").rglob("*.parquet"))
    table.write_bytes(table.read_bytes()[::-1])
    with pytest.raises(DifferenceError, match="1 files are not as committed"):
        backup(workspace, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ws"]


def test_folders_in_use_are_refused(world: tuple[Workspace, Path, Path], tmp_path: Path) -> None:
    workspace, night, _ = world
    with pytest.raises(UsageError, match="is not empty"):
        backup(workspace, night)
    with pytest.raises(UsageError, match="inside the workspace"):
        backup(workspace, workspace.root / "copy")
    with pytest.raises(UsageError, match="is not empty"):
        restore(night, workspace)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="is not a backup"):
        restore(tmp_path / "empty", Workspace(tmp_path / "new"))
