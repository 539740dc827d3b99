"""Kills real commands and refuses their writes; started again, all must come out as undisturbed.

`make crash` does the same at every step and every write (see ``tests/pipeline/crash/``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.crash.launch import BROKEN, FULL, library
from tests.pipeline.crash.stages import STAGES, Ground, Stage, small_traffic
from tests.pipeline.world import make_workspace, published

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Path("/dev/shm")  # noqa: S108 - made by mkdtemp
"""In memory an fsync costs nothing and is still counted."""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(library() is None, reason="there is no C compiler to build the faults with")
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_disturbed_and_started_again_gives_the_same(stage: Stage, tmp_path: Path) -> None:
    ground = Ground(stage, tmp_path, small_traffic(tmp_path))
    last = ground.steps
    # Before the ledger's transaction, and while files are moved or removed after it.
    for at in (last // 3, last - 3):
        assert ground.kill_at_step(at)
    assert ground.refuse(1 + ground.calls // 10, FULL).code == 75
    ground.refuse(1 + ground.calls // 2, BROKEN)


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments, "-w", str(root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_publishes_nothing_and_loses_nothing(traffic: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        # The originals fit; what is made of them does not.
        root = make_workspace(small / "ws", traffic, take="link").root
        before = sorted(path.name for path in (root / "incoming").rglob("*.ber"))
        filler = small / "filler"
        free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
        filler.write_bytes(bytes(max(0, free - 600_000)))
        full = command(root, "run")
        assert full.returncode == 75, full.stderr
        assert "no space left" in full.stderr or "full" in full.stderr
        assert "Traceback" not in full.stderr
        assert not (root / "edr").exists()
        assert not (root / "staging").exists()
        filler.unlink()
        subprocess.run(["/bin/mount", "-o", "remount,size=64m", str(small)], check=True)
        again = command(root, "run")
        assert again.returncode == 0, again.stderr
        assert len(before) == len(list((root / "archive").glob("*/*")))
        whole = make_workspace(tmp_path / "whole", traffic, take="link").root
        assert command(whole, "run").returncode == 0
        assert published(root) == published(whole)
    finally:
        subprocess.run(["/bin/umount", str(small)], check=False)
