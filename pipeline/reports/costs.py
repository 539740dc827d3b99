"""What partners charge for the rated events of a page, beside what those events were charged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq

from mediation.partials.rules import HOUR_US
from pipeline.arrow import decimal_micros
from pipeline.batch.money import COST, NET, Charged, Money, amount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa


def read_money(paths: Sequence[Path], begin: int | None = None, end: int | None = None) -> Money:
    """Returns what rated records come to, read from where they are published.

    Args:
        paths: Rated records; files of earlier versions know no costs.
        begin: UTC microseconds from which events count, None for all.
        end: UTC microseconds before which they count.
    """
    money = Money()
    for row in _sums(paths, begin, end).iter_rows(named=True):
        money.charged[row["service"], row["plan"]].add(
            Charged(
                row["events"],
                decimal_micros(row[NET]),
                row["cost_events"],
                decimal_micros(row["cost_net"]),
                decimal_micros(row[COST]),
            )
        )
        money.hours[row["service"]][row["hour"]] += row["events"]
    return money


def _sums(paths: Sequence[Path], begin: int | None, end: int | None) -> pl.DataFrame:
    """Returns sums by hour (since 1970), service and plan."""
    by_schema: dict[pa.Schema, list[Path]] = {}
    for path in paths:
        by_schema.setdefault(pq.read_schema(path).remove_metadata(), []).append(path)
    if not by_schema:
        return pl.DataFrame()
    none = pl.lit(None, pl.Decimal(18, 6)).alias(COST)
    parts = [
        pl.scan_parquet(some, hive_partitioning=False).select(
            pl.col("start_time").dt.epoch("us").alias("start"),
            pl.col("service", "plan").cast(pl.String),
            NET,
            COST if COST in schema.names else none,
        )
        for schema, some in by_schema.items()
    ]
    rated = pl.concat(parts)
    if begin is not None:
        rated = rated.filter((pl.col("start") >= begin) & (pl.col("start") < end))
    costly = pl.col(COST).is_not_null()
    sums = rated.group_by(pl.col("start").floordiv(HOUR_US).alias("hour"), "service", "plan").agg(
        pl.len().cast(pl.Int64).alias("events"),
        pl.col(NET).sum(),
        costly.sum().cast(pl.Int64).alias("cost_events"),
        pl.col(NET).filter(costly).sum().alias("cost_net"),
        pl.col(COST).sum(),
    )
    return sums.collect(engine="streaming")


def cost_table(money: Money) -> list[dict[str, Any]]:
    """Returns the table of costs by plan and service, the lowest margin first; none without costs."""
    found = sorted(
        (sums.cost_net - sums.cost, plan, service, sums)
        for (service, plan), sums in money.charged.items()
        if sums.cost_events
    )
    if not found:
        return []
    total = Charged()
    for *_, sums in found:
        total.add(sums)
    return [
        {
            "title": "Wholesale cost",
            "note": "what partners charge us for events, beside the net of the same events",
            "columns": ["plan", "service", "events", "net", "cost", "margin"],
            "rows": [
                *([plan, service, *_cells(sums)] for _, plan, service, sums in found),
                ["all", "", *_cells(total)],
            ],
            "total": True,
            "words": 2,
        }
    ]


def _cells(sums: Charged) -> list[str]:
    amounts = (sums.cost_net, sums.cost, sums.cost_net - sums.cost)
    return [f"{sums.cost_events:,}", *(amount(micros) for micros in amounts)]
