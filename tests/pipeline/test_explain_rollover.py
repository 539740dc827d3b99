"""`huadan explain` of an account that brought allowances over from the cycle before."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.explain import explain
from tests.pipeline.world import SHOP, deliver, make_workspace, own_book
from traffic.generate import generate

if TYPE_CHECKING:
    from pathlib import Path

MINUTES = 3


def test_its_sum_is_the_final_charge(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "shop")
    plan = own_book(workspace) / "plans" / "talk_58.yaml"
    text = plan.read_text()
    assert text.count("quantity: 150 min\n") == 1
    rolls = f"quantity: {MINUTES} min\n    rollover: {{cycles: 1}}\n"
    plan.write_text(text.replace("quantity: 150 min\n", rolls))
    for month in (9, 10):
        folder = tmp_path / f"month-{month}"
        generate(
            folder,
            2_000,
            month,
            subscribers_folder=SHOP / "subscribers",
            files=5,
            month=dt.date(2026, month, 1),
        )
        deliver(workspace.root, sorted(folder.rglob("*.ber")))
    run(workspace)
    for cycle in ("2026-09", "2026-10"):
        bill(workspace, cycle)
    rated = pl.read_parquet(
        tmp_path / "shop/billed/cycle=2026-10/rated/*.parquet", hive_partitioning=False
    ).filter(
        pl.col("plan").cast(pl.String) == "talk_58", pl.col("rum").cast(pl.String) == "seconds"
    )
    taken = rated.group_by("subscriber_id").agg(pl.col("allowance_units").sum().alias("taken"))
    mine = rated.join(taken, on="subscriber_id").filter(pl.col("taken") > 60 * MINUTES)
    rows = mine.sort("start_time", descending=True).head(3).to_dicts()
    assert rows
    for row in rows:
        name = f"{row['file_id']}:{row['offset']}:{row['container']}"
        told = explain(workspace, name, unmask=False)
        assert told.total == told.stored == row["net"]
    # Once September is billed anew, October's bill is not of what there is: nothing to compare with.
    plan.write_text(f"{plan.read_text()}# another digest\n")
    bill(workspace, "2026-09")
    assert explain(workspace, name, unmask=False).stored is None
