"""The events of a cycle, rated and billed anew by partition; for bills and for what-if.

Calls that come in parts are put together first. Phase 1 splits every EDR file by partition into
spill files in staging. Phase 2 bills each partition. Both go through a runner that maps functions
over paths, so that a distributed runner does the same work on the same partitions and writes the
same bytes.
"""

from __future__ import annotations

import shutil
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.batch.running import read_balances
from pipeline.billing.adjust import require_taxes
from pipeline.errors import ReconciliationError
from rating.billing.run import BillRun
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from pipeline.batch.runner import Runner
    from pipeline.batch.stopwatch import Stopwatch
    from pipeline.billing.adjust import Note
    from pipeline.billing.cycle_files import CycleFiles
    from pipeline.billing.work import BillWork, PartitionResult
    from pipeline.config.load import Config
    from pipeline.ledger.model import Output
    from pipeline.progress import Listener


def load_run(
    root: Path,
    config: Config,
    book_folder: Path | str,
    cycle: str,
    before: list[Output],
    notes: Sequence[Note] = (),
) -> BillRun:
    """Returns a bill run with a book.

    Args:
        root: Folder of the workspace.
        config: Its configuration.
        book_folder: The book; below the workspace, or anywhere.
        cycle: ``YYYY-MM``.
        before: Balances of the cycle before.
        notes: Credit and debit notes for its bills.

    Raises:
        tariffs.errors.BookError: the book cannot be loaded.
        rating.errors.SubscriberDataError: the subscriber data does not go with it.
        UsageError: the book lacks the tax class of a note.
    """
    book = load_book(root / book_folder)
    require_taxes(notes, [one.name for one in book.taxes])
    compiled = compile_book(book)
    subscribers = load_subscribers(root / config.paths.subscribers, compiled)
    balances = read_balances([root / output.path for output in before])
    return BillRun(
        compiled,
        book,
        subscribers,
        cycle,
        config.run.partitions,
        balances=balances,
        adjustments=[note.for_bill(book.time_zone) for note in notes],
    )


def rerate(
    work: BillWork,
    files: CycleFiles,
    partitions: int,
    runner: Runner,
    watching: tuple[Listener, Stopwatch],
) -> tuple[list[Output], dict[str, Any]]:
    """Rates and bills all events of a cycle into the folder of the work.

    Args:
        work: Run, folders, withdrawn events.
        files: What is published of the cycle.
        partitions: As the run was made with.
        runner: Maps the work.
        watching: Who hears about progress, and the times by stage.

    Returns:
        What was written, and the sums.

    Raises:
        ReconciliationError: something does not tie.
    """
    merged = _assemble(work, files, watching[1])
    parts = _in_partitions(work, (files.whole, files.again), partitions, runner, watching)
    shutil.rmtree(work.spill, ignore_errors=True)
    events = sum(work.withdrawn.count_left(output) for output in [*files.whole, *files.parts])
    summary = _summary(parts, sum(output.rows for output in merged), events, work.adjusted)
    return [*(output for part in parts for output in part.outputs), *merged], summary


def _assemble(work: BillWork, files: CycleFiles, watch: Stopwatch) -> list[Output]:
    """Spills the calls that come in parts; returns the table of the parts that they are made of."""
    if not files.near:
        return []
    with watch.stage("assemble"):
        return work.assemble(files)


def _in_partitions(
    work: BillWork,
    inputs: tuple[list[Output], list[Output]],
    partitions: int,
    runner: Runner,
    watching: tuple[Listener, Stopwatch],
) -> list[PartitionResult]:
    listener, watch = watching
    files = [
        (kind, o.path) for kind, some in zip(("edr", "again"), inputs, strict=True) for o in some
    ]
    listener.stage("split", len(files), "files")

    def split(item: tuple[int, tuple[str, str]]) -> None:
        work.split(item[0], *item[1])
        listener.advance(1)

    with watch.stage("split"):
        runner.map(split, list(enumerate(files)))
    listener.stage("bill", partitions, "partitions")

    def one(number: int) -> PartitionResult:
        result = work.bill(number)
        listener.advance(1)
        return result

    with watch.stage("bill"):
        return runner.map(one, range(partitions))


def _summary(
    parts: list[PartitionResult], merged: int, events: int, adjusted: Decimal
) -> dict[str, Any]:
    """Returns what ``status`` shows, after checking that everything ties.

    Args:
        parts: What billing the partitions came to.
        merged: Events whose charge is in another's.
        events: Events that were read.
        adjusted: Sum of the credit and debit notes that the bills must have.

    Raises:
        ReconciliationError: something does not tie.
    """
    problems = [problem for part in parts for problem in part.problems]
    read = merged + sum(part.rated + part.unrated for part in parts)
    if read != events:
        problems.append(f"{events:,} events were read, {read:,} were rated, not rated or merged")
    lines = sum((part.sums["adjustments"] for part in parts), start=Decimal(0))
    if lines != adjusted:
        problems.append(f"notes of {adjusted} were entered, {lines} are on the bills")
    if problems:
        message = "the bill run does not tie; nothing was committed"
        raise ReconciliationError("".join([message, *(f"\n  {p}" for p in problems[:10])]))
    unrated: Counter[str] = Counter(merged=merged) if merged else Counter()
    for part in parts:
        unrated.update(part.unrated_by)

    def money(name: str) -> str:
        zero: Decimal | int = 0
        return str(sum((part.sums[name] for part in parts), start=zero))

    return {
        "events": events,
        "rated": sum(part.rated for part in parts),
        "unrated": dict(sorted(unrated.items())),
        "missing_session_records": sum(part.missing for part in parts),
        "bills": sum(part.bills for part in parts),
        "lines": sum(part.lines for part in parts),
        "usage": money("usage"),
        "fees": money("fees"),
        "discounts": money("discounts"),
        "adjustments": money("adjustments"),
        "rounding": money("rounding"),
        "tax_added": money("tax_added"),
        "tax": money("tax"),
        "total": money("bills"),
        "currency": parts[0].currency,
    }
