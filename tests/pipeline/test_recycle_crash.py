"""Kills recycling with SIGKILL at durable steps; what a new one makes is compared byte for byte.

In fresh processes: polars, which reads the journal of suspense, cannot be forked.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.operate import operate_run
from tests.pipeline.parted import SHOP
from tests.pipeline.world import ledger_rows, make_workspace, published
from traffic.generate import generate

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

STEPS = (2, 12, 24)
BEFORE, AFTER = "longest_call = 100", "longest_call = 600"
"""Of the calls that the first limit suspends, the second lets some through and some not."""
PROGRAM = """
import sys
from pathlib import Path
from pipeline import logs
from pipeline.recycle import recycle
from pipeline.workspace import Workspace
from tests.pipeline.crashing import KillAt
logs.set_up("error", None, unmask=False)
if int(sys.argv[2]) >= 0:
    KillAt(int(sys.argv[2]))()
recycle(Workspace(Path(sys.argv[1])))
"""


def go(root: Path, step: int = -1) -> int:
    """Recycles in a process of its own, killed at a durable step unless it is negative."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root), str(step)],
        check=False,
        timeout=200,
        cwd=Path(__file__).resolve().parents[2],
    )
    return done.returncode


@pytest.fixture(scope="module")
def suspended(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("recycle_crash")
    generate(folder / "traffic", 1_500, subscribers_folder=SHOP / "subscribers", files=5)
    workspace = make_workspace(folder / "ws", folder / "traffic")
    path = workspace.config_file
    text = path.read_text(encoding="utf-8") + f"\n[validation]\n{BEFORE}\n"
    path.write_text(text, encoding="utf-8")
    operate_run(workspace)
    path.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
    return workspace


def test_killed_at_any_durable_step_and_done_again_gives_the_same_bytes(
    suspended: Workspace, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(suspended.root, plain, symlinks=True)
    assert go(plain) == 0
    wanted, rows = published(plain), ledger_rows(plain)
    assert len(rows["batches"]) == 2
    killed = 0
    for step in STEPS:
        root = tmp_path / f"ws{step}"
        shutil.copytree(suspended.root, root, symlinks=True)
        killed += go(root, step) == -signal.SIGKILL
        assert go(root) == 0
        assert published(root) == wanted
        assert ledger_rows(root) == rows
        assert not (root / "staging").exists()
    assert killed == len(STEPS)
