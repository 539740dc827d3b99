from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from pipeline.reports.costs import COST_SUMS, SUMS, cost_table, read_with_costs

if TYPE_CHECKING:
    from pathlib import Path


def sums(folder: Path, **columns: list[object]) -> pl.DataFrame:
    """What the page sums up of a file of rated records."""
    frame = pl.DataFrame(columns)
    money = [name for name in ("net", "wholesale_cost") if name in columns]
    frame.with_columns(pl.col(*money).cast(pl.Decimal(18, 6))).write_parquet(folder / "rated")
    rated = read_with_costs(folder / "rated", ["plan", "service", "net"])
    found = rated.group_by(["plan", "service"]).aggregate(list(COST_SUMS))
    return pl.DataFrame(found.rename_columns(["plan", "service", *SUMS]))


def test_costs_stand_beside_the_net_of_the_same_events_the_lowest_margin_first(
    tmp_path: Path,
) -> None:
    found = sums(
        tmp_path,
        plan=["easy", "easy", "easy", "globe"],
        service=["voice", "voice", "sms", "data"],
        net=[Decimal("1.80"), Decimal("9.00"), Decimal("0.10"), Decimal(0)],
        wholesale_cost=[Decimal("0.605"), None, None, Decimal("2.00")],
    )
    [table] = cost_table(found)
    assert table["rows"] == [
        ["globe", "data", "1", "0.00", "2.00", "-2.00"],
        ["easy", "voice", "1", "1.80", "0.60", "1.20"],
        ["all", "", "2", "1.80", "2.60", "-0.80"],
    ]


def test_records_without_costs_and_of_earlier_versions_have_no_table(tmp_path: Path) -> None:
    plain: dict[str, list[object]] = {"plan": ["easy"], "service": ["sms"], "net": [Decimal(1)]}
    assert cost_table(sums(tmp_path, **plain, wholesale_cost=[None])) == []
    assert cost_table(sums(tmp_path, **plain)) == []
    assert cost_table(pl.DataFrame()) == []
