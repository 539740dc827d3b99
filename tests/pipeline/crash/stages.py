"""The commands that are disturbed, the workspaces they begin with, and what must come out."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.batch.key_merging import MANY
from tests.pipeline.crash.launch import COUNT, FULL, KILL, NEVER, Outcome, Started
from tests.pipeline.crash.watching import BATCHES, LATER, Visitor
from tests.pipeline.parted import SHOP
from tests.pipeline.world import deliver, ledger_rows, make_workspace, own_book, published
from traffic.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    State = tuple[dict[str, str], dict[str, list[Any]]]
    """Digests of files, rows of tables."""

PEOPLE = SHOP / "subscribers"
RECORDS = 600
FILES = 5
SMALL = 50
"""Records of a file of the many small ones that are a batch each."""
DONE = (0, 3)
TEMPORARY = 75
MERGED = "keys/*/merged-*.keys"
RUN = ("run", "--threads", "2")
LIMIT = "\n[validation]\nlongest_call = 200\n"
"""Suspends long calls; without it, recycling has them rated."""
WATCH = """
[watch]
scan_seconds = 60
batch_files = {files}
batch_seconds = 600
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One command: how its workspace is made, and how it is started (again)."""

    name: str
    arguments: tuple[str, ...]
    begin: Callable[[Path, Path], None] | str
    """Makes the workspace of a folder and traffic; or the stage whose outcome it is."""
    again: tuple[int, ...] = DONE
    """Exit codes of starting it once more."""
    driver: type[Visitor] | None = None
    """Who works beside it."""
    makes: str = "ledger.sqlite"
    """Pattern of something that is there only if it has done what is meant."""


def small_traffic(folder: Path) -> Path:
    """Writes a little traffic of one day: each day more has files, and steps, that are the same."""
    generate(folder / "traffic", RECORDS, subscribers_folder=PEOPLE, files=FILES, days=1)
    return folder / "traffic"


def _ordered(traffic: Path) -> list[Path]:
    return sorted(traffic.rglob("*.ber"))


def _half(root: Path, traffic: Path) -> None:
    files = _ordered(traffic)
    make_workspace(root, None, take="move")
    deliver(root, files[: len(files) // 2])
    do(root, RUN)
    deliver(root, files[len(files) // 2 :])


def _many(root: Path, traffic: Path) -> None:
    del traffic
    folder, copy = root.with_name("small"), root.with_name("copy")
    generate(folder, SMALL * 2 * MANY, subscribers_folder=PEOPLE, files=2 * MANY, days=1)
    make_workspace(root, None, take="move")
    # The latest first: what is left of the day is too little for as many files.
    for file in sorted(_ordered(folder), key=lambda file: file.name[4:], reverse=True):
        deliver(root, [file])
        shutil.copytree(root, copy, symlinks=True)
        do(root, RUN)
        if any(root.glob(MERGED)):
            break
        shutil.rmtree(copy)
    shutil.rmtree(root)
    copy.rename(root)


def _suspended(root: Path, traffic: Path) -> None:
    workspace = make_workspace(root, traffic, take="move")
    text = workspace.config_file.read_text(encoding="utf-8")
    workspace.config_file.write_text(text + LIMIT, encoding="utf-8")
    do(root, RUN)
    workspace.config_file.write_text(text, encoding="utf-8")


def _watched(root: Path, traffic: Path) -> None:
    files = _ordered(traffic)[:4]
    workspace = make_workspace(root, None, take="move")
    own_book(workspace)
    with workspace.config_file.open("a", encoding="utf-8") as config:
        config.write(WATCH.format(files=len(files) // BATCHES))
    deliver(root, files[:2])
    for file in files[2:]:
        later = root.with_name(LATER) / file.parent.name
        later.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, later)


STAGES = (
    Stage("run", RUN, _half),
    Stage("bill", ("bill",), "run"),
    Stage("rollback", ("rollback", "batch-000002"), "bill", again=(0, 2)),
    Stage("merge", RUN, _many, makes=MERGED),
    Stage("take out", ("rollback", "batch-000003", "--with-later"), "merge", again=(0, 2)),
    Stage("recycle", ("suspense", "recycle"), _suspended),
    Stage("watch", ("watch", "--threads", "2", "--port", "0"), _watched, driver=Visitor),
)


def do(root: Path, arguments: tuple[str, ...]) -> Outcome:
    """Runs a command undisturbed."""
    outcome = Started(root, arguments).finish()
    assert outcome.code in DONE, outcome.told
    return outcome


class Ground:
    """A stage's workspace before it, and what an undisturbed command makes of it."""

    def __init__(self, stage: Stage, folder: Path, traffic: Path) -> None:
        self.stage = stage
        self._before = folder / stage.name / "before"
        self._outcome = folder / stage.name / "outcome"
        # Every copy has the same name: a path must not be what differs.
        self.root = folder / stage.name / "ws"
        self._prepare(folder, traffic)
        begin = time.monotonic()
        outcome = self.start(COUNT).finish()
        self.seconds = time.monotonic() - begin
        assert outcome.code in DONE, outcome.told
        self.calls, self.steps = outcome.calls, outcome.steps
        assert any(self.root.glob(self.stage.makes))
        self.after = state(self.root)
        assert self.after[0] != published(self._before)
        shutil.copytree(self.root, self._outcome, symlinks=True)

    def _prepare(self, folder: Path, traffic: Path) -> None:
        if not isinstance(self.stage.begin, str):
            self.stage.begin(self._before, traffic)
            for name in ("book", "subscribers"):  # somebody may edit the demo's meanwhile
                if (self._before / name).is_symlink():
                    (self._before / name).unlink()
                    shutil.copytree(SHOP / name, self._before / name)
            return
        before = next(stage for stage in STAGES if stage.name == self.stage.begin)
        outcome = folder / before.name / "outcome"
        if not outcome.exists():
            Ground(before, folder, traffic)
        self._before.parent.mkdir()
        shutil.copytree(outcome, self._before, symlinks=True)

    def start(self, at: int = NEVER, error: int = KILL) -> Started:
        """Starts the command on a fresh workspace; the `at`-th call is hit."""
        self.fresh()
        return self._started(at, error)

    def fresh(self) -> None:
        """Makes the workspace anew."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self._before, self.root, symlinks=True)

    def _started(self, at: int = NEVER, error: int = KILL) -> Started:
        driver = None
        if self.stage.driver is not None:
            driver = self.stage.driver(self.root, full=error == FULL)
        return Started(self.root, self.stage.arguments, at, error, driver)

    def recover(self) -> None:
        """Starts the command again and compares everything with the undisturbed workspace."""
        outcome = self._started().finish()
        assert outcome.code in self.stage.again, outcome.told
        different = differences(self.after, state(self.root))
        assert not different, different

    def kill_at_step(self, at: int) -> bool:
        """Kills the command at its `at`-th step and starts it again; returns whether it hit."""
        outcome = self.start(at, KILL).finish()
        assert outcome.killed or outcome.code in DONE, outcome.told
        self.recover()
        return outcome.killed

    def kill_at_moment(self, share: float) -> bool:
        """Kills the command after a share of its time; returns whether it was in time."""
        started = self.start()
        started.work(self.seconds * share)
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


def state(root: Path) -> State:
    """Returns what is published and what the ledger says, without clocks."""
    return published(root), ledger_rows(root)


def differences(then: State, now: State) -> list[str]:
    """Names the files, and the ledger's tables, that are not the same."""
    return [
        f"{kind} {name}"
        for kind, one, other in zip(("file", "table"), then, now, strict=True)
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]
