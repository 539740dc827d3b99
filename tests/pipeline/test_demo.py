"""The demo as a person sees it, and the planted troubles of its files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from pipeline.demo import demo
from pipeline.ledger.store import Ledger
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
        "an example bill",
        "reports/explain-2026-10.txt",
    ):
        assert words in text
    assert (said[0].reports / "bill-2026-10.html").stat().st_size > 2000
    assert "Charge, CNY" in (said[0].reports / "explain-2026-10.txt").read_text(encoding="utf-8")


def test_a_second_time_there_is_nothing_to_do_and_no_byte_changes(
    said: tuple[Workspace, str],
) -> None:
    def everything() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in said[0].root.rglob("*") if p.is_file()}

    before = everything()
    assert "Nothing to do" in played(said[0].root)
    assert everything() == before


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
