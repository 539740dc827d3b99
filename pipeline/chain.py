"""The road of one unit: decode, drop duplicates, guide and classify, rate, write.

Steps without state run in any number of workers; the duplicate keys and the running balances are
gates that units pass in order (see ``order.py``). There is no Python step per record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.decoder import decode_chunk
from mediation.duplicates import record_keys
from mediation.edr import EDR_SCHEMA
from pipeline.accounting import account
from pipeline.arrow import joined
from pipeline.parquet import write
from rating.cycles import cycle_bounds, cycles_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mediation.duplicates import KeySet
    from mediation.normalize import NormalizationSettings
    from mediation.validation import RuleSet
    from pipeline.accounting import Account
    from pipeline.early import Early
    from pipeline.normalization import Normalizations
    from pipeline.order import Gate
    from pipeline.parquet import Output
    from pipeline.stopwatch import Stopwatch
    from pipeline.units import Slice, Unit
    from rating.engine import Rater
    from rating.prepare import Prepared
    from rating.state import CycleState

KEY_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("low", pa.uint64(), nullable=False),
    ]
)
"""Keys of the events of a batch, for later batches to know duplicates by."""


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What one unit wrote and counted."""

    outputs: list[Output]
    account: Account


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything that all units of a batch share."""

    name: str
    staging: Path
    keys: KeySet
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
    progress: Callable[[int], None] = field(default=lambda _: None)

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
            seen = self.keys.add(high, low)
        fresh = np.flatnonzero(~seen)
        kept = edr
        if len(fresh) < len(seen):
            kept, high, low = edr.take(pa.array(fresh)), high[fresh], low[fresh]
        with self.watch.stage("load"):
            self.loading.get()
        with self.watch.stage("prepare"):
            prepared = self.rater.prepare(kept, (high, low))
            cycles = self.rater.cycles(prepared)
        with self.watch.stage("write"):
            outputs += self._write_fresh(number, prepared)
        with self.rate_gate.turn(number), self.watch.stage("rate"):
            rated = [self.rater.rate(prepared, self.state_of(name)) for name in cycles]
        with self.watch.stage("audit"):
            accounted = account(unit, parts, edr, fresh, rated, self.rater)
        with self.watch.stage("write"):
            for name, one in zip(cycles, rated, strict=True):
                outputs += self._write(f"rated/cycle={name}", number, one.table)
            outputs += self._write("suspense", number, accounted.suspense)
            if len(fresh) < len(seen):
                again = edr.take(pa.array(np.flatnonzero(seen)))
                for name, rows in self._by_cycle(again):
                    outputs += self._write(f"duplicates/cycle={name}", number, rows)
        for part in unit:
            part.file.done(part.records)
            self.progress(len(part.records))
        return UnitResult(outputs, accounted)

    def settings(self, part: Slice) -> NormalizationSettings:
        """Returns how the records of a slice are normalized: as its source says."""
        return self.normalization.of(part.file.entry.source)

    def _write_fresh(self, number: int, prepared: Prepared) -> list[Output]:
        """Writes the events and their keys."""
        outputs: list[Output] = []
        for name, rows in self._by_cycle(prepared.edr):
            outputs += self._write(f"edr/cycle={name}", number, rows)
        keys = [pa.array(prepared.high), pa.array(prepared.low)]
        return outputs + self._write(
            "keys", number, pa.RecordBatch.from_arrays(keys, schema=KEY_SCHEMA)
        )

    def _write(self, folder: str, number: int, rows: pa.RecordBatch) -> list[Output]:
        if not rows.num_rows:
            return []
        path = f"{folder}/{self.name}-{number:05d}.parquet"
        return [write(pa.Table.from_batches([rows]), self.staging, path)]

    def _by_cycle(self, events: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
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
