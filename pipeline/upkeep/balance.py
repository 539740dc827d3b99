"""``huadan audit``: where the records of a workspace are now, added up from the audit of all batches.

Rows of the states `recycled` and `written_off` move what an earlier batch had suspended, rows of the
state `carried` what it had left waiting; so a sum over batches has every record once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
import pyarrow.parquet as pq

from pipeline.batch.sheet import CARRIED, DESTINATIONS, ENDS
from pipeline.batch.sheet import FLOWS as UNITS
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from pipeline.ledger.model import Output
    from pipeline.workspace import Workspace

By = Literal["file", "node", "day", "batch"]
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "file": ("source", "name", "file_id"),
    "node": ("source",),
    "day": ("day",),
    "batch": ("batch",),
}
MOVED: Final = ("recycled", "written_off")
WEEKS: Final = 4
"""Weeks before a day that its weekday is compared with."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Sheets added up.

    Attributes:
        table: One row per key: `files`, of each of UNITS `…_read` and where it went, `zero_rated`,
            `net`, `missing_files`, `declared_records` and `undeclared` (records that headers and
            trailers declare beyond those read, or fewer), `noted` (files whose totals do not agree),
            `integers_repaired`, `closes`; by day also what is usual on its weekday: `usual` and
            `percent` (records), `usual_net` and `percent_net`.
    """

    table: pl.DataFrame

    @property
    def closes(self) -> bool:
        """Returns whether every sheet closes."""
        return bool(self.table["closes"].all())

    def rows(self) -> list[dict[str, Any]]:
        """Returns JSON-ready rows."""
        return self.table.to_dicts()


def read_balance(workspace: Workspace, by: By, batch: str | None = None) -> Balance:
    """Returns the balance of all committed batches, or of one.

    Raises:
        UsageError: nothing has been committed yet, or there is no such batch.
    """
    workspace.require()
    outputs: list[Output] = []
    if workspace.ledger_file.exists():
        with Ledger(workspace.ledger_file) as ledger:
            outputs = ledger.outputs("audit/")
    if batch is not None:
        outputs = [output for output in outputs if output.path == f"audit/{batch}.parquet"]
    if not outputs:
        message = f"there is no audit of {batch!r}" if batch else "no batch has been committed yet"
        raise UsageError(message, "`huadan status` lists batches; `huadan run` makes one")
    return balance_of(workspace.root, outputs, by)


def balance_of(root: Path, outputs: list[Output], by: By, day: dt.date | None = None) -> Balance:
    """Adds published audits up, of all files or of those of a day."""
    frames = [_frame(root / output.path) for output in outputs]
    rows = _moved(pl.concat(frames, how="diagonal_relaxed"))
    rows = rows if day is None else rows.filter(pl.col("day") == day)
    keys = list(KEYS[by])
    table = rows.group_by(keys).agg(
        pl.col("read_here").sum().alias("files"),
        *(pl.col(f"{unit}_{end}").sum() for unit in UNITS for end in ENDS),
        pl.col("zero_rated", "net", "integers_repaired").sum(),
        pl.col("missing_before").sum().alias("missing_files"),
        pl.col("declared_records").sum(),
        pl.col("undeclared").sum(),
        pl.col("notes").is_not_null().sum().alias("noted"),
        pl.col("unit_closes").all().alias("closes"),
    )
    closes = pl.col("closes")
    for unit in UNITS:
        ends = pl.sum_horizontal(f"{unit}_{end}" for end in DESTINATIONS)
        closes &= pl.col(f"{unit}_read") == ends
    table = table.with_columns(closes=closes).sort(keys, nulls_last=True)
    return Balance(_trend(table) if by == "day" else table)


def _frame(path: Path) -> pl.DataFrame:
    table = pq.read_table(path)
    nested = [name for name in table.column_names if name.endswith("_by")]
    frame: pl.DataFrame = pl.DataFrame(table.drop_columns(nested))
    return frame


def _moved(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns rows of which each adds what its batch changed."""
    moved = pl.col("state").is_in(MOVED)
    carried = pl.col("state") == "carried"
    octets = pl.sum_horizontal("header_bytes", "record_bytes", "filler_bytes", "unframed_bytes")
    mine = pl.lit(value=True)
    for unit in UNITS:
        ends = pl.sum_horizontal(f"{unit}_{end}" for end in DESTINATIONS)
        mine &= pl.col(f"{unit}_read") == ends
    # Audits of earlier versions do not tell partners' charges.
    rows = rows.with_columns(pl.col("^partner_charge.*$").fill_null(0))
    rows = rows.with_columns(
        read_here=~moved & ~carried & (pl.col("state") != "duplicate"),
        unit_closes=mine & ((pl.col("size_bytes") == octets) | (pl.col("state") == "duplicate")),
        undeclared=pl.col("declared_records") - pl.col("records_read"),
    )
    # What leaves suspense is taken off the day that its file counts for.
    days = rows.filter(~moved & (pl.col("file_id") != CARRIED)).group_by("file_id")
    rows = rows.join(days.agg(pl.col("day").first().alias("file_day")), on="file_id", how="left")
    rows = rows.with_columns(
        day=pl.coalesce(pl.when(moved).then(pl.col("file_day")), pl.col("day"))
    )
    changes = []
    for unit in UNITS:
        read = pl.col(f"{unit}_read")
        # What had not been framed or decoded was not read before as what it turned out to be.
        again = pl.col(f"known_{unit}").fill_null(read if unit == "records" else 0)
        before = pl.when(moved).then(again).when(carried).then(read).otherwise(0)
        changes += [
            (read - before).alias(f"{unit}_read"),
            (pl.col(f"{unit}_suspended") - pl.when(moved).then(before).otherwise(0)).alias(
                f"{unit}_suspended"
            ),
            (pl.col(f"{unit}_waiting") - pl.when(carried).then(before).otherwise(0)).alias(
                f"{unit}_waiting"
            ),
        ]
    return rows.with_columns(changes)


def _trend(days: pl.DataFrame) -> pl.DataFrame:
    """Adds what is usual on a day's weekday: the median of the same day in the weeks before."""
    records = _usual(days, "records_read").alias("usual")
    net = _usual(days, "net").alias("usual_net")
    percent = (100 * days["records_read"] / records).round(1).alias("percent")
    percent_net = (100 * days["net"].cast(pl.Float64) / net).round(1).alias("percent_net")
    return days.with_columns(records, percent, net, percent_net)


def _usual(days: pl.DataFrame, name: str) -> pl.Series:
    known = dict(zip(days["day"].to_list(), days[name].cast(pl.Float64).to_list(), strict=True))
    usual: list[float | None] = []
    for day in days["day"].to_list():
        before = [
            known[at]
            for week in range(1, WEEKS + 1)
            if day is not None and (at := day - timedelta(weeks=week)) in known
        ]
        usual.append(pl.Series(before).median() if before else None)  # type: ignore[arg-type]
    return pl.Series(usual, dtype=pl.Float64)
