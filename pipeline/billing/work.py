"""The two steps of a bill run that workers do: split a file by partition, bill a partition."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from mediation.partials.sessions import missing_records
from pipeline.billing.cycle_files import PARTS
from pipeline.billing.parts import read_calls
from pipeline.billing.retold import REASON, TOLD_COLUMNS, without_retold
from pipeline.parquet import write
from rating.billing.partition import split_batch
from rating.billing.run import EDR_COLUMNS, BillRun, bill_partition, charge_groups
from rating.billing.tie import tie

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.billing.cycle_files import CycleFiles
    from pipeline.ledger.model import Output
    from pipeline.suspense.withdrawn import Withdrawn

TABLES = ("rated", "unrated", "bill_lines", "bills", "balances", "session_gaps")
SPILL_BUFFER_OCTETS = 256 << 10
"""Without it, every column's every buffer and its padding is a write of its own."""


@dataclass(frozen=True, slots=True)
class PartitionResult:
    """What billing a partition wrote and counted."""

    outputs: list[Output]
    rated: int
    unrated: int
    unrated_by: Counter[str]
    """Events by reason."""
    bills: int
    lines: int
    sums: dict[str, Decimal]
    """usage, fees, discounts, adjustments, rounding, tax, bills."""
    currency: str
    problems: list[str]
    missing: int
    """Records that are missing from sessions."""


@dataclass(frozen=True, slots=True)
class BillWork:
    """The work of one bill run on one machine's disk."""

    run: BillRun
    root: Path
    """Workspace folder, where the EDR files are."""
    staging: Path
    cycle: str
    withdrawn: Withdrawn
    adjusted: Decimal = Decimal(0)
    """Sum of the credit and debit notes of the run."""

    @property
    def spill(self) -> Path:
        """Returns the folder of events by partition."""
        return self.staging / ".spill"

    def split(self, number: int, kind: str, path: str) -> None:
        """Writes the events of one Parquet file to one Arrow file per partition."""
        table = pq.read_table(self.root / path, columns=list(TOLD_COLUMNS), use_threads=False)
        table = self.withdrawn.rows_left(table, path)
        batches = table.combine_chunks().to_batches()
        for piece, batch in enumerate(batches):
            self._spill(batch, f"{kind}-{number:06d}-{piece:03d}")

    def assemble(self, files: CycleFiles) -> list[Output]:
        """Puts the cycle's calls together, writes them by partition, and says of what.

        Returns:
            The table of the parts whose charge is in another's, if there are any.
        """
        found = read_calls(self.root, files, self.cycle, self.run.rater.compiled.time_zone)
        for piece, batch in enumerate(found.events.select(EDR_COLUMNS).to_batches()):
            self._spill(batch, f"edr{PARTS}-{piece:03d}")
        if not len(found.merged):
            return []
        path = f"billed/cycle={self.cycle}/unrated/part{PARTS}.parquet"
        return [write(found.merged_table(), self.staging, path)]

    def _spill(self, batch: pa.RecordBatch, name: str) -> None:
        group = charge_groups(self.run.rater.prepare(batch))
        for partition, rows in split_batch(batch, group, self.run.home).items():
            folder = self.spill / f"{partition:05d}"
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / f"{name}.arrow"
            with (
                pa.output_stream(str(target), buffer_size=SPILL_BUFFER_OCTETS) as sink,
                pa.ipc.new_file(sink, rows.schema) as to,
            ):
                to.write_batch(rows)

    def bill(self, partition: int) -> PartitionResult:
        """Bills one partition from its spill files and writes its tables."""
        folder = self.spill / f"{partition:05d}"
        events, retold = without_retold(self._read(folder, "edr"))
        again = [table.select(EDR_COLUMNS) for table in self._read(folder, "again")]
        made = bill_partition(events, self.run, partition, again)
        gaps = missing_records(events)
        report = tie(made.rated, made.lines, made.bills)
        problems = [f"partition {partition}: {problem}" for problem in report.problems]
        if made.outside:
            problems.append(f"partition {partition}: {made.outside} events of other cycles")
        tables = (made.rated, made.unrated, made.lines, made.bills, made.balances, gaps)
        outputs = [
            write(
                table,
                self.staging,
                f"billed/cycle={self.cycle}/{name}/part-{partition:05d}.parquet",
            )
            for name, table in zip(TABLES, tables, strict=True)
            if table.num_rows
        ]
        unrated_by = Counter(made.unrated.column("reason").to_pylist())
        if retold.num_rows:
            path = f"billed/cycle={self.cycle}/unrated/{REASON}-{partition:05d}.parquet"
            outputs.append(write(retold, self.staging, path))
            unrated_by[REASON] += retold.num_rows
        return PartitionResult(
            outputs=outputs,
            rated=made.rated.num_rows,
            unrated=made.unrated.num_rows + retold.num_rows,
            unrated_by=unrated_by,
            bills=made.bills.num_rows,
            lines=made.lines.num_rows,
            sums={
                "usage": report.usage,
                "fees": report.fees,
                "discounts": report.discounts,
                "adjustments": report.adjustments,
                "rounding": report.rounding,
                "tax_added": report.tax_added,
                "tax": report.tax,
                "bills": report.bills,
            },
            currency=self.run.rater.compiled.currency,
            problems=problems,
            missing=_missing(gaps),
        )

    @staticmethod
    def _read(folder: Path, kind: str) -> list[pa.Table]:
        tables = []
        for path in sorted(folder.glob(f"{kind}-*.arrow")):
            with pa.memory_map(str(path)) as source:
                tables.append(pa.ipc.open_file(source).read_all())
        return tables


def _missing(gaps: pa.Table) -> int:
    """Returns how many records the runs of missing records hold."""
    first, last = (gaps.column(name).to_numpy() for name in ("first", "last"))
    return int((last - first + 1).sum())
