"""What the crash tests start in processes of their own; preloaded by the fork server."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import polars as pl
from numba.core.registry import cpu_target

from pipeline import chain, ledger, logs, running, units
from pipeline.bill import bill
from pipeline.run import run
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

LOADED = (chain, running, units, jinja2, pl)
"""Imported here, so that a process begins to work at once."""

# Half of a process's start: numba sets its tables up at the first kernel.
cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()


def run_and_bill(root: str, prepare: Callable[[], None] | None = None) -> None:
    """Runs and bills as the command line would."""
    if prepare is not None:
        prepare()
    logs.set_up("error", None, unmask=False)
    run(Workspace(Path(root)), threads=2)
    bill(Workspace(Path(root)), threads=2)


class KillAt:
    """Kills its own process at the n-th durable step: an fsync, a rename, a transaction."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self) -> None:
        os.fsync = self.counted(os.fsync)  # type: ignore[assignment]
        Path.rename = self.counted(Path.rename)  # type: ignore[assignment, method-assign]
        kind = ledger.Ledger
        kind._transaction = self.counted(kind._transaction)  # type: ignore[assignment, method-assign]

    def counted(self, real: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object) -> object:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        return wrapped


class SmallFiles:
    """No file may grow beyond some bytes: the write fails as on a full disk."""

    def __call__(self) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
