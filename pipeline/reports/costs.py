"""What partners charge for the rated events of a page, beside what those events were charged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

CENT: Final = Decimal("0.01")
COST: Final = "wholesale_cost"
COST_SUMS: Final = ((COST, "count"), ("cost_net", "sum"), (COST, "sum"))
SUMS: Final = ("cost_events", "cost_net", COST)
"""Events that have a wholesale cost, their net, the cost."""


def read_with_costs(path: Path, columns: list[str]) -> pa.Table:
    """Returns columns of rated records, with their cost and the net of those that have one.

    Args:
        path: Rated records; files of earlier versions know no costs.
        columns: Columns to read, the net among them.
    """
    known = COST in pq.read_schema(path).names
    rated = pq.read_table(path, columns=[*columns, COST] if known else columns)
    if not known:
        rated = rated.append_column(COST, pa.nulls(len(rated), pa.decimal128(18, 6)))
    net = rated.column("net")
    costly = pc.if_else(pc.is_valid(rated.column(COST)), net, pa.scalar(None, net.type))
    return rated.append_column("cost_net", costly)


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
