"""What the crash tests start in processes of their own; preloaded by the fork server.

The server does the work once, so that a process it forks has every kernel loaded and begins at
once. The subscribers are handed to it as well: polars, which reads them, cannot be forked.
"""

from __future__ import annotations

import os
import resource
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import bill as billing
from pipeline import ledger, logs, running
from pipeline.run import run
from pipeline.workspace import Workspace
from rating.billing.run import BillRun
from rating.engine import Rater
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tests.pipeline.world import SHOP, make_traffic, make_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.config import Config

BOOK = load_book(SHOP / "book")
COMPILED = compile_book(BOOK)
SUBSCRIBERS = load_subscribers(SHOP / "subscribers", COMPILED)


def _rater(workspace: Workspace, config: Config) -> Rater:
    del workspace, config
    return Rater(COMPILED, SUBSCRIBERS)


def _bill_run(workspace: Workspace, config: Config, cycle: str) -> BillRun:
    del workspace
    return BillRun(COMPILED, BOOK, SUBSCRIBERS, cycle, config.run.partitions)


def run_and_bill(root: str, prepare: Callable[[], None] | None = None) -> None:
    """Runs and bills as the command line would."""
    if prepare is not None:
        prepare()
    logs.set_up("error", None, unmask=False)
    run(Workspace(Path(root)), threads=2)
    billing.bill(Workspace(Path(root)), threads=2)


def _warm_up() -> None:
    running.load_rater = _rater
    billing._load = _bill_run
    with tempfile.TemporaryDirectory() as folder:
        traffic = make_traffic(Path(folder) / "traffic")
        run_and_bill(str(make_workspace(Path(folder) / "ws", traffic).root))


class KillAt:
    """Kills its own process at the n-th durable step: an fsync, a rename, a transaction."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self) -> None:
        kind: Any = ledger.Ledger
        path: Any = Path
        os.fsync = self.counted(os.fsync)
        path.rename = self.counted(path.rename)
        kind._transaction = self.counted(kind._transaction)

    def counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
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


if os.environ.get("HUADAN_TEST_WARM_UP"):
    _warm_up()
