"""The batch of a run: from files that wait to one commit.

What decodes and rates is imported with this module: a second, for which a run with nothing to do has no need.
"""

from __future__ import annotations

import resource
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.batch.audit import audit_table, require_closed
from pipeline.batch.chain import opened_chain
from pipeline.batch.money import MICRO, Money
from pipeline.batch.numbers import file_numbers
from pipeline.batch.order import Team
from pipeline.batch.parts import Settlement
from pipeline.batch.result import RunResult
from pipeline.batch.running import open_running
from pipeline.batch.sheet import CARRIED, CARRIED_NAME
from pipeline.batch.sheet import Sheet as Numbers
from pipeline.batch.units import cut
from pipeline.batch.waiting import read_waiting
from pipeline.commit import commit_batch, staged
from pipeline.errors import Exit
from pipeline.flusher import Flusher
from pipeline.high_usage.earlier import Earlier
from pipeline.ledger.model import Commit, Sheet
from pipeline.logs import log
from pipeline.parquet import write
from pipeline.published import batch_name
from pipeline.upkeep.sequences import tell_sequences

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from mediation.key_store import Day
    from pipeline.batch.chain import UnitResult
    from pipeline.batch.early import Early
    from pipeline.batch.running import Running
    from pipeline.batch.stopwatch import Stopwatch
    from pipeline.batch.units import Unit
    from pipeline.collection.collect import Collected
    from pipeline.config.load import Config
    from pipeline.ledger.model import Batch, LedgerFile, Output, Resent
    from pipeline.ledger.store import Ledger
    from pipeline.progress import Listener
    from pipeline.workspace import Workspace
    from rating.engine import Rater


@dataclass(frozen=True, slots=True)
class Job:
    """What a run works with."""

    workspace: Workspace
    config: Config
    ledger: Ledger
    threads: int
    listener: Listener
    watch: Stopwatch
    loading: Early[Rater]
    flush: bool
    """Rate the parts of calls that wait, too."""
    key_days: dict[int, Day] = field(default_factory=dict)
    """Duplicate keys that the batch before had loaded."""
    earlier: Earlier = field(default_factory=Earlier)
    """Sums of earlier batches that batches of this process have read."""
    money: Money = field(default_factory=Money)
    """What the rated records of the batch come to."""


def work(
    job: Job,
    collected: Collected,
    files: list[LedgerFile],
    resent: list[Resent],
    recovered: tuple[str, ...],
) -> RunResult:
    """Takes collected files through the whole chain and commits what comes of them.

    Args:
        job: What the run works with.
        collected: What was taken this time.
        files: Every file that waits.
        resent: Contents that came again.
        recovered: What was mended of a run before.
    """
    name = batch_name(job.ledger.next_run_number())
    with staged(job.workspace, name) as folder, Flusher() as flusher:
        with job.watch.stage("load"):
            running = open_running(job.workspace, job.config, job.ledger, job.loading, job.key_days)
            running.keys.begin(folder, name, flusher)
        units = _units(job, name, folder, files, running, flusher)
        waiting = settle_parts(job, name, folder, units, running)
        sheets = sheets_of(files, units)
        require_closed(files, sheets, sum(unit.account.net for unit in units), waiting)
        with job.watch.stage("write"):
            outputs = [output for unit in units for output in unit.outputs]
            outputs += running.write(folder, name, job.threads, flusher)
            missing = job.ledger.missing_before(files)
            table = audit_table(
                name, files, sheets, missing, resent, time_zone=running.rater.compiled.time_zone
            )
            outputs.append(write(table, folder, f"audit/{name}.parquet", flusher))
        with job.watch.stage("high usage"):
            alarms = high_usage(job, name, folder, outputs, units, running, flusher)
    total = total_of(sheets)
    commit = Commit(
        kind="run",
        name=name,
        cycle=None,
        inputs=running.digest,
        outputs=outputs,
        summary={
            **_summary(files, resent, total, carried_parts(sheets)),
            "outside_window": running.keys.outside,
            "alarms": alarms,
        },
        files={f.file_id: "suspended" if sheets[f.file_id].fault else "committed" for f in files},
        resent=resent,
        sheets=stored_sheets(files, sheets),
        numbers=file_numbers(units, sheets, job.config),
        retires=running.keys.retired,
    )
    if running.keys.outside:
        log().warning("events_outside_window", batch=name, events=running.keys.outside)
    with job.watch.stage("commit"):
        batch = commit_batch(job.workspace, job.ledger, folder, commit)
    tell_sequences(job.ledger, name, {(file.source, file.name) for file in files})
    result = _result(job, batch, collected, sheets, resent, outputs, recovered, running)
    notes = {f"{file.source}/{file.name}": sheets[file.file_id].notes for file in files}
    return replace(
        result, alarms=alarms, notes={name: said for name, said in notes.items() if said}
    )


def _units(
    job: Job,
    name: str,
    folder: Path,
    files: list[LedgerFile],
    running: Running,
    flusher: Flusher,
) -> list[UnitResult]:
    """Runs the chain over all units."""
    allow_many_open_files()
    team: Team[Unit, UnitResult] = Team(job.threads, gates=2, beside=job.loading)
    job.listener.stage("decode and rate", None, "records")
    with opened_chain(job, name, folder, running, team.gates, flusher) as chain:
        units = cut(files, job.workspace.archive, chain.scratch, job.config)
        return team.run(units, chain.work)


def high_usage(
    job: Job,
    name: str,
    folder: Path,
    outputs: list[Output],
    units: list[UnitResult],
    running: Running,
    flusher: Flusher,
) -> dict[str, int]:
    """Looks for high usage and fraud in what is staged, and adds what it finds to the outputs."""
    if not job.config.high_usage.wanted:
        return {}
    from pipeline.high_usage.find import HighUsageFinder  # noqa: PLC0415 - only where wanted

    flusher.settle()  # what is staged is read

    rater = running.rater
    finder = HighUsageFinder(
        job.workspace,
        job.ledger,
        job.config.high_usage,
        rater.compiled,
        rater.subscribers,
        job.earlier,
    )
    usage = [unit.usage for unit in units if unit.usage is not None]
    found, alarms = finder.find(name, folder, outputs, usage)
    outputs += found
    for kind, count in alarms.items():
        log().warning("alarm", kind=kind, count=count, batch=name)
    return alarms


def allow_many_open_files() -> None:
    """Lets as many files be open as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))


def sheets_of(files: list[LedgerFile], units: list[UnitResult]) -> dict[str, Numbers]:
    """Returns the sheet of each file, by file id."""
    sheets = {file.file_id: Numbers() for file in files}
    for unit in units:
        for file_id, sheet in unit.account.sheets:
            sheets.setdefault(file_id, Numbers()).add(sheet)
    return sheets


def total_of(sheets: dict[str, Numbers]) -> Numbers:
    """Returns the sum of sheets."""
    total = Numbers()
    for sheet in sheets.values():
        total.add(sheet)
    return total


def settle_parts(
    job: Job, name: str, folder: Path, units: list[UnitResult], running: Running
) -> int:
    """Puts parts of calls together as a last unit; returns how many parts wait after it."""
    settlement = Settlement(
        name,
        folder,
        running.rater,
        running.state_of,
        job.config.partials,
        job.flush,
        job.config.high_usage,
        job.money,
    )
    with job.watch.stage("assemble"):
        settled = settlement.settle(read_waiting(job.workspace, job.ledger), units)
    if settled is None:
        return 0
    units.append(settled)
    return settled.outputs[-1].rows


def carried_parts(sheets: dict[str, Numbers]) -> int:
    """Returns how many parts waited before the batch."""
    return sheets[CARRIED].records.read if CARRIED in sheets else 0


def stored_sheets(files: list[LedgerFile], sheets: dict[str, Numbers]) -> list[Sheet]:
    """Returns the sheets for the ledger: of the files, and of the parts that waited before."""
    rows = [Sheet(f.source, f.name, f.file_id, sheets[f.file_id].to_dict()) for f in files]
    if CARRIED in sheets:
        rows.append(Sheet("", CARRIED_NAME, CARRIED, sheets[CARRIED].to_dict()))
    return rows


def _summary(
    files: list[LedgerFile], resent: list[Resent], total: Numbers, carried: int
) -> dict[str, object]:
    """Returns what ``status`` shows of the batch; no clock in it."""
    return {
        "files": len(files),
        "resent": len(resent),
        "records": total.records.read - carried,
        "carried": carried,
        **total.records.counts(),
        "net": str(total.net * MICRO),
    }


def _result(
    job: Job,
    batch: Batch,
    collected: Collected,
    sheets: dict[str, Numbers],
    resent: list[Resent],
    outputs: list[Output],
    recovered: tuple[str, ...],
    running: Running,
) -> RunResult:
    total = total_of(sheets)
    faults = sum(bool(sheet.fault) for sheet in sheets.values())
    rows: Counter[str] = Counter()
    for output in outputs:
        rows[output.path.split("/", 1)[0]] += output.rows
    return RunResult(
        batch=batch.name,
        files={
            "committed": len(sheets.keys() - {CARRIED}) - faults,
            "suspended": faults,
            "duplicate": len(resent),
            "refused": len(collected.refused),
        },
        total=total,
        money=job.money,
        gaps=tuple(job.ledger.gaps()),
        record_gaps=tuple(job.ledger.records.gaps()),
        repeated=tuple(job.ledger.records.repeated(batch.name)),
        refused=collected.refused,
        stage_seconds=job.watch.seconds,
        seconds=job.watch.elapsed,
        exit_code=_exit_code(job.config, sheets.values(), faults, collected),
        currency=running.rater.compiled.currency,
        time_zone=running.rater.compiled.time_zone,
        recovered=recovered,
        carried=carried_parts(sheets),
        outputs=dict(rows),
    )


def _exit_code(
    config: Config, sheets: Collection[Numbers], faults: int, collected: Collected
) -> Exit:
    """Returns SUSPENSE beyond the thresholds, else what the collection ended with.

    Records that a file declares and does not hold count as suspended: one piece of a file that could
    not be framed may be all of them.
    """
    missing = sum(sheet.missing for sheet in sheets)
    suspended = sum(sheet.records.suspended.total() for sheet in sheets) - faults + missing
    read = sum(sheet.records.read for sheet in sheets) + missing
    if suspended > config.run.suspense_threshold_percent / 100 * read:
        return Exit.SUSPENSE
    if faults > config.run.suspense_threshold_files:
        return Exit.SUSPENSE
    return collected.exit_code
