from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from pipeline.reports.costs import HOUR_US, cost_table, rated_sums

if TYPE_CHECKING:
    from pathlib import Path


AT = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)


def sums(folder: Path, **columns: list[object]) -> pl.DataFrame:
    """What the page sums up of a file of rated records."""
    frame = pl.DataFrame(columns)
    money = [name for name in ("net", "wholesale_cost") if name in columns]
    start = pl.lit(AT).alias("start_time")
    frame.with_columns(start, pl.col(*money).cast(pl.Decimal(18, 6))).write_parquet(
        folder / "rated"
    )
    return rated_sums([folder / "rated"])


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


def test_files_with_and_without_costs_add_up_within_the_time_asked_for(tmp_path: Path) -> None:
    plain: dict[str, list[object]] = {"plan": ["easy"], "service": ["sms"], "net": [Decimal(1)]}
    cost: dict[str, list[object]] = {"gl_code": [7], "wholesale_cost": [Decimal("0.25")]}
    for name, costs in (("old", {}), ("new", cost)):
        (tmp_path / name).mkdir()
        sums(tmp_path / name, **plain, **costs)
    paths = [tmp_path / "old" / "rated", tmp_path / "new" / "rated"]
    begin = int(AT.timestamp()) * 1_000_000
    found = rated_sums(paths, begin, begin + 1).to_dicts()
    assert found == [
        {
            "hour": begin // HOUR_US,
            "service": "sms",
            "plan": "easy",
            "events": 2,
            "net": Decimal(2),
            "cost_events": 1,
            "cost_net": Decimal(1),
            "wholesale_cost": Decimal("0.25"),
        }
    ]
    assert rated_sums(paths, begin + 1, begin + 2).is_empty()
    assert rated_sums([]).is_empty()
