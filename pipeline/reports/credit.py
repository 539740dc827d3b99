"""Accounts over shares of their credit limits, for the page of a batch: sums, no account by name."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.high_usage.credit import KIND
from pipeline.published import batch_of

if TYPE_CHECKING:
    from pipeline.ledger.store import Ledger
    from pipeline.workspace import Workspace

CENT: Final = Decimal("0.01")


def passed_limits(workspace: Workspace, ledger: Ledger, batch: str) -> list[dict[str, Any]]:
    """Returns the table of accounts that passed a share of their limit with a batch, if any did."""
    paths = [
        workspace.root / output.path
        for output in ledger.outputs("alarms/")
        if batch_of(output.path) == batch
    ]
    frames = [pl.read_parquet(path, hive_partitioning=False) for path in paths]
    told = [frame for frame in frames if "percent" in frame.columns]
    if not told:
        return []
    rows = (
        pl.concat(told)
        .filter(pl.col("kind").cast(pl.String) == KIND)
        .group_by("percent")
        .agg(pl.len().alias("accounts"), pl.col("value", "limit").sum())
        .sort("percent")
        .to_dicts()
    )
    if not rows:
        return []
    return [
        {
            "title": "Credit limits",
            "note": "accounts that passed a share of theirs: huadan alarms --kind credit_limit",
            "columns": ["share", "accounts", "usage of the cycle", "limits"],
            "rows": [
                [
                    f"{row['percent']} %",
                    f"{row['accounts']:,}",
                    *(f"{row[name].quantize(CENT):,}" for name in ("value", "limit")),
                ]
                for row in rows
            ],
            "total": False,
        }
    ]
