"""A billed cycle rated and billed anew in a folder of its own, beside what is published."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.batch.runner import LocalRunner
from pipeline.billing.adjust import notes_on, sum_of
from pipeline.billing.cycle_files import cycle_files
from pipeline.errors import LockedError, StorageError
from pipeline.lock import locked
from pipeline.suspense.withdrawn import Withdrawn
from rating.cycles import cycle_before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.batch.stopwatch import Stopwatch
    from pipeline.config.load import Config
    from pipeline.ledger.model import Output
    from pipeline.ledger.store import Ledger
    from pipeline.progress import Listener
    from rating.billing.run import BillRun

SCRATCH: Final = ".try-"


def bill_again(
    ledger: Ledger,
    config: Config,
    cycle: str,
    book: Path | str,
    folders: tuple[Path, Path],
    threads: int | None,
    watching: tuple[Listener, Stopwatch],
) -> tuple[list[Output], BillRun]:
    """Returns what a billed cycle comes to now, with the notes on its bills, and the run that did it.

    Args:
        ledger: The ledger.
        config: The configuration.
        cycle: ``YYYY-MM``, billed.
        book: Folder of the book.
        folders: The workspace's, and the one that gets the tables.
        threads: Worker threads; as configured if None.
        watching: Who hears about progress, and the watch for the stages.

    Raises:
        ReconciliationError: what was made does not tie.
        tariffs.errors.BookError: the book cannot be loaded.
        rating.errors.SubscriberDataError: the subscriber data does not go with it.
    """
    # The kernels' imports take a second; a wrong cycle is told without.
    from pipeline.billing.rerate import load_run, rerate  # noqa: PLC0415
    from pipeline.billing.work import BillWork  # noqa: PLC0415

    root, scratch = folders
    files = cycle_files(ledger, cycle)
    before = ledger.outputs(f"billed/cycle={cycle_before(cycle)}/balances/")
    notes = notes_on(ledger, cycle)
    with watching[1].stage("load"):
        run = load_run(root, config, book, cycle, before, notes)
    withdrawn = Withdrawn(root, files.withdrawn)
    made, _ = rerate(
        BillWork(run, root, scratch, cycle, withdrawn, sum_of(notes)),
        files,
        config.run.partitions,
        LocalRunner(threads or config.threads),
        watching,
    )
    return made, run


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """Gives a folder beside the workspace's own; what a killed trial left is removed."""
    for left in root.glob(f"{SCRATCH}*"):
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(left / ".lock", "tariff try"))
            except (LockedError, StorageError, OSError):
                continue  # somebody is at work there
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=root))
    try:
        with locked(folder / ".lock", "tariff try"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
