"""Kills real processes with SIGKILL and compares what a new run makes with an undisturbed one."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.crashing import KillAt, SmallFiles, run_and_bill
from tests.pipeline.world import ledger_rows, make_workspace, published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.workspace import Workspace

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.pipeline.crashing"])
STEPS = (1, 24, 36, 48, 58, 68, 76, 90)


def start(root: Path, prepare: Callable[[], None] | None = None) -> multiprocessing.Process:
    process = CONTEXT.Process(target=run_and_bill, args=(str(root), prepare))
    process.start()
    return process  # type: ignore[return-value]


def finish(root: Path) -> None:
    process = start(root)
    process.join()
    assert process.exitcode == 0


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is one: there, an fsync costs nothing and is still counted."""
    memory = Path("/dev/shm")  # noqa: S108 - made by mkdtemp
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> Workspace:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUADAN_TEST_WARM_UP", "1")  # the fork server starts with the first process
        finish(make_workspace(tmp_path_factory.mktemp("warm") / "ws", traffic).root)
    workspace = make_workspace(tmp_path_factory.mktemp("crash") / "ws", traffic, take="move")
    finish(workspace.root)
    return workspace


def same(root: Path, undisturbed: Workspace) -> None:
    assert published(root) == published(undisturbed.root)
    mine, theirs = ledger_rows(root), ledger_rows(undisturbed.root)
    assert mine == theirs


def test_killed_at_random_moments_and_run_again_gives_the_same_bytes(
    undisturbed: Workspace, traffic: Path, tmp_path: Path
) -> None:
    moments = random.Random(11)
    begin = time.monotonic()
    finish(make_workspace(tmp_path / "timed", traffic, take="move").root)
    seconds = time.monotonic() - begin
    killed = 0
    for turn in range(10):
        root = make_workspace(tmp_path / f"ws{turn}", traffic, take="move").root
        process = start(root)
        process.join(seconds * (turn + moments.random()) / 10)
        if process.is_alive():
            process.kill()
            killed += 1
        process.join()
        finish(root)
        same(root, undisturbed)
    assert killed >= 5


def test_killed_at_durable_steps_and_run_again_gives_the_same_bytes(
    undisturbed: Workspace, traffic: Path, tmp_path: Path
) -> None:
    killed = 0
    for step in STEPS:
        root = make_workspace(tmp_path / f"ws{step}", traffic, take="move").root
        process = start(root, KillAt(step))
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        finish(root)
        same(root, undisturbed)
    assert killed >= 6


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments, "-w", str(root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_publishes_nothing_and_loses_nothing(
    undisturbed: Workspace, traffic: Path, tmp_path: Path
) -> None:
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
        finish(root)
        assert len(before) == len(list((root / "archive").glob("*/*")))
        assert published(root) == published(undisturbed.root)
    finally:
        subprocess.run(["/bin/umount", str(small)], check=False)


def test_a_file_that_cannot_be_written_publishes_nothing(
    undisturbed: Workspace, traffic: Path, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "ws", traffic, take="link").root
    process = start(root, SmallFiles())
    process.join()
    assert process.exitcode == 1  # the error ends the bare process; the command says 75
    assert not (root / "edr").exists()
    assert not (root / "staging").exists()
    finish(root)
    assert published(root) == published(undisturbed.root)
