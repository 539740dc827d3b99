"""What partners charge for the rated events of a page, beside what those events were charged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

CENT: Final = Decimal("0.01")
HOUR_US: Final = 3_600_000_000
COST: Final = "wholesale_cost"
SUMS: Final = ("cost_events", "cost_net", COST)
"""Events that have a wholesale cost, their net, the cost."""


def rated_sums(
    paths: Sequence[Path], begin: int | None = None, end: int | None = None
) -> pl.DataFrame:
    """Returns events, net and :data:`SUMS` of rated records by hour (since 1970), service and plan.

    Args:
        paths: Rated records; files of earlier versions know no costs.
        begin: UTC microseconds from which events count, None for all.
        end: UTC microseconds before which they count.
    """
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
            "net",
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
        pl.col("net").sum(),
        costly.sum().cast(pl.Int64).alias(SUMS[0]),
        pl.col("net").filter(costly).sum().alias(SUMS[1]),
        pl.col(COST).sum(),
    )
    return sums.collect(engine="streaming")


def cost_table(found: pl.DataFrame) -> list[dict[str, Any]]:
    """Returns the table of costs by plan and service, the lowest margin first; none without costs."""
    if not found.height:
        return []
    sums = found.group_by("plan", "service").agg(pl.col(*SUMS).sum()).filter(pl.col(SUMS[0]) > 0)
    margin = (pl.col("cost_net") - pl.col(COST)).alias("margin")
    rows = sums.with_columns(margin).sort("margin", "plan", "service").to_dicts()
    if not rows:
        return []
    names = (*SUMS, "margin")
    total = {name: sum((row[name] for row in rows), type(rows[0][name])(0)) for name in names}

    def cells(row: dict[str, Any]) -> list[str]:
        return [f"{row[SUMS[0]]:,}", *(f"{row[name].quantize(CENT):,}" for name in names[1:])]

    return [
        {
            "title": "Wholesale cost",
            "note": "what partners charge us for events, beside the net of the same events",
            "columns": ["plan", "service", "events", "net", "cost", "margin"],
            "rows": [
                *([row["plan"], row["service"], *cells(row)] for row in rows),
                ["all", "", *cells(total)],
            ],
            "total": True,
            "words": 2,
        }
    ]
