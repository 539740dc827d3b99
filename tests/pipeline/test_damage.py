"""Published files that a later command reads and that are missing, cut or full of something else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.cli.main import main
from pipeline.errors import Exit
from tests.pipeline.crash.stages import small_traffic
from tests.pipeline.world import deliver, make_workspace, published

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    ("run", "state/cycle=*/*.parquet", "cut"),
    ("run", "state/cycle=*/*.parquet", "missing"),
    ("run", "state/cycle=*/*.parquet", "changed"),
    ("run", "keys/day=*/*.keys", "missing"),
    ("run", "keys/day=*/*.keys", "cut"),
    ("run", "keys/day=*/*.keys", "changed"),
    ("run", "usage/day=*/*.parquet", "cut"),
    ("bill", "edr/cycle=*/*.parquet", "missing"),
    ("bill", "edr/cycle=*/*.parquet", "cut"),
    ("bill", "edr/cycle=*/*.parquet", "changed"),
)


def command(root: Path, name: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main([name, "-w", str(root)])
    return int(stop.value.code or 0)


def test_damaged_files_are_named_and_once_put_back_nothing_is_lost(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = sorted(small_traffic(tmp_path).rglob("*.ber"))
    root = make_workspace(tmp_path / "ws").root
    deliver(root, files[:3])
    assert command(root, "run") == Exit.DONE
    deliver(root, files[3:])
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(root, undisturbed, symlinks=True)
    before = published(root, "edr", "rated", "state", "keys", "audit", "usage", "billed")
    for name, pattern, damage in CASES:
        path = max(root.glob(pattern), key=lambda path: path.stat().st_size)
        whole = path.read_bytes()
        if damage == "cut":
            path.write_bytes(whole[: len(whole) // 2])
        elif damage == "changed":
            path.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
        else:
            path.unlink()
        capfd.readouterr()
        assert command(root, name) == Exit.RECONCILIATION
        told = capfd.readouterr().err
        assert "Traceback" not in told
        assert path.relative_to(root).as_posix() in told
        assert "nothing was published" in told
        assert "huadan rollback" in told
        assert not (root / "staging").exists()
        path.write_bytes(whole)
        assert published(root, *{name.split("/")[0] for name in before}) == before
    for workspace in (root, undisturbed):
        assert command(workspace, "run") == Exit.DONE
    assert published(root) == published(undisturbed)
