"""Credit limits: what an account's usage of a cycle has come to, against shares of its limit.

A batch keeps what it adds to each account in ``usage/cycle=…/``, and beside it the sums of committed
batches that nobody has summed yet: recycled records, and what came before limits were looked at. An
account passes a share when its sum over all batches is more than that share of its limit. That is told
once for each share and limit of a cycle, by the batch with which it is so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pyarrow as pa

from mediation.edr import field
from pipeline.high_usage.alarms import AMOUNT
from pipeline.high_usage.sums import spent
from pipeline.parquet import write
from pipeline.published import batch_of
from rating.billing.columns import micros, money
from rating.cycles import cycle_bounds
from rating.subscribers import NO_LIMIT

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.high_usage.earlier import Earlier
    from pipeline.high_usage.usage import Rows
    from pipeline.ledger.model import Output
    from pipeline.ledger.store import Ledger
    from rating.subscribers import Subscribers

KIND: Final = "credit_limit"
COLUMNS: Final = ("account_id", "start_time", "net")
PERCENT: Final = 100

SPENT_SCHEMA: Final = pa.schema(
    [
        field("batch", pa.string(), "name", "Batch whose rated records these are", nullable=False),
        field("account_id", pa.string(), "name", "Account", nullable=False),
        field("charge", pa.decimal128(18, 6), "currency", "Sum of net", nullable=False),
        field(
            "last", pa.timestamp("us", tz="UTC"), "us UTC", "Start of its latest", nullable=False
        ),
    ]
)
"""Arrow schema of ``usage/cycle=…/``: what accounts spent, by the batch that rated it."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What is known of a cycle.

    Attributes:
        sums: What each account spent: ``account_id``, ``charge``, ``last``.
        open: Rated files, by batch, that nobody has summed yet.
    """

    sums: pl.DataFrame
    open: dict[str, list[str]]

    def __len__(self) -> int:
        return self.sums.height


@dataclass(frozen=True, slots=True)
class CreditLimits:
    """Looks at the accounts that a batch charges.

    Attributes:
        root: The workspace's folder.
        ledger: Which batches are committed.
        subscribers: Whose limits are looked at.
        percent: Shares of the limit that are told, ascending.
        time_zone: Of the book.
        currency: Of the book.
        earlier: What batches of this process have read of earlier ones.
    """

    root: Path
    ledger: Ledger
    subscribers: Subscribers
    percent: tuple[int, ...]
    time_zone: str
    currency: str
    earlier: Earlier

    def look(
        self, name: str, folder: Path, rows: Sequence[Rows]
    ) -> tuple[list[Output], list[pl.DataFrame]]:
        """Writes what accounts spent with a batch; returns the tables, and alarms.

        Args:
            name: The batch.
            folder: Where its tables are staged.
            rows: What it rated.
        """
        outputs, found = [], []
        for cycle in sorted({one.cycle for one in rows}):
            before = self.earlier.grown(
                self.ledger, f"usage/cycle={cycle}/", partial(self._grow, cycle)
            )
            mine = spent([one for one in rows if one.cycle == cycle], self.subscribers.accounts)
            parts = [mine.select(pl.lit(name).alias("batch"), pl.all())]
            parts += [
                _spent(batch, [self.root / path for path in rated])
                for batch, rated in sorted(before.open.items())
            ]
            table = pl.concat(parts).sort("batch", "account_id").to_arrow().cast(SPENT_SCHEMA)
            outputs.append(write(table, folder, f"usage/cycle={cycle}/{name}.parquet"))
            all_spent = pl.concat([before.sums, *(part.drop("batch") for part in parts)]).filter(
                pl.col("account_id").is_in(parts[0]["account_id"].implode())
            )
            found.append(self._passed(cycle, all_spent))
        return outputs, found

    def _grow(self, cycle: str, known: Spent | None, after: int) -> Spent:
        """Adds what batches after one have told of a cycle."""
        ledger = self.ledger
        told = self._read(ledger.outputs_after(f"usage/cycle={cycle}/", after))
        rated = _by_batch(ledger.outputs_after(f"rated/cycle={cycle}/", after))
        frames = [told.drop("batch")]
        if known is not None:
            frames, rated = [known.sums, *frames], known.open | rated
        summed = set(told["batch"])
        sums = pl.concat(frames).group_by("account_id")
        added = pl.col("charge").sum().cast(AMOUNT), pl.col("last").max()
        still = {batch: paths for batch, paths in rated.items() if batch not in summed}
        return Spent(sums.agg(*added), still)

    def _read(self, outputs: Sequence[Output]) -> pl.DataFrame:
        if not outputs:
            return pl.from_arrow(SPENT_SCHEMA.empty_table())  # type: ignore[return-value]
        paths = [self.root / output.path for output in outputs]
        return pl.scan_parquet(paths, hive_partitioning=False).collect()

    def _passed(self, cycle: str, spent: pl.DataFrame) -> pl.DataFrame:
        """Returns alarms about accounts over a share of their limit that were not told of it."""
        sums = spent.group_by("account_id").agg(pl.col("charge").sum(), pl.col("last").max())
        if not sums.height:
            return sums
        spent_micros = micros(sums["charge"].cast(AMOUNT).to_arrow())
        sums = sums.with_columns(pl.Series("spent", spent_micros))
        limits = limits_of(self.subscribers, cycle, self.time_zone, sums["last"].max())  # type: ignore[arg-type]
        shares = pl.DataFrame({"percent": self.percent}, {"percent": pl.Int32})
        both = sums.join(limits, on="account_id").join(shares, how="cross")
        limit, percent = pl.col("micros"), pl.col("percent").cast(pl.Int64)
        # The share rounded down: amounts are whole millionths, so "more than" stays the same.
        share = limit // PERCENT * percent + limit % PERCENT * percent // PERCENT
        over = both.filter(pl.col("spent") > share)
        told = self.earlier.grown(self.ledger, f"told {cycle}", partial(self._told, cycle))
        return over.select(
            pl.lit(KIND).alias("kind"),
            "account_id",
            "percent",
            pl.col("last").dt.convert_time_zone(self.time_zone).dt.date().alias("day"),
            pl.col("charge").cast(AMOUNT).alias("value"),
            "limit",
            pl.lit(self.currency).alias("unit"),
        ).join(told, on=["account_id", "percent", "limit"], how="anti")

    def _told(self, cycle: str, known: pl.DataFrame | None, after: int) -> pl.DataFrame:
        """Adds what batches after one have told in a cycle: account, share, limit."""
        schema = pl.Schema(
            [("account_id", pl.String()), ("percent", pl.Int32()), ("limit", AMOUNT)]
        )
        frames = [pl.DataFrame(schema=schema) if known is None else known]
        for output in self.ledger.outputs_after("alarms/", after):
            frame = pl.scan_parquet(self.root / output.path)
            if "percent" not in frame.collect_schema().names():
                continue
            mine = pl.col("percent").is_not_null() & (pl.col("day").dt.strftime("%Y-%m") == cycle)
            frames.append(frame.filter(mine).select(*schema).cast(schema).collect())
        return pl.concat(frames).unique()


def limits_of(
    subscribers: Subscribers, cycle: str, time_zone: str, until: dt.datetime
) -> pl.DataFrame:
    """Returns the limit of each account that has one: ``account_id``, ``micros``, ``limit``.

    Those of its subscribers' latest rows that began by an instant count; where they differ, the
    least.

    Args:
        subscribers: The data.
        cycle: ``YYYY-MM``.
        time_zone: Of the book.
        until: The instant.
    """
    begin, end = cycle_bounds(cycle, time_zone)
    last = min(round(until.timestamp() * 1_000_000), end - 1)
    rows = np.flatnonzero((subscribers.valid_from <= last) & (subscribers.valid_to > begin))
    latest = np.full(len(subscribers.names), -1, np.int64)
    latest[subscribers.subscriber[rows]] = rows  # ascending in time: the last one stays
    rows = latest[latest >= 0]
    rows = rows[subscribers.credit_limit[rows] != NO_LIMIT]
    accounts = subscribers.accounts.take(pa.array(subscribers.account[rows])).cast(pa.string())
    limits = subscribers.credit_limit[rows]
    amounts = pl.Series("limit", pl.from_arrow(money(limits)), AMOUNT)
    found = pl.DataFrame(
        [pl.Series("account_id", pl.from_arrow(accounts)), pl.Series("micros", limits), amounts]
    )
    return found.group_by("account_id").agg(pl.col("micros", "limit").min())


def _by_batch(outputs: Sequence[Output]) -> dict[str, list[str]]:
    """Returns rated files by the batch that wrote them."""
    found: dict[str, list[str]] = {}
    for output in outputs:
        found.setdefault(batch_of(output.path), []).append(output.path)
    return found


def _spent(batch: str, paths: list[Path]) -> pl.DataFrame:
    """Returns what accounts spent, as SPENT_SCHEMA."""
    rated = pl.scan_parquet(paths, hive_partitioning=False).select(*COLUMNS)
    sums = rated.group_by(pl.col("account_id").cast(pl.String)).agg(
        pl.col("net").sum().cast(AMOUNT).alias("charge"), pl.col("start_time").max().alias("last")
    )
    wanted = pl.lit(batch).alias("batch"), "account_id", "charge", "last"
    return sums.select(*wanted).collect()
