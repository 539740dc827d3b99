"""``huadan suspense recycle``: what is in suspense goes through the engine again, as one batch.

Records are taken from the archive, decoded with the present formats, corrected, validated, and
rated with the present book and subscribers. What goes on leaves suspense; what fails again goes
back with one attempt more. A record goes as a whole, and keeps its name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from collectors.digest import file_digest
from mediation.formats import available
from pipeline.batch.audit import audit_table, require_closed
from pipeline.batch.chain import opened_chain
from pipeline.batch.early import Early
from pipeline.batch.money import MICRO
from pipeline.batch.numbers import file_numbers
from pipeline.batch.order import Team
from pipeline.batch.running import load_rater, open_running
from pipeline.batch.stopwatch import Stopwatch
from pipeline.batch.units import open_file
from pipeline.batch.work import (
    Job,
    allow_many_open_files,
    high_usage,
    settle_parts,
    sheets_of,
    stored_sheets,
    total_of,
)
from pipeline.commit import commit_batch, drop_staged, recover, staged
from pipeline.config.load import load_config
from pipeline.flusher import Flusher
from pipeline.ledger.model import Commit
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.logs import log
from pipeline.parquet import write
from pipeline.progress import Silent
from pipeline.published import NAME, batch_name, item_name
from pipeline.suspense.again import Decoder, Items
from pipeline.suspense.calls import suspended_calls
from pipeline.suspense.corrections import open_corrections
from pipeline.suspense.journal import Filter, Suspense, read_open, whole_records
from pipeline.suspense.recycle_slice import Results, recycle_slice
from pipeline.version import version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.batch.chain import UnitResult
    from pipeline.batch.running import Running
    from pipeline.batch.sheet import Sheet
    from pipeline.config.load import Config
    from pipeline.ledger.model import LedgerFile
    from pipeline.progress import Listener
    from pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RecycleResult:
    """What recycling did, or would do.

    Attributes:
        batch: The batch, None where nothing was committed.
        taken: Items that were tried.
        unchanged: Items left alone, because nothing has changed since they were tried.
        items: Items by what became of them.
        reasons: Items that stay, by reason.
        total: The sum of the sheets.
        net: Net of the rated events in the book's currency.
        currency: That currency.
        corrected: Values that corrections changed.
        alarms: Alarms of high usage and fraud by kind.
    """

    batch: str | None
    taken: int = 0
    unchanged: int = 0
    items: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    total: Sheet | None = None
    net: str = "0"
    currency: str = ""
    corrected: int = 0
    alarms: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {
            "batch": self.batch,
            "taken": self.taken,
            "unchanged": self.unchanged,
            "items": self.items,
            "still_suspended": self.reasons,
            "corrected_values": self.corrected,
            "net": self.net,
            "currency": self.currency,
            "alarms": self.alarms,
        }


def recycle(
    workspace: Workspace,
    wanted: Filter | None = None,
    *,
    dry: bool = False,
    again: bool = False,
    listener: Listener | None = None,
    on_start: Callable[[Ledger], None] = lambda _: None,
    on_end: Callable[[Ledger, RecycleResult], None] = lambda _, __: None,
) -> RecycleResult:
    """Recycles items of suspense as one batch.

    Args:
        workspace: Where.
        wanted: Which items; all that are open if None.
        dry: Say what would happen, and change nothing.
        again: Try items again although nothing has changed since.
        listener: Hears about progress.
        on_start: Called before work that changes something, inside the lock.
        on_end: Called with the result of such work, inside the lock.

    Raises:
        HuadanError: and the errors of broken books, subscribers or configuration; see ``known.py``.
    """
    config = load_config(workspace)
    with locked(workspace.lock_file, "suspense recycle"), Ledger(workspace.ledger_file) as ledger:
        loading = Early(lambda: load_rater(workspace, config))
        job = Job(
            workspace, config, ledger, 1, listener or Silent(), Stopwatch(), loading, flush=False
        )
        recover(workspace, ledger)
        chosen = _chosen(read_open(workspace, ledger), wanted)
        if not chosen.count:
            return RecycleResult(None)
        running = open_running(workspace, config, ledger, loading)
        inputs = _inputs(workspace, config, ledger, running)
        chosen, unchanged = (chosen, 0) if again else _changed(chosen, ledger, inputs)
        if not chosen.count:
            return RecycleResult(None, unchanged=unchanged)
        if not dry:
            on_start(ledger)
        work = _Recycling(job, running, chosen, batch_name(ledger.next_run_number()))
        result = work.run(inputs, unchanged, dry=dry)
        if not dry:
            on_end(ledger, result)
        return result


def _chosen(found: Suspense, wanted: Filter | None) -> Suspense:
    """Returns whole records in the order of their files; millions are not kept twice."""
    if wanted is not None and wanted != Filter():
        found = whole_records(found, found.where(wanted))
    return Suspense(found.table.sort("source", "name", *NAME))


def _changed(chosen: Suspense, ledger: Ledger, inputs: str) -> tuple[Suspense, int]:
    """Leaves out what was recycled with the same inputs: it would fail again."""
    same = [batch.name for batch in ledger.batches("recycle") if batch.inputs == inputs]
    if not same:
        return chosen, 0
    left = chosen.table.filter(~pl.col("batch").is_in(same))
    return whole_records(chosen, Suspense(left)), chosen.count - left.height


def _inputs(workspace: Workspace, config: Config, ledger: Ledger, running: Running) -> str:
    """Returns a digest of all that the outcome depends on beside the octets and the balances."""
    digest = hashlib.sha256(f"huadan {version()} {running.digest}".encode())
    paths = [workspace.config_file]
    for name in (config.paths.validation, config.paths.time_zones):
        paths += [workspace.root / name] if name else []
    formats = workspace.root / (config.paths.formats or "formats")
    paths += sorted(path for path in formats.rglob("*") if path.is_file())
    for path in paths:
        digest.update(f"\n{path.name} {file_digest(path)}".encode())
    for one in open_corrections(ledger):
        digest.update(f"\n{one.wanted} {one.changes}".encode())
    return digest.hexdigest()


class _Recycling:
    """One batch of recycling."""

    def __init__(self, job: Job, running: Running, chosen: Suspense, name: str) -> None:
        self.job = job
        self.running = running
        self.chosen = chosen
        self.name = name
        self.results = Results(name)

    def run(self, inputs: str, unchanged: int, *, dry: bool) -> RecycleResult:
        with staged(self.job.workspace, self.name) as folder, Flusher() as flusher:
            self.running.keys.begin(folder, self.name, flusher)
            files, units = self._work(folder, flusher)
            waiting = 0
            if any(unit.parts is not None for unit in units):
                waiting = settle_parts(self.job, self.name, folder, units, self.running)
            sheets = sheets_of(files, units)
            require_closed(files, sheets, sum(unit.account.net for unit in units), waiting)
            total = total_of(sheets)
            result = self._result(unchanged, total, self.name if files and not dry else None)
            outputs = [output for unit in units for output in unit.outputs]
            outputs += self.running.write(folder, self.name, self.job.threads, flusher)
            outputs += self.results.write(folder)
            table = audit_table(
                self.name,
                files,
                sheets,
                {},
                [],
                "recycled",
                self.running.rater.compiled.time_zone,
            )
            outputs.append(write(table, folder, f"audit/{self.name}.parquet", flusher))
            if result.batch is None:
                drop_staged(self.job.workspace, folder)
                return result
            alarms = high_usage(self.job, self.name, folder, outputs, units, self.running, flusher)
            result = replace(result, alarms=alarms)
        commit = Commit(
            kind="recycle",
            name=self.name,
            cycle=None,
            inputs=inputs,
            outputs=outputs,
            summary={key: value for key, value in result.to_dict().items() if key != "batch"},
            files={},
            files_read=self.results.files_read,
            sheets=stored_sheets(files, sheets),
            numbers=file_numbers(units, sheets, self.job.config),
            retires=self.running.keys.retired,
        )
        commit_batch(self.job.workspace, self.job.ledger, folder, commit)
        return result

    def _result(self, unchanged: int, total: Sheet, batch: str | None) -> RecycleResult:
        return RecycleResult(
            batch=batch,
            taken=self.results.taken,
            unchanged=unchanged,
            items=dict(sorted(self.results.ends.items())),
            reasons=dict(sorted(self.results.reasons.items())),
            total=total,
            net=str(total.net * MICRO),
            currency=self.running.rater.compiled.currency,
            corrected=self.results.corrected,
        )

    def _work(self, folder: Path, flusher: Flusher) -> tuple[list[LedgerFile], list[UnitResult]]:
        """Takes the items of each file through the chain."""
        allow_many_open_files()
        decoder = Decoder(
            self.running.rules,
            open_corrections(self.job.ledger),
            self.job.config.run.records_per_chunk,
        )
        self.job.listener.stage("recycle", self.chosen.count, "items")
        files: list[LedgerFile] = []
        units: list[UnitResult] = []
        gates = Team[None, None](1, gates=2).gates
        with opened_chain(self.job, self.name, folder, self.running, gates, flusher) as chain:
            for entry, items in self._files():
                was = items.rows[0]["format"]
                file = open_file(
                    entry,
                    self.job.workspace.archive,
                    chain.scratch,
                    self.job.config,
                    was if was in available() else None,
                )
                if file.fault is not None and not items.whole_file:
                    log().error("file_unreadable", name=entry.name, why=file.fault.detail)
                    continue
                files.append(entry)
                self.results.begin(items)
                settings = self.running.normalization.of(entry.source)
                for one in decoder.slices(file, items, settings):
                    units.append(recycle_slice(chain, len(units), one, items, self.results))
                self.results.end()
                self.job.listener.advance(len(items.rows))
        return files, units

    def _files(self) -> Iterator[tuple[LedgerFile, Items]]:
        """Yields the files that items are of, by source and name, with their items."""
        known = {file.file_id: file for file in self.job.ledger.files()}
        calls = suspended_calls(self.job.workspace, self.job.ledger, self.chosen)
        ordered = self.chosen.table
        begin = 0
        for count in ordered.group_by("file_id", maintain_order=True).len()["len"]:
            rows = ordered.slice(begin, count).to_dicts()
            begin += count
            mine = [calls[item_name(row)] for row in rows if item_name(row) in calls]
            yield known[rows[0]["file_id"]], Items(rows, mine)
