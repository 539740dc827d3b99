"""The road of one unit: decode, drop duplicates, guide and classify, rate, write.

Steps without state run in any number of workers; the duplicate keys and the running balances are
gates that units pass in order (see ``batch/order.py``). There is no Python step per record.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.decoder import decode_chunk
from mediation.duplicates import record_keys
from mediation.edr import EDR_SCHEMA
from mediation.partials.assemble import part_rows
from mediation.partials.rules import all_rules
from pipeline.arrow import joined
from pipeline.batch.accounting import account
from pipeline.billing.cycle_files import PARTS
from pipeline.high_usage.usage import usage_of
from pipeline.parquet import write
from rating.cycles import cycle_bounds, cycles_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mediation.normalize import NormalizationSettings
    from mediation.validation import RuleSet
    from pipeline.batch.accounting import Account
    from pipeline.batch.early import Early
    from pipeline.batch.keys import BatchKeys
    from pipeline.batch.money import Money
    from pipeline.batch.order import Gate
    from pipeline.batch.running import Running
    from pipeline.batch.stopwatch import Stopwatch
    from pipeline.batch.units import Slice, Unit
    from pipeline.batch.work import Job
    from pipeline.flusher import Flusher
    from pipeline.high_usage.section import HighUsage
    from pipeline.high_usage.usage import UnitUsage
    from pipeline.ledger.model import Output
    from pipeline.normalization import Normalizations
    from rating.engine import Rater
    from rating.state import CycleState


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What one unit wrote and counted."""

    outputs: list[Output]
    account: Account
    parts: pa.RecordBatch | None = None
    """Parts of calls that wait for the others (EDR_SCHEMA); None if there are none."""
    usage: UnitUsage | None = None
    """What limits need of its rated records; None if none is set."""
    clock: int | None = None
    """Median start of its events, UTC microseconds: wrong clocks do not move it."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything that all units of a batch share."""

    name: str
    staging: Path
    keys: BatchKeys
    loading: Early[Rater]
    normalization: Normalizations
    """How the switches of each source write numbers, and which clocks they keep."""
    rules: RuleSet
    """What is validated."""
    state_of: Callable[[str], CycleState]
    """Running balances of a cycle; called inside the rate gate only."""
    duplicate_gate: Gate
    rate_gate: Gate
    watch: Stopwatch
    scratch: Path
    """For files that must be unpacked."""
    flusher: Flusher
    """Makes durable what is written."""
    limits: HighUsage
    """Beyond which usage is told."""
    money: Money
    """What the rated records of all units come to."""
    progress: Callable[[int], None]

    @property
    def rater(self) -> Rater:
        """Returns the rater; waits until book and subscribers are loaded."""
        return self.loading.get()

    def work(self, number: int, unit: Unit) -> UnitResult:
        """Takes one unit all the way; called by worker threads."""
        outputs: list[Output] = []
        with self.watch.stage("decode"):
            parts = [
                (part, decode_chunk(part.file.cdr, part.records, self.settings(part), self.rules))
                for part in unit
                if part.file.fault is None
            ]
            edr = joined([decoded.edr for _, decoded in parts], EDR_SCHEMA)
            high, low = record_keys(edr)
        with self.duplicate_gate.turn(number), self.watch.stage("duplicates"):
            seen = self.keys.add(high, low, edr)
        fresh = np.flatnonzero(~seen)
        kept = edr
        if len(fresh) < len(seen):
            kept, high, low = edr.take(pa.array(fresh)), high[fresh], low[fresh]
        if not self.loading.done:
            with self.watch.stage("load"), self.rate_gate.aside():
                self.loading.get()
        with self.watch.stage("prepare"):
            prepared = self.rater.prepare(kept, (high, low))
            partial = parts_of(kept)
            # What cannot be charged anyway goes where it belongs at once.
            waiting = partial[prepared.status[partial] == 0]
            self.rater.hold(prepared, waiting)
            cycles = self.rater.cycles(prepared)
        with self.watch.stage("write"):
            outputs += self.write_events("edr", number, kept, partial)
        with self.rate_gate.turn(number), self.watch.stage("rate"):
            rated = [self.rater.rate(prepared, self.state_of(name)) for name in cycles]
        with self.watch.stage("audit"):
            accounted = account(unit, parts, edr, fresh, waiting, rated, self.rater)
            for one in rated:
                self.money.add(one.table)
        with self.watch.stage("high usage"):
            tables = [(name, one.table) for name, one in zip(cycles, rated, strict=True)]
            usage = usage_of(tables, self.limits)
        with self.watch.stage("write"):
            for name, one in zip(cycles, rated, strict=True):
                outputs += self.write_rows(f"rated/cycle={name}", number, one.table)
            outputs += self.write_rows("suspense", number, accounted.suspense)
            if len(fresh) < len(seen):
                again = edr.take(pa.array(np.flatnonzero(seen)))
                outputs += self.write_events("duplicates", number, again, parts_of(again))
        for part in unit:
            part.file.done(part.records)
            self.progress(len(part.records))
        return UnitResult(
            outputs,
            accounted,
            kept.take(pa.array(waiting)) if len(waiting) else None,
            usage,
            int(np.median(prepared.start)) if prepared.n_rows else None,
        )

    def settings(self, part: Slice) -> NormalizationSettings:
        """Returns how the records of a slice are normalized: as its source says."""
        return self.normalization.of(part.file.entry.source)

    def write_events(
        self, folder: str, number: int, events: pa.RecordBatch, partial: NDArray[np.int64]
    ) -> list[Output]:
        """Writes events by cycle, parts of calls beside them in files of their own."""
        kinds = [("", events)]
        if len(partial):
            whole = np.ones(events.num_rows, np.bool_)
            whole[partial] = False
            kinds = [
                ("", events.filter(pa.array(whole))),
                (PARTS, events.take(pa.array(partial))),
            ]
        return [
            output
            for ending, rows in kinds
            for output in self.write_cycles(folder, number, rows, ending)
        ]

    def write_cycles(
        self, folder: str, number: int, events: pa.RecordBatch, ending: str = ""
    ) -> list[Output]:
        """Writes events below a published folder, by cycle."""
        return [
            output
            for name, some in self.by_cycle(events)
            for output in self.write_rows(f"{folder}/cycle={name}", number, some, ending)
        ]

    def write_rows(
        self, folder: str, number: int, rows: pa.RecordBatch, ending: str = ""
    ) -> list[Output]:
        """Writes rows below a published folder, if there are any."""
        if not rows.num_rows:
            return []
        path = f"{folder}/{self.name}-{number:05d}{ending}.parquet"
        return [write(pa.Table.from_batches([rows]), self.staging, path, self.flusher)]

    def by_cycle(self, events: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yields events by the cycle they start in; nearly always one, and nothing is copied."""
        if not events.num_rows:
            return
        zone = self.rater.compiled.time_zone
        start = events.column("start_time").view(pa.int64()).to_numpy()
        cycles = cycles_between(int(start.min()), int(start.max()), zone)
        for name in cycles:
            begin, end = cycle_bounds(name, zone)
            inside = (start >= begin) & (start < end)
            rows = events if len(cycles) == 1 else events.take(pa.array(np.flatnonzero(inside)))
            yield name, rows


@contextmanager
def opened_chain(
    job: Job,
    name: str,
    staging: Path,
    running: Running,
    gates: Sequence[Gate],
    flusher: Flusher,
) -> Iterator[Chain]:
    """Gives the chain of a batch."""
    scratch = staging / ".scratch"
    scratch.mkdir()
    duplicate_gate, rate_gate = gates
    yield Chain(
        name=name,
        staging=staging,
        keys=running.keys,
        loading=running.loading,
        normalization=running.normalization,
        rules=running.rules,
        state_of=running.state_of,
        duplicate_gate=duplicate_gate,
        rate_gate=rate_gate,
        watch=job.watch,
        scratch=scratch,
        flusher=flusher,
        limits=job.config.high_usage,
        money=job.money,
        progress=job.listener.advance,
    )
    scratch.rmdir()


def parts_of(events: pa.RecordBatch) -> NDArray[np.int64]:
    """Returns the rows that are parts of calls; nearly always none."""
    if events.column("partial_sequence").null_count == events.num_rows:
        return np.zeros(0, np.int64)
    return part_rows(events, all_rules())
