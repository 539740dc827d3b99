"""Batches whose key files are merged soon, and processes that die while they do it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mediation import key_merge
from pipeline.batch import key_merging
from pipeline.batch.keys import BatchKeys
from pipeline.commit import commit_batch, recover, staged
from pipeline.ledger.database import Database
from pipeline.ledger.model import Commit
from pipeline.ledger.store import Ledger
from pipeline.upkeep.rollback import rollback
from pipeline.workspace import CONFIG_NAME, Workspace
from tests.pipeline.crash.launch import context

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.key_store import Day

DAY = 86_400_000_000
Told = list[tuple[int, int]]
"""(key, day) of events."""
MANY, SLICE = 4, 3
"""So many files are merged, in pieces of so many keys."""


def make(root: Path) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / CONFIG_NAME).touch()
    return Workspace(root)


def add(workspace: Workspace, events: Told, days: dict[int, Day] | None = None) -> list[bool]:
    """Commits a batch of events; returns which were told before."""
    with Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        name = f"batch-{ledger.next_run_number():06d}"
        store = BatchKeys(workspace.root, ledger, 60, days)
        with staged(workspace, name) as folder:
            store.begin(folder, name)
            start = pa.array([day * DAY for _, day in events], pa.timestamp("us", "UTC"))
            low = np.array([key for key, _ in events], np.uint64)
            high = low >> np.uint64(1) << np.uint64(58)  # the first lane alone does not tell them
            table = pa.RecordBatch.from_arrays([start], ["start_time"])
            seen = store.add(high, low, table)
            outputs = store.outputs()
        commit = Commit("run", name, None, "", outputs, {}, {}, retires=store.retired)
        commit_batch(workspace, ledger, folder, commit)
    return [bool(one) for one in seen]


class Killer:
    """Kills this process at one of the steps that leave something on the disk."""

    def __init__(self, at: int) -> None:
        self.left = at
        for owner, name in (
            (os, "fsync"),
            (Path, "rename"),
            (Path, "unlink"),
            (Database, "_commit"),
        ):
            setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the call takes
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted


def killed(at: int, work: Callable[[Workspace], None], workspace: Workspace) -> bool:
    """Does the work in a process that dies at a step; returns whether it came so far."""
    process = context().Process(target=die_at, args=(at, work, workspace))
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def die_at(at: int, work: Callable[[Workspace], None], workspace: Workspace) -> None:
    key_merging.MANY, key_merge.SLICE = MANY, SLICE
    Killer(at)
    work(workspace)


def merging_batch(workspace: Workspace) -> None:
    with Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        done = ledger.batch_named("batch-000009") is not None
    if not done:
        assert add(workspace, [(15, 0), (1, 0), (16, 1)]) == [False, True, False]


def splitting_rollback(workspace: Workspace) -> None:
    with Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        done = ledger.batch_named("batch-000003") is None
    if not done:
        rollback(workspace, "batch-000003", "now", with_later=True)
