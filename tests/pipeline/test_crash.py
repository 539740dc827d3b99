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

from tests.pipeline.crash.child import child
from tests.pipeline.crash.launch import BROKEN, COUNT, FULL, KILL, Started, library
from tests.pipeline.crash.stages import STAGES, Ground, do, small_traffic, state
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
@pytest.mark.parametrize(
    "names", [("run", "bill", "rollback"), ("recycle",), ("watch",)], ids="-".join
)
def test_disturbed_and_started_again_gives_the_same(names: tuple[str, ...], tmp_path: Path) -> None:
    traffic = small_traffic(tmp_path)
    for number, stage in enumerate(stage for stage in STAGES if stage.name in names):
        ground = Ground(stage, tmp_path, traffic)
        # Before the ledger's transaction, and while files are moved or removed after it. Not the
        # last steps: one bill run in 25 takes two more than the others.
        assert ground.kill_at_step(ground.steps // 3)
        assert ground.kill_at_step(ground.steps - 8) or stage.driver
        if number % 2 == 0:
            assert ground.refuse(1 + ground.calls // 10, FULL).failed
        else:
            ground.refuse(1 + ground.calls // 2, BROKEN)
        if stage.name == "rollback":
            same_without_the_server(ground, tmp_path / "told")


def same_without_the_server(ground: Ground, told: Path) -> None:
    """Has a process that was not forked do the same, undisturbed and killed."""
    for at in (COUNT, ground.steps // 2):
        forked, left = ground.start(at, KILL).finish(), state(ground.root)
        ground.fresh()
        call = (ground.stage.arguments, str(told), str(ground.root), at, KILL)
        process = subprocess.run(
            [sys.executable, "-c", f"from {child.__module__} import child; child(*{call!r})"],
            env=os.environ | {"LD_PRELOAD": str(library())},
            check=False,
        )
        assert process.returncode == forked.code
        assert forked.killed == bool(at)
        if not forked.killed:
            counted = told.with_name("told.calls").read_text(encoding="ascii")
            assert counted == f"{forked.calls} {forked.steps}"
        assert state(ground.root) == left


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
        full = Started(root, ("run",)).finish()
        assert full.code == 75, full.told
        assert "no space left" in full.told or "full" in full.told
        assert "Traceback" not in full.told
        assert not (root / "edr").exists()
        assert not (root / "staging").exists()
        filler.unlink()
        subprocess.run(["/bin/mount", "-o", "remount,size=64m", str(small)], check=True)
        do(root, ("run",))
        assert len(before) == len(list((root / "archive").glob("*/*")))
        whole = make_workspace(tmp_path / "whole", traffic, take="link").root
        do(whole, ("run",))
        assert published(root) == published(whole)
    finally:
        subprocess.run(["/bin/umount", str(small)], check=False)
