"""Calls that come in parts: charged once, whatever order and batches the parts come in."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.errors import UsageError
from pipeline.explain import explain
from pipeline.ledger.store import Ledger
from pipeline.upkeep.status import read_status
from tests.pipeline.parted import DAY, charging_record, cut_call, record, session_record
from tests.pipeline.world import make_workspace, published

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.workspace import Workspace

ENDS = ("rated", "not_charged", "suspended", "duplicate", "discarded", "merged", "waiting")


def put(workspace: Workspace, number: int, records: list[bytes], source: str = "msc1") -> None:
    name = f"{source}_{number:06d}_202610010000.ber"
    (workspace.root / "incoming" / source / name).write_bytes(b"".join(records))


def table(workspace: Workspace, folder: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted((workspace.root / folder).rglob("*.parquet")):
        rows += pq.read_table(path).to_pylist()
    return rows


def billed(workspace: Workspace, cycle: str = "2026-10") -> list[dict[str, Any]]:
    rows = table(workspace, f"billed/cycle={cycle}/rated")
    return sorted(rows, key=lambda row: row["start_time"])


def name(row: dict[str, Any]) -> str:
    return f"{row['file_id']}:{row['offset']}:{row['container']}"


def check_audit(workspace: Workspace) -> None:
    """Every sheet closes, batches hand on what waits, and the money is that of the rated rows."""
    rows = table(workspace, "audit")
    waiting = 0
    for batch in sorted({row["batch"] for row in rows}):
        mine = [row for row in rows if row["batch"] == batch]
        carried = sum(row["records_read"] for row in mine if row["state"] == "carried")
        assert carried == waiting
        waiting = sum(row["records_waiting"] for row in mine)
        for row in mine:
            assert row["records_read"] == sum(row[f"records_{end}"] for end in ENDS)
            assert row["events_read"] == sum(row[f"events_{end}"] for end in ENDS)
    rated = table(workspace, "rated")
    assert sum(row["net"] for row in rows) == sum(row["net"] for row in rated)
    assert sum(row["events_rated"] for row in rows) == len(rated)


TALK = 11 * DAY + 10 * 3_600
"""A weekday, where a call has a connect fee; it outlasts the allowance of 60 minutes."""

CALLS = [
    cut_call(TALK, [1_800, 4_800, 700], 1),
    cut_call(2 * DAY + 22 * 3_600 + 3_000, [600, 1_200, 61], 2),
    cut_call(5 * DAY, [60, 60], 3, last=4),
    # begins in October, ends in November
    cut_call(31 * DAY - 900, [600, 600, 600], 4),
]
WHOLE = [
    record(TALK, 7_300, reference=1),
    record(2 * DAY + 22 * 3_600 + 3_000, 1_861, reference=2),
    record(5 * DAY, 120, cause=4, reference=3),
    record(31 * DAY - 900, 1_800, reference=4),
]
CHARGES = ("start_time", "quantity", "charged_units", "band", "connect_fee", "usage_charge", "net")


def charges(workspace: Workspace) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in CHARGES) for row in billed(workspace)]


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    workspace = make_workspace(tmp_path_factory.mktemp("ws") / "uncut", None)
    put(workspace, 1, WHOLE)
    run(workspace)
    bill(workspace, "2026-10")
    return charges(workspace)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_bill_from_any_split(
    tmp_path: Path, uncut: list[tuple[Any, ...]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    workspace = make_workspace(tmp_path / "ws", None, chunk=1024)
    parts = [part for call in CALLS for part in call]
    order = rng.permutation(len(parts))
    edges = sorted({0, len(parts), *rng.integers(1, len(parts), seed).tolist()})
    for number, (begin, end) in enumerate(pairwise(edges), 1):
        put(workspace, number, [parts[at] for at in order[begin:end]])
        run(workspace, threads=1 + seed % 2)
        check_audit(workspace)
    bill(workspace, "2026-10")
    assert charges(workspace) == uncut
    assert len(uncut) == 4
    merged = [
        r for r in table(workspace, "billed/cycle=2026-10/unrated") if r["reason"] == "merged"
    ]
    november = sum(r["start_time"].isoformat() >= "2026-10-31T16" for r in merged)
    assert (len(merged), november) == (6, 0)
    bill(workspace, "2026-11")
    rows = table(workspace, "billed/cycle=2026-11/unrated")
    assert [row["reason"] for row in rows] == ["merged"]
    assert billed(workspace, "2026-11") == []


def test_a_call_in_one_batch_is_rated_at_once(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    put(workspace, 1, CALLS[0])
    result = run(workspace)
    assert result.destinations == Counter(rated=1, merged=2) | dict.fromkeys(
        ("not_charged", "suspended", "duplicate", "discarded", "waiting"), 0
    )
    [row] = table(workspace, "rated")
    assert row["quantity"] == 7_300
    assert row["connect_fee"] > 0
    check_audit(workspace)


def test_parts_wait_for_each_other_and_status_says_so(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    first, second, third = CALLS[0]
    put(workspace, 1, [first])
    assert run(workspace).destinations["waiting"] == 1
    waiting = read_status(workspace)["partials"]
    assert (waiting["records"], waiting["calls"]) == (1, 1)
    assert waiting["oldest"] == "2026-10-12T10:00:00+08:00"
    put(workspace, 2, [third])
    result = run(workspace)
    assert (result.read, result.carried, result.destinations["waiting"]) == (1, 1, 2)
    put(workspace, 3, [second])
    result = run(workspace)
    assert (result.read, result.carried) == (1, 2)
    assert (result.destinations["rated"], result.destinations["merged"]) == (1, 2)
    assert read_status(workspace)["partials"]["records"] == 0
    check_audit(workspace)
    assert run(workspace, flush_partials=True).batch is None


def test_a_flush_rates_what_there_is_and_a_late_part_pays_no_connect_fee(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    first, second, third = CALLS[0]
    put(workspace, 1, [first, second])
    run(workspace)
    assert run(workspace).batch is None
    assert run(workspace, flush_partials=True).destinations["rated"] == 1
    put(workspace, 2, [third])
    run(workspace)
    run(workspace, flush_partials=True)
    check_audit(workspace)
    early, late = sorted(table(workspace, "rated"), key=lambda row: row["start_time"])
    assert (early["quantity"], late["quantity"]) == (6_600, 700)
    assert early["connect_fee"] > late["connect_fee"] == 0
    bill(workspace, "2026-10")
    [row] = billed(workspace)
    assert row["quantity"] == 7_300


def test_silence_and_length_end_the_wait(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    put(workspace, 1, [CALLS[0][0]])
    run(workspace)
    put(workspace, 2, [record(TALK + DAY + 7_200, 60, reference=9)])
    assert run(workspace).destinations["rated"] == 2
    put(workspace, 3, [record(20 * DAY + n * 43_200, 43_200, n + 1, 1) for n in range(2)])
    assert run(workspace).destinations["rated"] == 1
    check_audit(workspace)


def test_a_bill_puts_together_what_a_file_told_late(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    put(workspace, 1, CALLS[0][1:])
    run(workspace, flush_partials=True)
    bill(workspace, "2026-10")
    [before] = billed(workspace)
    assert (before["quantity"], before["connect_fee"]) == (5_500, 0)
    put(workspace, 2, CALLS[0][:1])
    run(workspace)
    bill(workspace, "2026-10")
    [after] = billed(workspace)
    assert after["quantity"] == 7_300
    assert after["connect_fee"] > 0
    assert bill(workspace, "2026-10").batch is None


def test_parts_told_twice_count_once(tmp_path: Path) -> None:
    results = []
    for turn, first in enumerate(([0, 1, 1, 2], [2, 1, 0, 1])):
        workspace = make_workspace(tmp_path / f"ws{turn}", None)
        put(workspace, 1, [CALLS[0][at] for at in first])
        result = run(workspace)
        assert result.destinations["duplicate"] == 1
        put(workspace, 2, [WHOLE[1], *CALLS[0]])
        assert run(workspace).destinations["duplicate"] == 3
        check_audit(workspace)
        bill(workspace, "2026-10")
        results.append(charges(workspace))
    assert results[0] == results[1]


def test_parts_that_nobody_owns_or_pays_do_not_wait(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    gateway = record(60, 60, 1, 1, kind="outGatewayRecord", reference=7)
    stranger = record(60, 60, 2, 1, imsi=460_009_999_999_999, reference=8)
    put(workspace, 1, [gateway, stranger])
    found = run(workspace).destinations
    assert (found["not_charged"], found["suspended"], found["waiting"]) == (1, 1, 0)
    [row] = table(workspace, "suspense")
    assert row["raw"] == stranger
    summary = bill(workspace, "2026-10").summary
    assert summary["unrated"] == {"direction_not_charged": 1, "unknown_subscriber": 1}
    check_audit(workspace)


def test_the_bytes_do_not_depend_on_threads(tmp_path: Path) -> None:
    found = []
    for threads in (1, 4):
        workspace = make_workspace(tmp_path / f"ws{threads}", None, chunk=1024)
        for number in range(2):
            calls = [
                part
                for n in range(700)
                for part in cut_call(n * 1_000, [60, 70, 80][: 2 + n % 2], 100 + n, n % 7 == 0)
            ]
            put(workspace, number, calls[number::2])
        run(workspace, threads=threads)
        bill(workspace, "2026-10", threads=threads)
        found.append(published(workspace.root))
    assert found[0] == found[1]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_containers_of_a_session_count_once_whatever_records_tell_them(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    """The interim record is sent again, with one more container and another cause."""
    told = [
        session_record(TALK, 1, range(1, 4)),
        session_record(TALK, 1, range(1, 5), cause=16),
        session_record(TALK, 2, range(5, 7), cause=0),
    ]
    workspace = make_workspace(tmp_path / "ws", None)
    for number, at in enumerate(order, 1):
        put(workspace, number, [told[at]], "pgw1")
        run(workspace)
    check_audit(workspace)
    duplicates = sum(row["events_duplicate"] for row in table(workspace, "audit"))
    assert duplicates == 3
    bill(workspace, "2026-10")
    rows = billed(workspace)
    minutes = [(row["start_time"].hour * 60 + row["start_time"].minute) % 60 for row in rows]
    assert minutes == [0, 10, 20, 30, 40, 50]
    assert {row["quantity"] for row in rows} == {11 << 20}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_container_told_again_with_other_volumes_is_charged_once(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    told = [
        session_record(TALK, 1, range(1, 4), times=2),
        session_record(TALK, 1, range(2, 5)),
        session_record(TALK, 2, range(5, 7), cause=0),
    ]
    workspace = make_workspace(tmp_path / "ws", None)
    for number, at in enumerate(order, 1):
        put(workspace, number, [told[at]], "pgw1")
        run(workspace)
    check_audit(workspace)
    summary = bill(workspace, "2026-10").summary
    assert summary["unrated"] == {"told_again": 2}
    rows = billed(workspace)
    assert [row["quantity"] >> 20 for row in rows] == [22, 22, 22, 11, 11, 11]
    kept = {name(row) for row in rows}
    lost = table(workspace, "billed/cycle=2026-10/unrated")
    assert [(row["stage"], row["reason"]) for row in lost] == [("assemble", "told_again")] * 2
    assert all(row["detail"].split(": ")[1].removesuffix(".") in kept for row in lost)
    told_once = explain(workspace, name(rows[1]), unmask=True)
    assert told_once.total == rows[1]["net"]
    with pytest.raises(UsageError, match="already told"):
        explain(workspace, name(lost[0]), unmask=True)


def session_tellings(rng: np.random.Generator, make: Callable[..., bytes]) -> list[bytes]:
    """Returns records of one session of twelve containers, some told again, shorter or with less."""
    edges = sorted({1, 13, *rng.integers(2, 13, 3).tolist()})
    records = []
    for number, (begin, end) in enumerate(pairwise(edges), 1):
        records.append(make(TALK, number, range(begin, end), times=2))
        for _ in range(int(rng.integers(0, 3))):
            until = int(rng.integers(begin, end)) + 1
            cause, times = int(rng.integers(16, 19)), int(rng.integers(1, 3))
            records.append(make(TALK, number, range(begin, until), cause, times))
    return [records[at] for at in rng.permutation(len(records))]


def with_charging_function(workspace: Workspace) -> Workspace:
    """Adds a source of 5G charging records, which the demo operator does not have."""
    with (workspace.root / "huadan.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[source]]\nname = "chf1"\nfolder = "incoming/chf1"\nformat = "3gpp_chf"\n')
    (workspace.root / "incoming" / "chf1").mkdir()
    return type(workspace)(workspace.root)


GATEWAYS = {"pgw1": session_record, "chf1": charging_record}


@pytest.mark.parametrize("source", GATEWAYS)
@pytest.mark.parametrize("seed", range(3))
def test_a_session_costs_the_same_from_any_records(tmp_path: Path, source: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = GATEWAYS[source]
    workspace = with_charging_function(make_workspace(tmp_path / "ws", None))
    told = session_tellings(rng, make)
    edges = sorted({0, len(told), *rng.integers(1, len(told), seed).tolist()})
    for number, (begin, end) in enumerate(pairwise(edges), 1):
        put(workspace, number, told[begin:end], source)
        run(workspace, threads=1 + seed % 2)
    check_audit(workspace)
    bill(workspace, "2026-10")
    whole = with_charging_function(make_workspace(tmp_path / "whole", None))
    put(whole, 1, [make(TALK, 1, range(1, 13), times=2)], source)
    run(whole)
    bill(whole, "2026-10")
    assert charges(workspace) == charges(whole)
    assert len(charges(whole)) == 12
    assert {row["quantity"] for row in billed(whole)} == {22 << 20}


def test_the_bill_run_says_which_records_of_a_session_are_missing(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    put(workspace, 1, [session_record(TALK, 1, range(1, 3))], "pgw1")
    put(workspace, 2, [session_record(TALK, 4, range(7, 9), cause=0)], "pgw1")
    run(workspace)
    assert bill(workspace, "2026-10").summary["missing_session_records"] == 2
    [row] = table(workspace, "billed/cycle=2026-10/session_gaps")
    assert (row["charging_id"], row["first"], row["last"]) == (4_711, 2, 3)


def test_explain_tells_the_call_and_sends_from_a_part_to_it(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    put(workspace, 1, CALLS[0])
    run(workspace)
    bill(workspace, "2026-10")
    [row] = billed(workspace)
    told = explain(workspace, name(row), unmask=True)
    assert told.total == row["net"]
    [part, _] = table(workspace, "billed/cycle=2026-10/unrated")
    with pytest.raises(UsageError, match="is a part of a call") as error:
        explain(workspace, name(part), unmask=True)
    assert name(row) in str(error.value.hint)


def test_the_ledger_keeps_a_sheet_of_what_was_carried_over(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    put(workspace, 1, CALLS[0][:1])
    run(workspace)
    run(workspace, flush_partials=True)
    with Ledger(workspace.ledger_file) as ledger:
        sheets = ledger.sheets()
    assert [sheet.name for sheet in sheets][1:] == ["carried over"]
    assert sheets[1].sheet["records"]["rated"] == 1
