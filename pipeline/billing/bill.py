"""``huadan bill``: re-rates a cycle from its EDRs and writes bills, as one transaction.

What is done with the events stands in ``rerate.py``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.digest import file_digest
from pipeline.batch.runner import LocalRunner
from pipeline.batch.stopwatch import Stopwatch
from pipeline.billing.adjust import notes_on, require_open, sum_of
from pipeline.billing.cycle_files import cycle_files
from pipeline.commit import commit_batch, recover, staged
from pipeline.config.load import load_config
from pipeline.errors import EditedError, UsageError
from pipeline.ledger.model import Commit
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.progress import Silent
from pipeline.suspense.withdrawn import Withdrawn
from pipeline.upkeep.damage import require_unchanged
from pipeline.version import version
from rating.cycles import cycle_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pipeline.batch.runner import Runner
    from pipeline.billing.adjust import Note
    from pipeline.config.load import Config
    from pipeline.ledger.model import Output
    from pipeline.progress import Listener
    from pipeline.workspace import Workspace

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
    """Bills a cycle; does nothing if neither EDRs, book, subscribers nor notes have changed since.

    Args:
        workspace: Where.
        cycle: ``YYYY-MM``; the only cycle with events, or that of nearly all, if None.
        threads: Worker threads; as configured if None. The bytes do not depend on it.
        listener: Hears about progress.
        runner: Maps the work; local threads if None.
        on_start: Called before work that changes something, inside the lock.
        on_end: Called with the result of such work, inside the lock.

    Raises:
        UsageError: there is no such cycle, it is not clear which one is meant, or its bills are
            final.
        DifferenceError: events or balances are not as they were committed.
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
        notes = notes_on(ledger, chosen)
        inputs = _digest(workspace, config, [*files.all, *before], notes)
        last = ledger.bill_of(chosen)
        if last is not None and last.inputs == inputs:
            if last.name in ledger.outdated():  # what was taken back has come again
                ledger.bill_holds(last.id)
            return BillResult(None, chosen, last.summary, watch.seconds, watch.elapsed)
        require_open(ledger, chosen)
        on_start(ledger)
        # The kernels' imports take a second; a cycle that is billed does without.
        from pipeline.billing.rerate import load_run, rerate  # noqa: PLC0415
        from pipeline.billing.work import BillWork  # noqa: PLC0415

        with watch.stage("load"):
            require_unchanged(workspace.root, [*files.all, *before], workers)
            run = load_run(workspace.root, config, config.paths.book, chosen, before, notes)
            if _digest(workspace, config, [*files.all, *before], notes) != inputs:
                message = "book or subscriber data changed while they were read"
                raise EditedError(message, "nothing was billed; run the command again")
        count = sum(b.cycle == chosen for b in ledger.batches("bill")) + 1
        name = f"bill-{chosen}-{count:04d}"
        with staged(workspace, name) as folder:
            outputs, summary = rerate(
                BillWork(
                    run,
                    workspace.root,
                    folder,
                    chosen,
                    Withdrawn(workspace.root, files.withdrawn),
                    sum_of(notes),
                ),
                files,
                config.run.partitions,
                runner or LocalRunner(workers),
                (listener or Silent(), watch),
            )
        commit = Commit(
            kind="bill",
            name=name,
            cycle=chosen,
            inputs=inputs,
            outputs=outputs,
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
        if cycle not in events and not notes_on(ledger, cycle):
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


def _digest(
    workspace: Workspace, config: Config, files: list[Output], notes: Sequence[Note]
) -> str:
    """Returns a digest of all that bills depend on: book, subscribers, partitions, events, notes."""
    digest = hashlib.sha256(f"huadan {version()} {config.run.partitions}".encode())
    for folder in (config.paths.book, config.paths.subscribers):
        root = workspace.root / folder
        for path in sorted(root.rglob("*")):
            if path.is_file():
                digest.update(f"\n{path.relative_to(root).as_posix()} {file_digest(path)}".encode())
    for output in files:
        digest.update(f"\n{output.path} {output.digest}".encode())
    for note in notes:
        digest.update(f"\n{note.text()}".encode())
    return digest.hexdigest()
