from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mediation.edr import EDR_SCHEMA
from pipeline.batch.sheet import FLOWS, Sheet
from pipeline.cli.main import main
from pipeline.errors import UsageError
from pipeline.operate import operate_recycle, operate_run, operate_write_off
from pipeline.suspense.journal import Filter
from pipeline.upkeep.balance import _trend, read_balance
from tests.pipeline.parted import SHOP, cut_call
from tests.pipeline.test_recycle import hide_subscribers, read, show_subscribers
from tests.pipeline.world import make_workspace
from traffic.generate import generate

if TYPE_CHECKING:
    import datetime as dt

    from pipeline.workspace import Workspace


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with suspense, parts that wait, a recycling, more parts, and a writing off."""
    folder = tmp_path_factory.mktemp("audit")
    generate(folder / "traffic", 3_000, subscribers_folder=SHOP / "subscribers", files=6)
    workspace = make_workspace(folder / "ws", folder / "traffic")
    parts = cut_call(40_000, [900, 1_800, 77], reference=900)
    first, second = (
        workspace.root / "incoming" / "msc1" / f"msc1_{n:06d}_202610010000.ber" for n in (800, 801)
    )
    first.write_bytes(parts[0] + parts[1])
    real = hide_subscribers(workspace, 5)
    operate_run(workspace)
    operate_recycle(workspace)
    show_subscribers(workspace, real)
    operate_recycle(workspace, Filter(since=None))
    second.write_bytes(parts[2])
    hide_subscribers(workspace, 3)
    third = workspace.root / "incoming" / "msc2" / "msc2_000900_202610010000.ber"
    generate(folder / "more", 500, 9, subscribers_folder=SHOP / "subscribers", files=5)
    third.write_bytes(min((folder / "more").rglob("msc*.ber")).read_bytes())
    operate_run(workspace)
    operate_write_off(workspace, Filter(), "never")
    return workspace


@pytest.mark.parametrize("by", ["file", "node", "day", "batch"])
def test_every_sum_closes_in_every_unit(moved: Workspace, by: str) -> None:
    found = read_balance(moved, by)  # type: ignore[arg-type]
    assert found.closes
    rows = found.rows()
    for unit in FLOWS:
        assert sum(row[f"{unit}_suspended"] for row in rows) == 0
        assert sum(row[f"{unit}_waiting"] for row in rows) == 0
    rated = read(moved, "rated")
    assert sum(row["net"] for row in rows) == pc.sum(rated.column("net")).as_py()
    assert sum(row["events_rated"] for row in rows) == rated.num_rows
    read_once = sum(row["records_read"] for row in rows)
    audit = pl.DataFrame(read(moved, "audit").select(["state", "records_read"]))
    came = audit.filter(pl.col("state").is_in(["committed", "suspended"]))
    assert read_once == came["records_read"].sum()


def test_what_is_written_off_is_weighed(moved: Workspace) -> None:
    last = read_balance(moved, "batch").rows()[-1]
    gone = pl.DataFrame(read(moved, "suspense")).filter(pl.col("state") == "written_off")
    events = gone.filter(pl.col("stage").is_in(["guide", "classify", "rate"]))
    names = ["file_id", "offset", "container"]
    told = pl.DataFrame(read(moved, "edr").select([*names, "duration", "uplink", "downlink"]))
    mine = told.with_columns(pl.col("file_id").cast(pl.String)).join(
        events.select(names).with_columns(pl.col("file_id").cast(pl.String)), on=names, how="semi"
    )
    assert mine.height == last["events_discarded"] > 0
    assert last["seconds_discarded"] == mine["duration"].sum() == -last["seconds_suspended"]
    assert last["volume_discarded"] == mine.select(pl.sum("uplink", "downlink")).sum_horizontal()[0]


def test_seconds_are_those_of_the_events(moved: Workspace) -> None:
    names = ["duration", "uplink", "downlink"]
    events = [
        pq.read_table(path, columns=names)
        for folder in ("edr", "duplicates")
        for path in sorted((moved.root / folder).rglob("batch-000001*.parquet"))
    ]
    [first, *_] = read_balance(moved, "batch").rows()
    assert EDR_SCHEMA.field("duration").type == events[0].schema.field("duration").type
    assert first["seconds_read"] == sum(pc.sum(e.column("duration")).as_py() for e in events)
    assert first["volume_read"] == sum(
        pc.sum(e.column(name)).as_py() for e in events for name in names[1:]
    )


def test_a_sheet_that_was_changed_by_hand_ends_with_4(
    moved: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    path = moved.root / "audit" / "batch-000001.parquet"
    kept = path.read_bytes()
    table = pq.read_table(path)
    place = table.schema.get_field_index("seconds_rated")
    wrong = pc.add(table.column(place), 1)
    pq.write_table(table.set_column(place, table.schema.field(place), wrong), path)
    try:
        with pytest.raises(SystemExit) as stop:
            main(["audit", "-w", str(moved.root)])
    finally:
        path.write_bytes(kept)
    assert stop.value.code == 4
    assert "DOES NOT CLOSE" in capsys.readouterr().out


def test_the_command_prints_tables_and_json(
    moved: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ("--by", "day"),
        ("--by", "file", "--unit", "partner_charge"),
        ("--by", "batch", "--unit", "volume"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["audit", "-w", str(moved.root), *arguments])
        assert stop.value.code == 0
        assert "closes" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["audit", "-w", str(moved.root), "--batch", "batch-000001", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert {"msc1", "pgw1"} <= {row["source"] for row in rows}
    with pytest.raises(UsageError, match="no audit of 'batch-9'"):
        read_balance(moved, "node", "batch-9")


def test_a_day_is_compared_with_the_same_weekday() -> None:
    begin: dt.date = pl.date_range(pl.date(2026, 9, 1), pl.date(2026, 9, 29), eager=True)[0]
    days = pl.date_range(pl.lit(begin), pl.date(2026, 9, 29), eager=True)
    counts = [100 * (at % 7 + 1) for at in range(len(days))]
    counts[-1] = 50
    net = pl.Series(counts, dtype=pl.Int64).cast(pl.Decimal(18, 6))
    found = _trend(pl.DataFrame({"day": days, "records_read": counts, "net": net}))
    assert found["usual"][0] is None
    assert found["percent"][7] == 100.0
    assert (found["usual"][-1], found["percent"][-1]) == (100.0, 50.0)
    assert (found["usual_net"][-1], found["percent_net"][-1]) == (100.0, 50.0)


def test_sheets_of_earlier_versions_can_be_read() -> None:
    old = Sheet().to_dict()
    for name in (
        "seconds",
        "volume",
        "partner_charge",
        "integers_repaired",
        "known",
        "first",
        "last",
    ):
        del old[name]
    assert Sheet.from_dict(old) == Sheet()
    old["known"] = [0, 0, 0]
    assert Sheet.from_dict(old) == Sheet()
