"""``huadan bill``: re-rates a cycle from its EDRs and writes bills, as one transaction.

Calls that come in parts are put together first. Phase 1 splits every EDR file by partition into
spill files in staging. Phase 2 bills each partition. Both go through a runner that maps functions over paths, so that a distributed runner
does the same work on the same partitions and writes the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.digest import file_digest
from pipeline.batch.runner import LocalRunner
from pipeline.batch.stopwatch import Stopwatch
from pipeline.billing.cycle_files import cycle_files
from pipeline.commit import commit_batch, recover, staged
from pipeline.config.load import load_config
from pipeline.errors import EditedError, ReconciliationError, UsageError
from pipeline.ledger.store import Commit, Ledger
from pipeline.lock import locked
from pipeline.progress import Silent
from pipeline.suspense.withdrawn import Withdrawn
from pipeline.version import version
from rating.cycles import cycle_before

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal
    from typing import Any

    from pipeline.batch.runner import Runner
    from pipeline.billing.cycle_files import CycleFiles
    from pipeline.billing.work import BillWork, PartitionResult
    from pipeline.config.load import Config
    from pipeline.parquet import Output
    from pipeline.progress import Listener
    from pipeline.workspace import Workspace
    from rating.billing.run import BillRun

CLEAR_MAJORITY = 0.9
"""Share of events from which a cycle is meant where none is named."""


@dataclass(frozen=True, slots=True)
class BillResult:
    """The outcome of a bill run; `batch` is None where there was nothing to do."""

    batch: str | None
    cycle: str
    summary: dict[str, Any]
    stage_seconds: dict[str, float]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {
            "batch": self.batch,
            "cycle": self.cycle,
            **self.summary,
            "stage_seconds": {name: round(s, 3) for name, s in self.stage_seconds.items()},
            "seconds": round(self.seconds, 3),
        }


def bill(
    workspace: Workspace,
    cycle: str | None = None,
    *,
    threads: int | None = None,
    listener: Listener | None = None,
    runner: Runner | None = None,
    on_start: Callable[[Ledger], None] = lambda _: None,
    on_end: Callable[[Ledger, BillResult], None] = lambda _, __: None,
) -> BillResult:
    """Bills a cycle; does nothing if neither EDRs, book nor subscribers have changed since.

    Args:
        workspace: Where.
        cycle: ``YYYY-MM``; the only cycle with events, or that of nearly all, if None.
        threads: Worker threads; as configured if None. The bytes do not depend on it.
        listener: Hears about progress.
        runner: Maps the work; local threads if None.
        on_start: Called before work that changes something, inside the lock.
        on_end: Called with the result of such work, inside the lock.

    Raises:
        UsageError: there is no such cycle, or it is not clear which one is meant.
        EditedError: book or subscriber data were edited while they were read.
        ReconciliationError: rated records, lines and bills do not tie; nothing was committed.
    """
    config = load_config(workspace)
    watch = Stopwatch()
    workers = threads or config.threads
    with locked(workspace.lock_file, "bill"), Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        chosen = _choose_cycle(ledger, cycle)
        files = cycle_files(ledger, chosen)
        before = ledger.outputs(f"billed/cycle={cycle_before(chosen)}/balances/")
        inputs = _digest(workspace, config, [*files.all, *before])
        last = ledger.bill_of(chosen)
        if last is not None and last.inputs == inputs:
            if last.name in ledger.outdated():  # what was taken back has come again
                ledger.bill_holds(last.id)
            return BillResult(None, chosen, last.summary, watch.seconds, watch.elapsed)
        on_start(ledger)
        # The kernels' imports take a second; a cycle that is billed does without.
        from pipeline.billing.work import BillWork  # noqa: PLC0415

        with watch.stage("load"):
            run = _load(workspace, config, chosen, before)
            if _digest(workspace, config, [*files.all, *before]) != inputs:
                message = "book or subscriber data changed while they were read"
                raise EditedError(message, "nothing was billed; run the command again")
        count = sum(b.cycle == chosen for b in ledger.batches("bill")) + 1
        name = f"bill-{chosen}-{count:04d}"
        with staged(workspace, name) as folder:
            withdrawn = Withdrawn(workspace.root, files.withdrawn)
            work = BillWork(run, workspace.root, folder, chosen, withdrawn)
            merged = _assemble(work, files, watch)
            parts = _work(
                work,
                (files.whole, files.again),
                config.run.partitions,
                runner or LocalRunner(workers),
                (listener or Silent(), watch),
            )
            shutil.rmtree(work.spill, ignore_errors=True)
            events = sum(withdrawn.count_left(output) for output in [*files.whole, *files.parts])
            summary = _summary(parts, sum(output.rows for output in merged), events)
        commit = Commit(
            kind="bill",
            name=name,
            cycle=chosen,
            inputs=inputs,
            outputs=[*(output for part in parts for output in part.outputs), *merged],
            summary=summary,
            files={},
            replaces=last.name if last is not None else None,
        )
        with watch.stage("commit"):
            batch = commit_batch(workspace, ledger, folder, commit)
        result = BillResult(batch.name, chosen, summary, watch.seconds, watch.elapsed)
        on_end(ledger, result)
        return result


def _choose_cycle(ledger: Ledger, cycle: str | None) -> str:
    events: Counter[str] = Counter()
    for output in ledger.outputs("edr/"):
        events[output.path.split("/")[1].removeprefix("cycle=")] += output.rows
    listed = ", ".join(f"{name} ({count:,} events)" for name, count in sorted(events.items()))
    if cycle is not None:
        if cycle not in events:
            message = f"there are no events in cycle {cycle!r}"
            raise UsageError(message, f"there are: {listed or 'none; start with `huadan run`'}")
        return cycle
    if not events:
        message = "there are no events to bill"
        raise UsageError(message, "start with `huadan run`")
    [(name, most)] = events.most_common(1)
    if most < CLEAR_MAJORITY * events.total():
        message = "which cycle is to be billed?"
        raise UsageError(message, f"name it with --cycle; there are: {listed}")
    return name


def _load(workspace: Workspace, config: Config, cycle: str, before: list[Output]) -> BillRun:
    from pipeline.batch.running import read_balances  # noqa: PLC0415
    from rating.billing.run import BillRun  # noqa: PLC0415 - the kernels, as above
    from rating.subscribers import load_subscribers  # noqa: PLC0415
    from tariffs import compile_book, load_book  # noqa: PLC0415

    book = load_book(workspace.root / config.paths.book)
    compiled = compile_book(book)
    subscribers = load_subscribers(workspace.root / config.paths.subscribers, compiled)
    balances = read_balances([workspace.root / output.path for output in before])
    return BillRun(compiled, book, subscribers, cycle, config.run.partitions, balances=balances)


def _digest(workspace: Workspace, config: Config, files: list[Output]) -> str:
    """Returns a digest of all that bills depend on: book, subscribers, partitions, events."""
    digest = hashlib.sha256(f"huadan {version()} {config.run.partitions}".encode())
    for folder in (config.paths.book, config.paths.subscribers):
        root = workspace.root / folder
        for path in sorted(root.rglob("*")):
            if path.is_file():
                digest.update(f"\n{path.relative_to(root).as_posix()} {file_digest(path)}".encode())
    for output in files:
        digest.update(f"\n{output.path} {output.digest}".encode())
    return digest.hexdigest()


def _assemble(work: BillWork, files: CycleFiles, watch: Stopwatch) -> list[Output]:
    """Spills the calls that come in parts; returns the table of the parts that they are made of."""
    if not files.near:
        return []
    with watch.stage("assemble"):
        return work.assemble(files)


def _work(
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


def _summary(parts: list[PartitionResult], merged: int, events: int) -> dict[str, Any]:
    """Returns what ``status`` shows, after checking that everything ties.

    Raises:
        ReconciliationError: something does not tie.
    """
    problems = [problem for part in parts for problem in part.problems]
    read = merged + sum(part.rated + part.unrated for part in parts)
    if read != events:
        problems.append(f"{events:,} events were read, {read:,} were rated, not rated or merged")
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
        "rounding": money("rounding"),
        "tax_added": money("tax_added"),
        "tax": money("tax"),
        "total": money("bills"),
        "currency": parts[0].currency,
    }
