from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from mediation.partials.rules import HOUR_US
from pipeline.batch.money import Charged, Money
from pipeline.batch.run import run
from pipeline.reports.costs import cost_table, read_money
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path


AT = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)


def sums(folder: Path, **columns: list[object]) -> Money:
    """What the page sums up of a file of rated records."""
    frame = pl.DataFrame(columns)
    money = [name for name in ("net", "wholesale_cost") if name in columns]
    start = pl.lit(AT).alias("start_time")
    frame.with_columns(start, pl.col(*money).cast(pl.Decimal(18, 6))).write_parquet(
        folder / "rated"
    )
    return read_money([folder / "rated"])


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
    assert cost_table(Money()) == []


def test_files_with_and_without_costs_add_up_within_the_time_asked_for(tmp_path: Path) -> None:
    plain: dict[str, list[object]] = {"plan": ["easy"], "service": ["sms"], "net": [Decimal(1)]}
    cost: dict[str, list[object]] = {"gl_code": [7], "wholesale_cost": [Decimal("0.25")]}
    for name, costs in (("old", {}), ("new", cost)):
        (tmp_path / name).mkdir()
        sums(tmp_path / name, **plain, **costs)
    paths = [tmp_path / "old" / "rated", tmp_path / "new" / "rated"]
    begin = int(AT.timestamp()) * 1_000_000
    found = read_money(paths, begin, begin + 1)
    assert found.charged == {("sms", "easy"): Charged(2, 2_000_000, 1, 1_000_000, 250_000)}
    assert found.hours == {"sms": {begin // HOUR_US: 2}}
    assert read_money(paths, begin + 1, begin + 2) == read_money([]) == Money()


def test_what_a_run_adds_up_is_what_its_files_say(tmp_path: Path, traffic: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic, chunk=1024)
    money = run(workspace, threads=2, flush_partials=True).money
    assert sum(sums.cost_events for sums in money.charged.values())
    assert any("-parts" in path.name for path in (workspace.root / "rated").rglob("*.parquet"))
    assert money == read_money(sorted((workspace.root / "rated").rglob("*.parquet")))
