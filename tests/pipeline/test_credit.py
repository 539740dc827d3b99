"""Credit limits: told once for each share, over all batches of a cycle."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from click.testing import CliRunner

from pipeline.batch.run import run
from pipeline.cli.alarms import alarms
from pipeline.config.load import load_config
from pipeline.errors import ConfigError
from pipeline.ledger.store import Ledger
from pipeline.reports.page import batch_page
from pipeline.upkeep.rollback import rollback
from tests.pipeline.test_high_usage import limited
from tests.pipeline.world import SHOP, deliver, make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace

SHARES = (70, 90, 100)
LIMIT = Decimal("20.00")
SECTION = "[high_usage.credit]\npercent = [100, 70, 90]\n"


def with_limits(workspace: Workspace) -> Workspace:
    """Gives every subscriber of the demo the same credit limit, and looks at nothing else."""
    folder = workspace.root / "subscribers"
    folder.unlink()
    folder.mkdir()
    for path in (SHOP / "subscribers").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    table = folder / "subscribers.csv"
    head, *rows = list(csv.reader(table.read_text().splitlines()))
    at = head.index("credit_limit")
    lines = [head, *([*row[:at], str(LIMIT), *row[at + 1 :]] for row in rows)]
    table.write_text("".join(",".join(line) + "\n" for line in lines))
    return limited(workspace, SECTION)


def told(root: Path) -> dict[tuple[str, int], Decimal]:
    """Returns what alarms say: account and share → what was spent; each only once."""
    paths = sorted((root / "alarms").glob("*.parquet"))
    rows = [row for path in paths for row in pl.read_parquet(path).to_dicts()]
    found = {(row["account_id"], row["percent"]): row["value"] for row in rows}
    assert len(found) == len(rows)
    assert {row["kind"] for row in rows} == {"credit_limit"}
    assert {row["limit"] for row in rows} == {LIMIT}
    return found


def spent(root: Path) -> dict[str, Decimal]:
    """Returns what accounts spent in October, by their rated records."""
    paths = list((root / "rated/cycle=2026-10").glob("*.parquet"))
    rated = pl.read_parquet(paths, hive_partitioning=False)
    sums = rated.group_by(pl.col("account_id").cast(pl.String)).agg(pl.col("net").sum())
    return dict(sums.iter_rows())


@pytest.fixture(scope="module")
def batches(
    tmp_path_factory: pytest.TempPathFactory, traffic: Path
) -> tuple[Workspace, list[dict[str, Any]]]:
    """Returns a workspace that took its files in three batches, and what each batch told."""
    root = tmp_path_factory.mktemp("credit") / "three"
    workspace = with_limits(make_workspace(root))
    files = sorted(traffic.rglob("*.ber"), key=lambda path: path.name.split("_")[::-1])
    results = []
    for part in (files[:4], files[4:7], files[7:]):
        deliver(root, part)
        results.append(run(workspace).alarms)
    return workspace, results


def test_every_share_is_told_once_over_all_batches(
    batches: tuple[Workspace, list[dict[str, Any]]], tmp_path: Path, traffic: Path
) -> None:
    root = batches[0].root
    wanted = {
        (account, share)
        for account, net in spent(root).items()
        for share in SHARES
        if net * 100 > LIMIT * share
    }
    assert len({share for _, share in wanted}) == 3
    assert set(told(root)) == wanted
    assert [result["credit_limit"] > 0 for result in batches[1]] == [True] * 3
    whole = with_limits(make_workspace(tmp_path / "whole", traffic))
    run(whole)
    assert set(told(whole.root)) == wanted


def test_who_was_over_before_is_told_when_the_limits_are_first_looked_at(
    tmp_path: Path, traffic: Path
) -> None:
    root = tmp_path / "late"
    workspace = limited(with_limits(make_workspace(root)), "")
    files = sorted(traffic.rglob("*.ber"), key=lambda path: path.name.split("_")[::-1])
    deliver(root, files[:6])
    assert run(workspace).alarms == {}
    text = workspace.config_file.read_text()
    workspace.config_file.write_text(text.replace("[[source]]", f"{SECTION}\n[[source]]", 1))
    deliver(root, files[6:])
    run(workspace)
    last = pl.read_parquet(root / "rated/cycle=2026-10/batch-000002*", hive_partitioning=False)
    active = set(last["account_id"].cast(pl.String))
    assert told(root).keys() == {
        (account, share)
        for account, net in spent(root).items()
        for share in SHARES
        if account in active and net * 100 > LIMIT * share
    }
    kept = pl.read_parquet(root / "usage/cycle=2026-10/*.parquet", hive_partitioning=False)
    assert set(kept["batch"]) == {"batch-000001", "batch-000002"}
    assert kept["charge"].sum() == sum(spent(root).values())
    before = told(root)
    rollback(workspace, "batch-000002", "2026-11-01T00:00:00Z")
    assert not list((root / "alarms").glob("*.parquet"))
    run(workspace)
    assert told(root) == before


def test_the_page_and_the_command_show_them(
    batches: tuple[Workspace, list[dict[str, Any]]],
) -> None:
    workspace, results = batches
    with Ledger(workspace.ledger_file) as ledger:
        page = batch_page(workspace, ledger, "batch-000003", "Asia/Shanghai")
        summary = ledger.batches()[-1].summary
    assert "Credit limits" in page
    assert ">70 %</td>" in page
    assert summary["alarms"] == results[-1]
    for account, _ in told(workspace.root):
        assert account not in page
    done = CliRunner().invoke(
        alarms, ["-w", str(workspace.root), "--json", "--kind", "credit_limit", "--limit", "9999"]
    )
    rows = json.loads(done.output)["alarms"]
    assert {(row["account"], row["percent"]) for row in rows} == set(told(workspace.root))
    shown = CliRunner().invoke(alarms, ["-w", str(workspace.root)])
    assert "% of 20" in shown.output


def test_shares_that_make_no_sense(tmp_path: Path) -> None:
    for text in ("percent = [70, 70]", "percent = [0]", "percent = [501]"):
        workspace = limited(
            make_workspace(tmp_path / str(abs(hash(text)))), f"[high_usage.credit]\n{text}\n"
        )
        with pytest.raises(ConfigError, match="percent"):
            load_config(workspace)
