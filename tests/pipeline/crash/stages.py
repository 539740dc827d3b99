"""The commands that are disturbed, the workspaces they begin with, and what must come out."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.pipeline.crash.launch import COUNT, FULL, KILL, NEVER, Outcome, Started
from tests.pipeline.parted import SHOP
from tests.pipeline.world import deliver, ledger_rows, make_workspace, published
from traffic.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

RECORDS = 1_500
FILES = 5
DONE = (0, 3)
TEMPORARY = 75
RUN = ("run", "--threads", "2")
LIMIT = "\n[validation]\nlongest_call = 200\n"
"""Suspends long calls; without it, recycling has them rated."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One command: how its workspace is made, and how it is started (again)."""

    name: str
    arguments: tuple[str, ...]
    begin: Callable[[Path, Path], None]
    """Makes the workspace of a folder and traffic."""
    again: tuple[int, ...] = DONE
    """Exit codes of starting it once more."""


def small_traffic(folder: Path) -> Path:
    """Writes a little traffic, so that a command takes a second."""
    generate(folder / "traffic", RECORDS, subscribers_folder=SHOP / "subscribers", files=FILES)
    return folder / "traffic"


def _ordered(traffic: Path) -> list[Path]:
    return sorted(traffic.rglob("*.ber"))


def _half(root: Path, traffic: Path) -> None:
    files = _ordered(traffic)
    make_workspace(root, None, take="move")
    deliver(root, files[: len(files) // 2])
    do(root, RUN)
    deliver(root, files[len(files) // 2 :])


def _whole(root: Path, traffic: Path) -> None:
    _half(root, traffic)
    do(root, RUN)


def _billed(root: Path, traffic: Path) -> None:
    _whole(root, traffic)
    do(root, ("bill",))


def _suspended(root: Path, traffic: Path) -> None:
    workspace = make_workspace(root, traffic, take="move")
    text = workspace.config_file.read_text(encoding="utf-8")
    workspace.config_file.write_text(text + LIMIT, encoding="utf-8")
    do(root, RUN)
    workspace.config_file.write_text(text, encoding="utf-8")


STAGES = (
    Stage("run", RUN, _half),
    Stage("bill", ("bill",), _whole),
    Stage("recycle", ("suspense", "recycle"), _suspended),
    Stage("rollback", ("rollback", "batch-000002"), _billed, again=(0, 2)),
)


def do(root: Path, arguments: tuple[str, ...], allowed: tuple[int, ...] = DONE) -> Outcome:
    """Runs a command undisturbed."""
    outcome = Started(root, arguments).finish()
    assert outcome.code in allowed, outcome.told
    return outcome


class Ground:
    """A stage's workspace before it, and what an undisturbed command makes of it."""

    def __init__(self, stage: Stage, folder: Path, traffic: Path) -> None:
        self.stage = stage
        self.folder = folder
        self.before = folder / stage.name / "before"
        # Every copy has the same name: a path must not be what differs.
        self.root = folder / stage.name / "ws"
        stage.begin(self.before, traffic)
        self.fresh()
        begin = time.monotonic()
        self.calls = self._counted(FULL)
        self.seconds = time.monotonic() - begin
        self.after = state(self.root)
        self.fresh()
        self.steps = self._counted(KILL)
        assert state(self.root) == self.after
        assert self.after != state(self.before)

    def _counted(self, kind: int) -> int:
        outcome = Started(self.root, self.stage.arguments, COUNT, kind).finish()
        assert outcome.code in DONE, outcome.told
        assert outcome.calls
        return outcome.calls

    def fresh(self) -> None:
        """Puts the workspace back to what it was before the command."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.before, self.root, symlinks=True)

    def start(self, at: int = NEVER, error: int = 0) -> Started:
        """Starts the command on a fresh workspace; the `at`-th call is hit."""
        self.fresh()
        return Started(self.root, self.stage.arguments, at, error)

    def recover(self) -> None:
        """Starts the command again and compares everything with the undisturbed workspace."""
        do(self.root, self.stage.arguments, self.stage.again)
        published_now, rows_now = state(self.root)
        published_then, rows_then = self.after
        assert published_now == published_then
        assert rows_now == rows_then

    def kill_at_step(self, at: int) -> bool:
        """Kills the command at its `at`-th step and starts it again; returns whether it hit."""
        outcome = self.start(at, KILL).finish()
        assert outcome.killed or outcome.code in DONE, outcome.told
        self.recover()
        return outcome.killed

    def kill_at_moment(self, share: float) -> bool:
        """Kills the command after a share of its time; returns whether it was in time."""
        started = self.start()
        started.process.join(self.seconds * share)
        started.process.kill()
        outcome = started.finish()
        self.recover()
        return outcome.killed

    def refuse(self, at: int, error: int) -> Outcome:
        """Has the `at`-th call fail; checks how the command ends and that nothing is lost."""
        outcome = self.start(at, error).finish()
        assert "Traceback" not in outcome.told, outcome.told
        assert outcome.code in (*DONE, TEMPORARY), outcome
        self.recover()
        return outcome


def state(root: Path) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Returns what is published and what the ledger says, without clocks."""
    return published(root), ledger_rows(root)
