"""``huadan run``: everything that has arrived becomes one batch, or nothing does."""

from __future__ import annotations

import resource
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.batch.audit import audit_table, require_closed
from pipeline.batch.early import Early
from pipeline.batch.money import MICRO, Money
from pipeline.batch.order import Team
from pipeline.batch.result import RunResult, nothing_to_do
from pipeline.batch.sheet import CARRIED, CARRIED_NAME
from pipeline.batch.sheet import Sheet as Numbers
from pipeline.batch.stopwatch import Stopwatch
from pipeline.batch.waiting import kept, read_waiting
from pipeline.collection.collect import look, release, still_new, take
from pipeline.collection.sources import opened
from pipeline.commit import commit_batch, recover, staged
from pipeline.config.load import load_config
from pipeline.errors import Exit
from pipeline.flusher import Flusher
from pipeline.high_usage.earlier import Earlier
from pipeline.ledger.model import Commit, Sheet
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.logs import log
from pipeline.parquet import write
from pipeline.progress import Silent
from pipeline.published import batch_name
from pipeline.upkeep.sequences import rings_of, tell_sequences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from collectors.source import Source
    from mediation.key_store import Day
    from pipeline.batch.chain import UnitResult
    from pipeline.batch.running import Running
    from pipeline.batch.units import Unit
    from pipeline.collection.collect import Collected, Found
    from pipeline.config.load import Config
    from pipeline.ledger.model import Batch, LedgerFile, Resent
    from pipeline.parquet import Output
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


@dataclass(frozen=True, slots=True)
class Engine:
    """What the batches of one process share."""

    config: Config
    sources: Sequence[Source]
    loading: Early[Rater]
    key_days: dict[int, Day] = field(default_factory=dict)
    earlier: Earlier = field(default_factory=Earlier)


def run(
    workspace: Workspace,
    *,
    threads: int | None = None,
    flush_partials: bool = False,
    listener: Listener | None = None,
    on_start: Callable[[Ledger], None] = lambda _: None,
    on_end: Callable[[Ledger, RunResult], None] = lambda _, __: None,
) -> RunResult:
    """Takes what has arrived through the whole chain and commits it as one batch.

    Args:
        workspace: Where.
        threads: Worker threads; as configured if None. The bytes do not depend on it.
        flush_partials: Rate the parts of calls that wait, as if no more of them would come.
        listener: Hears about progress.
        on_start: Called before work that changes something, inside the lock.
        on_end: Called with the result of such work, inside the lock.

    Raises:
        HuadanError: and the errors of broken books, subscribers or configuration; see ``known.py``.
    """
    config = load_config(workspace)
    with opened(config, workspace.root) as sources:
        engine = Engine(config, sources, Early(lambda: load_rater(workspace, config)))
        return run_batch(
            workspace,
            engine,
            threads=threads,
            flush_partials=flush_partials,
            listener=listener,
            on_start=on_start,
            on_end=on_end,
        )


def run_batch(
    workspace: Workspace,
    engine: Engine,
    *,
    command: str = "run",
    found: Found | None = None,
    threads: int | None = None,
    flush_partials: bool = False,
    listener: Listener | None = None,
    on_start: Callable[[Ledger], None] = lambda _: None,
    on_end: Callable[[Ledger, RunResult], None] = lambda _, __: None,
) -> RunResult:
    """Does what :func:`run` does, with what is loaded; `found` tells what to take, if not all."""
    with locked(workspace.lock_file, command), Ledger(workspace.ledger_file) as ledger:
        job = Job(
            workspace,
            engine.config,
            ledger,
            threads or engine.config.threads,
            listener or Silent(),
            Stopwatch(),
            engine.loading,
            flush_partials,
            engine.key_days,
            engine.earlier,
        )
        recovered = recover(workspace, ledger)
        with job.watch.stage("collect"):
            offered = look(engine.sources, ledger) if found is None else still_new(found, ledger)
            release(engine.sources, ledger)  # what a killed run had committed
            if offered.new:
                job.loading.begin()  # while files are hashed and copied
            collected = take(offered, workspace, ledger, job.threads, job.listener)
        files, resent = ledger.waiting(), ledger.waiting_resent()
        if not files and not resent and not (flush_partials and kept(ledger)):
            return nothing_to_do(
                tuple(ledger.gaps()), collected, job.watch.elapsed, tuple(recovered)
            )
        ledger.know_rings(rings_of(engine.config))
        on_start(ledger)
        result = _batch(job, collected, files, resent, tuple(recovered))
        release(engine.sources, ledger)
        on_end(ledger, result)
        return result


def load_rater(workspace: Workspace, config: Config) -> Rater:
    """Returns the rater, its imports included."""
    from pipeline.batch import running  # noqa: PLC0415 - imports for a second; see _batch

    return running.load_rater(workspace, config)


def _batch(
    job: Job,
    collected: Collected,
    files: list[LedgerFile],
    resent: list[Resent],
    recovered: tuple[str, ...],
) -> RunResult:
    # The kernels' imports take a second; a run with nothing to do does without.
    from pipeline.batch.numbers import file_numbers  # noqa: PLC0415
    from pipeline.batch.running import open_running  # noqa: PLC0415

    name = batch_name(job.ledger.next_run_number())
    with staged(job.workspace, name) as folder, Flusher() as flusher:
        with job.watch.stage("load"):
            running = open_running(job.workspace, job.config, job.ledger, job.loading, job.key_days)
            running.keys.begin(folder, name, flusher)
        units = _work(job, name, folder, files, running, flusher)
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


def _work(
    job: Job,
    name: str,
    folder: Path,
    files: list[LedgerFile],
    running: Running,
    flusher: Flusher,
) -> list[UnitResult]:
    """Runs the chain over all units."""
    from pipeline.batch.chain import opened_chain  # noqa: PLC0415
    from pipeline.batch.units import cut  # noqa: PLC0415

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
    from pipeline.batch.parts import Settlement  # noqa: PLC0415 - as in _work

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
        exit_code=_exit_code(job.config, total, faults, collected),
        currency=running.rater.compiled.currency,
        time_zone=running.rater.compiled.time_zone,
        recovered=recovered,
        carried=carried_parts(sheets),
        outputs=dict(rows),
    )


def _exit_code(config: Config, total: Numbers, faults: int, collected: Collected) -> Exit:
    """Returns SUSPENSE beyond the thresholds, else what the collection ended with."""
    suspended = total.records.suspended.total() - faults
    allowed = config.run.suspense_threshold_percent / 100 * total.records.read
    if suspended > allowed or faults > config.run.suspense_threshold_files:
        return Exit.SUSPENSE
    return collected.exit_code
