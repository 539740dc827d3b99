"""``huadan tariff try``: another book on a billed cycle, beside the real one."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from click.testing import CliRunner

from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.cli.tariff import try_
from pipeline.errors import UsageError
from pipeline.tariff.what_if import REVENUE, WhatIf, try_book
from tests.pipeline.world import SHOP, ledger_rows, make_workspace, published

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace

CYCLE = "2026-10"
NOTHING = Decimal(0)


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> Workspace:
    workspace = make_workspace(tmp_path_factory.mktemp("what-if") / "shop", traffic)
    run(workspace)
    bill(workspace, CYCLE)
    return workspace


@pytest.fixture(scope="module")
def dearer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the demo's book with other prices: local calls dearer, Easy's data free."""
    folder = tmp_path_factory.mktemp("books") / "dearer"
    shutil.copytree(SHOP / "book", folder)
    prices = folder / "prices.yaml"
    text = prices.read_text()
    assert text.count("\nlong_distance_voice: {price: ") == 1
    prices.write_text(
        text.replace("\nlong_distance_voice: {price: ", "\nlong_distance_voice: {price: 1")
    )
    easy = folder / "plans" / "easy.yaml"
    free = "prices:\n  data_home: {price: 0.00, per: 1 MiB, beat: 1 KiB}\n"
    assert "prices:" not in easy.read_text()
    easy.write_text(f"{easy.read_text().rstrip()}\n{free}")
    return folder


def whole(workspace: Workspace, table: str) -> pl.DataFrame:
    """Returns one of the published tables."""
    path = workspace.root / f"billed/cycle={CYCLE}/{table}/*.parquet"
    return pl.read_parquet(path, hive_partitioning=False)


def changes(frame: pl.DataFrame) -> set[Any]:
    return set(frame["change"])


def test_the_same_book_gives_exactly_the_same_sums(billed: Workspace, tmp_path: Path) -> None:
    before, rows = published(billed.root), ledger_rows(billed.root)
    found = try_book(billed, SHOP / "book", CYCLE, output=tmp_path / "out")
    assert found.notes == ()
    assert found.books[0] == found.books[1]
    for frame in (found.totals, found.accounts, found.unrated, *found.by.values()):
        assert frame.height
        assert changes(frame) == {0}
    assert found.moved["same"][0] == whole(billed, "bills").height
    for table in ("rated", "bills", "bill_lines", "balances", "unrated"):
        made = pl.read_parquet(tmp_path / f"out/{table}/*.parquet", hive_partitioning=False)
        assert made.equals(whole(billed, table))
    # Nothing of the workspace has changed, and nothing is left.
    assert published(billed.root) == before
    assert ledger_rows(billed.root) == rows
    assert not list(billed.root.glob(".try-*"))


def test_what_another_book_does(billed: Workspace, dearer: Path) -> None:
    before = published(billed.root)
    found = try_book(billed, dearer, threads=1)
    assert published(billed.root) == before
    plans = {row["name"]: row for row in found.by["plan"].to_dicts()}
    services = {row["name"]: row for row in found.by["service"].to_dicts()}
    assert services["voice"]["change"] > 0
    assert services["data"]["change"] < 0
    # A card whose data cost over 100 has no discount on its message any more.
    assert services["sms"]["change"] == Decimal("0.01")
    assert plans["easy"]["old"] == revenue(billed, "plan", "easy")
    codes = {row["name"] for row in found.by["gl_code"].to_dicts() if row["change"]}
    # Calls and data; discounts on the bill and the minimum spend that hang on them, and through
    # the discounts what else they are taken off.
    assert codes == {"4010", "4210", "4330", "4390", "4020", "4030", "4110"}
    total = next(row for row in found.totals.to_dicts() if row["what"] == "total")
    assert (
        total["change"] == found.accounts["change"].sum() == sum(m[1] for m in found.moved.values())
    )
    less, more = found.top(5)
    assert less["change"].to_list() == sorted(found.accounts["change"].to_list())[: less.height]
    assert (
        more["change"].to_list() == sorted(found.accounts["change"].to_list())[::-1][: more.height]
    )
    assert less.height == more.height == 5


def revenue(workspace: Workspace, column: str, name: str) -> Decimal:
    """Returns what lines come to, the slow way."""
    rows = whole(workspace, "bill_lines").to_dicts()
    mine = [row["net"] for row in rows if row["kind"] in REVENUE and row[column] == name]
    return sum(mine, NOTHING)


def test_the_command(billed: Workspace, dearer: Path, tmp_path: Path) -> None:
    here = [str(dearer), "-w", str(billed.root), "--cycle", CYCLE]
    told = json.loads(CliRunner().invoke(try_, [*here, "--json", "--top", "2"]).output)
    assert len(told["pay_less"]) == len(told["pay_more"]) == 2
    assert told["by"]["zone"]
    assert Decimal(told["totals"][-1]["change"]) == sum(
        Decimal(one["change"]) for one in told["accounts"].values()
    )
    shown = CliRunner().invoke(try_, [*here, "--output", str(tmp_path / "out")]).output
    assert "would pay less" in shown
    assert "Revenue by service" in shown
    kept = pl.read_parquet(tmp_path / "out/accounts.parquet")
    assert kept["new"].sum() == Decimal(told["totals"][-1]["new"])
    with pytest.raises(UsageError, match="is there already"):
        try_book(billed, dearer, output=tmp_path)
    with pytest.raises(UsageError, match="cycle 2026-09 has not been billed"):
        try_book(billed, dearer, "2026-09")


def test_what_a_killed_trial_left_is_removed(
    billed: Workspace, dearer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = billed.root / ".try-left"
    left.mkdir()
    (left / "half").write_text("x")
    monkeypatch.setattr("pipeline.tariff.what_if._billed", refuse)
    with pytest.raises(UsageError):
        try_book(billed, dearer)
    assert not list(billed.root.glob(".try-*"))


def refuse(*_: object) -> str:
    message = "no"
    raise UsageError(message)


def test_other_subscriber_data_is_told(billed: Workspace, dearer: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(billed.root, copy, symlinks=True)
    folder = copy / "subscribers"
    folder.unlink()
    shutil.copytree(SHOP / "subscribers", folder)
    table = folder / "subscribers.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    found: WhatIf = try_book(type(billed)(copy), dearer)
    assert "subscriber data has changed" in found.notes[0]
