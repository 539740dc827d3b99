"""Prometheus metrics: a textfile at the end of a command, and a registry for whoever serves one.

Counters are added up from what is committed, so they survive restarts and count a batch once.
Labels are bounded: sources of huadan.toml, formats, stages, reasons (the commonest of them).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter as Tally
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    write_to_textfile,
)

from pipeline.batch.sheet import CARRIED, Sheet
from pipeline.ledger import sums
from pipeline.logs import log

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.batch.result import RunResult
    from pipeline.ledger.store import Ledger
    from pipeline.suspense.journal import Suspense
    from pipeline.workspace import Workspace

FILE_NAME: Final = "huadan.prom"
MOST_REASONS: Final = 40
"""Reasons of suspense with a label of their own; the others are `other`."""
DAY_S: Final = 86_400


class _Maker:
    """Makes metrics of a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"huadan_{name}", text, labels, registry=self.registry)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"huadan_{name}", text, labels, registry=self.registry)


def fill_registry(
    registry: CollectorRegistry,
    workspace: Workspace,
    ledger: Ledger,
    result: RunResult | None = None,
    *,
    now: float | None = None,
    overdue_days: float = 7.0,
) -> None:
    """Fills a new registry with all that is known; make a new one for every batch.

    Args:
        registry: An empty registry.
        workspace: Where.
        ledger: Its ledger.
        result: The last run, if one is at hand.
        now: Seconds since 1970, for ages; the wall clock if None.
        overdue_days: Age from which an item of suspense is overdue.
    """
    from pipeline.suspense.journal import keep_open, read_open  # noqa: PLC0415 - polars, only where metrics are made

    make = _Maker(registry)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a registry is made anew each time; its age says nothing
    instant = dt.datetime.now(dt.UTC).timestamp() if now is None else now
    _committed(make, ledger)
    _files(make, ledger, instant)
    found = read_open(workspace, ledger)
    keep_open(workspace, ledger, found)
    _suspense(make, found, instant, overdue_days)
    if result is not None:
        _run(make, result)
        if result.batch is not None:
            _sources(make, ledger, result.batch)


def _committed(make: _Maker, ledger: Ledger) -> None:
    records = make.counter("records", "Records of runs by where they went.", "destination")
    net = make.counter("net_currency_units", "Net of rated events, runs and recycling.")
    items = make.counter("recycled_items", "Items of suspense by what became of them.", "became")
    batches = make.counter("batches", "Committed batches.", "kind")
    for name, count in sums.records_by_destination(ledger).items():
        records.labels(name).inc(count)
    for kind in ("run", "recycle", "write_off", "bill"):
        batches.labels(kind)
    for kind, count in sums.batches_by_kind(ledger).items():
        batches.labels(kind).inc(count)
    for name, count in sums.recycled_items(ledger).items():
        items.labels(name).inc(count)
    net.inc(max(sums.net_of_batches(ledger), 0.0))
    from pipeline.high_usage.alarms import KINDS  # noqa: PLC0415 - polars, as in fill_registry

    alarms = make.counter("alarms", "Alarms of high usage and fraud, recycling included.", "kind")
    told = sums.alarms_by_kind(ledger)
    for kind in KINDS:
        alarms.labels(kind).inc(told.get(kind, 0))
    last = make.gauge("last_batch_timestamp_seconds", "When the last batch began.")
    last.set(sums.last_batch_time(ledger))


def _files(make: _Maker, ledger: Ledger, now: float) -> None:
    files = make.gauge("files", "Files by state.", "state")
    states = sums.files_by_state(ledger)
    for state in ("taken", "committed", "suspended"):
        files.labels(state).set(states.get(state, 0))
    oldest = min((at for _, at in ledger.arrival_times()), default=now)
    backlog = make.gauge("backlog_files", "Files that are taken and in no batch yet.")
    backlog.set(states.get("taken", 0))
    make.gauge("backlog_oldest_seconds", "Age of the oldest of them.").set(max(now - oldest, 0))
    gaps = make.gauge("sequence_gaps", "Missing file sequence numbers.", "source")
    missing: Tally[str] = Tally()
    for gap in ledger.gaps():
        missing[gap.source] += gap.count
    for source in sums.sources(ledger):
        gaps.labels(source).set(missing[source])
    _record_numbers(make, ledger)


def _record_numbers(make: _Maker, ledger: Ledger) -> None:
    """Running numbers of records, by the sources whose nodes have some."""
    gaps = make.gauge("record_sequence_gaps", "Missing running numbers of records.", "source")
    repeats = make.counter("record_sequence_repeats", "Running numbers that came again.", "source")
    missing: Tally[str] = Tally()
    for gap in ledger.records.gaps():
        missing[gap.source] += gap.count
    repeated = ledger.records.repeated_by_source()
    for source in sorted({node.source for node in ledger.records.nodes()}):
        gaps.labels(source).set(missing[source])
        repeats.labels(source).inc(repeated.get(source, 0))


def _suspense(make: _Maker, found: Suspense, now: float, overdue_days: float) -> None:
    items = make.gauge("suspense_items", "Items in suspense.", "stage", "reason", "format")
    kept = found.sums("stage", "reason", "format")
    for row in kept[:MOST_REASONS]:
        items.labels(row["stage"], row["reason"], row["format"] or "none").set(row["count"])
    rest = sum(row["count"] for row in kept[MOST_REASONS:])
    items.labels("other", "other", "other").set(rest)
    ages = now - found.table["since"].drop_nulls().dt.epoch("us") / 1e6
    oldest = make.gauge("suspense_oldest_seconds", "Age of the oldest item in suspense.")
    oldest.set(float(ages.max() or 0))  # type: ignore[arg-type]  # a number, as they are floats
    overdue = make.gauge("suspense_overdue_items", "Items in suspense for longer than allowed.")
    overdue.set(int((ages > overdue_days * DAY_S).sum()))


def _run(make: _Maker, result: RunResult) -> None:
    records = make.gauge("run_records", "Records of the last run.", "destination")
    for destination, count in result.destinations.items():
        records.labels(destination).set(count)
    suspended = make.gauge("run_suspended_records", "Suspended records of the last run.", "stage")
    for stage, count in sorted(result.total.records.suspended.items()):
        suspended.labels(stage).set(count)
    files = make.gauge("run_files", "Files of the last run.", "state")
    for state, count in result.files.items():
        files.labels(state).set(count)
    seconds = make.gauge("run_stage_seconds", "Thread seconds of the last run.", "stage")
    for stage, spent in result.stage_seconds.items():
        seconds.labels(stage).set(spent)
    make.gauge("run_duration_seconds", "Wall seconds of the last run.").set(result.seconds)
    make.gauge("run_records_per_second", "Records per second of the last run.").set(
        result.records_per_s
    )
    rejected = result.destinations["suspended"] / max(result.read, 1)
    make.gauge("run_reject_ratio", "Suspended of all records of the last run.").set(rejected)
    make.gauge("run_net_currency_units", "Net of the last run.").set(result.total.net / 1e6)
    repaired = make.gauge("run_integers_repaired", "Integers repaired in the last run.")
    repaired.set(result.total.integers_repaired)
    make.gauge("run_balance_open", "Sheets of the last run that do not close.").set(
        len(result.total.open_ends())
    )
    from pipeline.high_usage.alarms import KINDS  # noqa: PLC0415 - polars, as in fill_registry

    alarms = make.gauge("run_alarms", "Alarms of high usage and fraud of the last run.", "kind")
    for kind in KINDS:
        alarms.labels(kind).set(result.alarms.get(kind, 0))
    make.gauge("run_exit_code", "Exit code of the last run.").set(int(result.exit_code))


def _sources(make: _Maker, ledger: Ledger, batch: str) -> None:
    """Says where the last run's records went, by source and format."""
    records = make.gauge(
        "run_source_records", "Records of the last run.", "source", "format", "destination"
    )
    found: dict[tuple[str, str], Sheet] = {}
    for row in ledger.sheets(batch):
        if row.file_id != CARRIED:
            sheet = Sheet.from_dict(row.sheet)
            found.setdefault((row.source, sheet.format or "none"), Sheet()).add(sheet)
    for (source, name), sheet in sorted(found.items()):
        for destination, count in sheet.records.counts().items():
            records.labels(source, name, destination).set(count)


def write_metrics(
    workspace: Workspace, ledger: Ledger, result: RunResult | None, overdue_days: float = 7.0
) -> Path:
    """Writes the textfile; replaced as a whole, so a scrape never sees half of it."""
    registry = CollectorRegistry()
    fill_registry(registry, workspace, ledger, result, overdue_days=overdue_days)
    overdue = registry.get_sample_value("huadan_suspense_overdue_items")
    if overdue:
        log().warning("suspense_overdue", items=int(overdue), days=overdue_days)
    workspace.reports.mkdir(mode=0o700, exist_ok=True)
    path = workspace.reports / FILE_NAME
    write_to_textfile(str(path), registry)
    path.chmod(0o600)
    return path
