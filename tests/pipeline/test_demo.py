"""The demo as a person sees it, and the planted troubles of its files."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from pipeline.demo import demo
from pipeline.ledger.store import Ledger
from pipeline.upkeep.sequences import read_gaps
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
TROUBLES: dict[str, Any] = yaml.safe_load((SAMPLES / "troubles.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    return Workspace(folder), played(folder)


def played(folder: Path) -> str:
    out = Console(width=160, record=True, quiet=False)
    demo(folder, out)
    return out.export_text()


@pytest.fixture(scope="module")
def read(said: tuple[Workspace, str]) -> Callable[[str], list[dict[str, Any]]]:
    cache: dict[str, list[dict[str, Any]]] = {}

    def rows(folder: str) -> list[dict[str, Any]]:
        if folder not in cache:
            paths = sorted((said[0].root / folder).rglob("*.parquet"))
            cache[folder] = pa.concat_tables([pq.read_table(path) for path in paths]).to_pylist()
        return cache[folder]

    return rows


def test_the_summary_says_what_a_person_wants_to_know(said: tuple[Workspace, str]) -> None:
    _, text = said
    for words in (
        "51 committed, 1 duplicate",
        "Records by destination",
        "Provisional charges in CNY",
        "night_owl",
        "records/s",
        "Bills of 2026-10",
        "Time of the run per stage",
        "Missing file of msc2: number 6",
        "Alarm: credit limit, 45.",
        "-4,602.70",  # discounts on the bill
        "an example bill",
        "reports/explain-2026-10.txt",
    ):
        assert words in text
    assert (said[0].reports / "bill-2026-10.html").stat().st_size > 2000
    explained = (said[0].reports / "explain-2026-10.txt").read_text(encoding="utf-8")
    assert explained.count("Charge, CNY") == 2
    assert "DE1 charges us 219.7872 (wholesale.csv:13), 219.7872 more than the charge." in explained
    page = (said[0].reports / "batch-000001.html").read_text(encoding="utf-8")
    for title in ("Wholesale cost", "Credit limits"):
        assert f"<h2>{title}<" in page
    assert '<td class="word">globe_298</td>' in page
    bill = (said[0].reports / "bill-2026-10.html").read_text(encoding="utf-8")
    assert bill.count("Silver customer") == 1  # two lines, of two tax classes
    assert "7.86" in bill


def test_no_share_of_a_credit_limit_is_told_twice(said: tuple[Workspace, str]) -> None:
    found = pl.read_parquet(said[0].root / "alarms" / "*.parquet", hive_partitioning=False)
    told = found.filter(pl.col("kind").cast(pl.String) == "credit_limit")
    assert told.height == 45
    assert told.select("account_id", "percent", "limit").is_unique().all()
    share = pl.col("limit") * pl.col("percent") / 100
    assert told.select((pl.col("value") > share).all()).item()


def test_a_bill_with_a_discount_adds_up_by_hand(
    read: Callable[[str], list[dict[str, Any]]],
) -> None:
    """Silver in a household below 200: 5 % of 156.00 + 0.79, and of 0.50 of another tax class."""
    lines = [r for r in read("billed/cycle=2026-10/bill_lines") if r["account_id"] == "A0002112"]
    mine = [r for r in lines if r["kind"] == "discount" and r["item"] == "Silver customer"]
    assert sorted(r["net"] for r in mine) == [Decimal("-7.8395"), Decimal("-0.025")]
    assert sum(r["amount"] for r in mine) == Decimal("-7.86")


def test_a_second_time_there_is_nothing_to_do_and_no_byte_changes(
    said: tuple[Workspace, str],
) -> None:
    def everything() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in said[0].root.rglob("*") if p.is_file()}

    before = everything()
    assert "Nothing to do" in played(said[0].root)
    assert everything() == before


def test_running_numbers_are_missing_where_records_were_lost_and_nowhere_else(
    said: tuple[Workspace, str],
) -> None:
    """A cut record tells its number, planted ones are counted among the others."""
    [lost] = [one for one in TROUBLES["troubles"] if one["kind"] == "records_lost"]
    found = read_gaps(said[0])["records"]
    [gap] = found["open"]
    assert [gap["first"], gap["last"]] == lost["expected"]["missing_records"]
    assert (gap["source"], f"{gap['source']}/{gap['before']}") == (lost["source"], lost["file"])
    assert found["repeated"] == found["late"] == []
    assert {one["source"] for one in found["nodes"]} == {"pgw1", "pgw2"}
    assert "Missing records: pgw2/" in said[1]


def test_files_and_totals_are_as_planted(
    read: Callable[[str], list[dict[str, Any]]],
) -> None:
    audit = {f"{row['source']}/{row['name']}": row for row in read("audit")}
    totals = TROUBLES["totals"]
    states = Counter(row["state"] for row in audit.values())
    assert states["duplicate"] == totals["duplicate_files"]
    assert len(audit) == totals["files"]
    assert sum(row["records_suspended"] for row in audit.values()) == totals["records_suspended"]
    assert sum(row["records_duplicate"] for row in audit.values()) == totals["records_duplicate"]
    for file in TROUBLES["files"]:
        row = audit[file["file"]]
        if row["state"] == "committed":
            assert row["records_read"] == file["records"]
            assert row["filler_bytes"] == file["filler_bytes"]
            assert row["size_bytes"] == file["bytes"]
            assert row["sequence"] == file["sequence"]


@pytest.mark.parametrize(
    "trouble", TROUBLES["troubles"], ids=lambda one: f"{one['kind']}-{Path(one['file']).stem}"
)
def test_each_trouble_ends_as_planted(
    said: tuple[Workspace, str],
    read: Callable[[str], list[dict[str, Any]]],
    trouble: dict[str, Any],
) -> None:
    expected = trouble["expected"]
    [sheet] = [r for r in read("audit") if f"{r['source']}/{r['name']}" == trouble["file"]]
    if "file_state" in expected:
        assert sheet["state"] == expected["file_state"]
        assert sheet["records_read"] == 0
    if "records_suspended" in expected:
        assert sheet["records_suspended"] == expected["records_suspended"]
        assert sheet["filler_bytes"] > 0
    if "missing_sequences" in expected:
        with Ledger(said[0].ledger_file) as ledger:
            missing = [
                number
                for gap in ledger.gaps()
                if gap.source == trouble["source"]
                for number in range(gap.first, gap.last + 1)
            ]
        assert missing == expected["missing_sequences"]
        assert sheet["missing_before"] == 1
    if expected.get("destination") == "assembled":
        becomes_a_call(read, trouble, sheet["file_id"])
    elif "destination" in expected:
        ends_at(read, trouble, sheet["file_id"])


def becomes_a_call(
    read: Callable[[str], list[dict[str, Any]]], trouble: dict[str, Any], file_id: str
) -> None:
    expected = trouble["expected"]
    offsets = {one["offset"] for one in trouble["records"]}
    assert len(offsets) == expected["records"]

    def mine(folder: str) -> list[dict[str, Any]]:
        rows = read(f"billed/cycle=2026-10/{folder}")
        return [r for r in rows if r["file_id"] == file_id and r["offset"] in offsets]

    calls, merged = mine("rated"), mine("unrated")
    assert {row["reason"] for row in merged} <= {"merged"}
    assert {row["offset"] for row in calls + merged} == offsets
    assert [row["quantity"] for row in calls] == (
        [expected["quantity"]] if "quantity" in expected else []
    )
    waiting = sum(row["records_waiting"] for row in read("audit"))
    assert waiting == sum(one["expected"].get("waiting", 0) for one in TROUBLES["troubles"])


def ends_at(
    read: Callable[[str], list[dict[str, Any]]], trouble: dict[str, Any], file_id: str
) -> None:
    expected = trouble["expected"]
    folder = {"rated": "billed/cycle=2026-10/rated", "suspended": "suspense"}.get(
        expected["destination"], "duplicates"
    )
    offsets = {one["offset"] for one in trouble["records"]}
    assert len(offsets) == expected["records"]
    rows = [r for r in read(folder) if r["file_id"] == file_id and r["offset"] in offsets]
    found = {row["offset"] for row in rows}
    if expected["destination"] == "duplicate" and not found:
        # whichever file is read second holds the duplicates
        other = [r["file_id"] for r in read("audit") if r["name"] in trouble["other_file"]]
        rows = [r for r in read(folder) if r["file_id"] in other]
        assert len({row["offset"] for row in rows}) == expected["records"]
        return
    assert found == offsets
    for name in ("stage", "reason"):
        if name in expected:
            assert {row[name] for row in rows} == {expected[name]}
    if "net" in expected:
        assert {str(row["net"]) for row in rows} == {expected["net"]}
