from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.arrow import micros
from pipeline.batch import accounting
from pipeline.billing.bill import bill
from pipeline.cli.main import main
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.operate import operate_recycle, operate_run, operate_write_off
from pipeline.suspense import correct, journal
from pipeline.suspense.corrections import Wanted, corrections, parse_wanted
from pipeline.suspense.journal import Filter, read_history, read_suspense
from pipeline.suspense.recycle import recycle
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.status import read_status
from tests.pipeline.parted import cut_call
from tests.pipeline.world import ledger_rows, make_workspace, published
from traffic.nodes import write_node_file

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace


def read(workspace: Workspace, folder: str) -> pa.Table:
    tables = [pq.read_table(path) for path in sorted((workspace.root / folder).rglob("*.parquet"))]
    return pa.concat_tables(tables) if tables else pa.table({})


def configure(workspace: Workspace, text: str) -> None:
    path = workspace.config_file
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def unconfigure(workspace: Workspace, text: str) -> None:
    path = workspace.config_file
    path.write_text(path.read_text(encoding="utf-8").replace(text, ""), encoding="utf-8")


def hide_subscribers(workspace: Workspace, every: int) -> Path:
    """Lets some subscribers begin too late; returns where all of them are right."""
    folder = workspace.root / "subscribers"
    real = folder.resolve()
    folder.unlink()
    shutil.copytree(real, folder)
    file = folder / "subscribers.csv"
    head, *rows = file.read_text(encoding="utf-8").splitlines()
    begin = head.split(",").index("valid_from")
    for at in range(0, len(rows), every):
        cells = rows[at].split(",")
        if cells[-1] or sum(row.startswith(cells[0]) for row in rows) > 1:
            continue  # has a history that must stay in one piece
        cells[begin] = "2031-01-01"
        rows[at] = ",".join(cells)
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return real


def show_subscribers(workspace: Workspace, real: Path) -> None:
    shutil.rmtree(workspace.root / "subscribers")
    (workspace.root / "subscribers").symlink_to(real)


def billed(workspace: Workspace) -> dict[str, str]:
    bill(workspace, threads=2)
    return published(workspace.root, "billed")


def balance(workspace: Workspace) -> dict[str, dict[str, int]]:
    """Returns by file what the sheets say where its records are now."""
    found: dict[str, dict[str, int]] = {}
    for row in read(workspace, "audit").to_pylist():
        if row["state"] in {"duplicate", "carried"}:
            continue
        mine = found.setdefault(row["name"], {})
        moved = row["state"] in {"recycled", "written_off"}
        for name in (
            "rated",
            "suspended",
            "not_charged",
            "duplicate",
            "discarded",
            "merged",
            "waiting",
        ):
            mine[name] = mine.get(name, 0) + row[f"records_{name}"]
        mine["read"] = mine.get("read", 0) + row["records_read"] * (not moved)
        mine["read"] += (row["records_read"] - row["known_records"]) * moved
        mine["suspended"] -= row["known_records"] * moved
    for mine in found.values():
        assert mine["read"] == sum(count for name, count in mine.items() if name != "read")
        assert all(count >= 0 for count in mine.values())
    return found


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> tuple[Workspace, Path]:
    """A workspace that has run without some subscribers, and where all of them are."""
    workspace = make_workspace(tmp_path_factory.mktemp("recycle") / "late", traffic)
    real = hide_subscribers(workspace, 5)
    operate_run(workspace)
    return workspace, real


def copied(workspace: Workspace, target: Path) -> Workspace:
    shutil.copytree(workspace.root, target, symlinks=True)
    return type(workspace)(target)


def test_events_of_late_subscribers_are_rated_and_the_bill_is_as_if_they_had_been_there(
    undisturbed: Workspace, late: tuple[Workspace, Path], tmp_path: Path
) -> None:
    workspace = copied(late[0], tmp_path / "ws")
    before = read_suspense(workspace).open
    assert before.count > 100
    assert {row["reason"] for row in before.sums()} >= {"unknown_subscriber"}
    show_subscribers(workspace, late[1])
    result = operate_recycle(workspace, Filter(Wanted({"reason": "unknown_subscriber"})))
    assert result.batch == "batch-000002"
    assert result.items["rated"] > 100
    after = read_suspense(workspace)
    assert not after.open.where(Filter(Wanted({"reason": "unknown_subscriber"}))).count
    assert after.count == before.count
    ended = after.where(Filter(Wanted({"state": "recycled"})))
    assert ended.count == result.taken - sum(result.reasons.values())
    assert billed(workspace) == published(undisturbed.root, "billed")
    total = {
        name: sum(one[name] for one in balance(workspace).values()) for name in ("read", "rated")
    }
    whole = {
        name: sum(one[name] for one in balance(undisturbed).values()) for name in ("read", "rated")
    }
    assert total == whole
    rated = read(workspace, "rated")
    assert (
        sum(row["net"] for row in read(workspace, "audit").to_pylist())
        == pc.sum(rated.column("net")).as_py()
    )


def test_no_event_counts_twice_after_recycling(
    undisturbed: Workspace, late: tuple[Workspace, Path], tmp_path: Path
) -> None:
    workspace = copied(late[0], tmp_path / "ws")
    show_subscribers(workspace, late[1])
    operate_recycle(workspace)
    rated, names = read(workspace, "rated"), ["file_id", "offset", "container"]
    rows = pl.DataFrame(
        rated.select(names).cast(
            pa.schema([pa.field("file_id", pa.string()), *list(rated.select(names[1:]).schema)])
        )
    )
    assert rows.unique().height == rows.height == read(undisturbed, "rated").num_rows
    assert not any((workspace.root / "keys").rglob("batch-000002*"))


def test_recycling_whose_money_does_not_tie_changes_nothing(
    late: tuple[Workspace, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace = copied(late[0], tmp_path / "ws")
    show_subscribers(workspace, late[1])
    before = published(workspace.root)
    monkeypatch.setattr(accounting, "micros", lambda column: micros(column) + 1)
    with pytest.raises(SystemExit) as stop:
        main(["suspense", "recycle", "-w", str(workspace.root)])
    assert stop.value.code == 4
    assert "money: files sum to" in capsys.readouterr().err
    assert published(workspace.root) == before
    monkeypatch.undo()
    assert operate_recycle(workspace).batch == "batch-000002"


def test_what_is_open_is_known_without_reading_the_whole_journal(
    late: tuple[Workspace, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "NOTED_EVERY", 1)
    workspace = copied(late[0], tmp_path / "ws")

    def holds() -> int:
        with Ledger(workspace.ledger_file) as ledger:
            found = journal.read_open(workspace, ledger)
            assert found.table.equals(journal.read_items(workspace, ledger).open.table)
            journal.keep_open(workspace, ledger, found)
        return found.count

    count = holds()
    note = workspace.reports / journal.NOTE
    assert note.stat().st_mode & 0o777 == 0o600
    kept = note.read_bytes()
    assert holds() == count
    show_subscribers(workspace, late[1])
    operate_recycle(workspace)
    assert note.read_bytes() != kept
    assert holds() < count
    rollback(workspace, "batch-000002", "2026-11-01T00:00:00+00:00")
    assert holds() == count
    note.write_bytes(b"broken")
    assert holds() == count


def test_recycling_again_is_a_no_op_until_something_changes(
    late: tuple[Workspace, Path], tmp_path: Path
) -> None:
    workspace = copied(late[0], tmp_path / "ws")
    first = operate_recycle(workspace)
    assert first.items == {"suspended": first.taken}
    attempts = read_suspense(workspace).open.table["attempts"]
    assert attempts.min() == 2
    before = published(workspace.root)
    again = operate_recycle(workspace)
    assert (again.batch, again.taken, again.unchanged) == (None, 0, first.taken)
    assert published(workspace.root) == before
    forced = operate_recycle(workspace, again=True)
    assert forced.taken == first.taken
    show_subscribers(workspace, late[1])
    assert operate_recycle(workspace).items["rated"] > 100


def test_a_file_of_a_source_that_is_gone_is_read_by_the_format_it_had(tmp_path: Path) -> None:
    """Most of its lines are no records, so nobody could tell the format from the file."""
    workspace = make_workspace(tmp_path / "ws")
    path = workspace.root / "incoming" / "vas1" / "vas1_000001.csv"
    write_node_file("content_csv", 12, 3, path, distinct=12)
    lines = path.read_text(encoding="utf-8").splitlines()
    broken = [line.split(",")[0] + ",?" if 1 <= at <= 10 else line for at, line in enumerate(lines)]
    path.write_text("\n".join(broken) + "\n", encoding="utf-8")
    operate_run(workspace)
    waiting = read_suspense(workspace).open.table.height
    assert waiting >= 10
    config = workspace.config_file
    sources = config.read_text(encoding="utf-8").split("[[source]]")
    config.write_text(
        "[[source]]".join(one for one in sources if 'name = "vas1"' not in one), encoding="utf-8"
    )
    again = operate_recycle(workspace, again=True)
    assert again.items == {"suspended": waiting}


def test_a_trial_says_what_would_happen_and_changes_nothing(
    late: tuple[Workspace, Path], tmp_path: Path
) -> None:
    workspace = copied(late[0], tmp_path / "ws")
    show_subscribers(workspace, late[1])
    files, rows = published(workspace.root), ledger_rows(workspace.root)
    trial = recycle(workspace, dry=True, again=True)
    assert published(workspace.root) == files
    assert ledger_rows(workspace.root) == rows
    assert not workspace.staging.exists()
    real = operate_recycle(workspace)
    assert trial.batch is None
    assert (trial.items, trial.net, trial.taken) == (real.items, real.net, real.taken)


def test_records_that_validation_stopped_go_on_when_its_limit_changes(
    undisturbed: Workspace, traffic: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic)
    limit = "\n[validation]\nlongest_call = 200\n"
    configure(workspace, limit)
    operate_run(workspace)
    stopped = read_suspense(workspace).open.where(Filter(Wanted({"stage": "validate"})))
    assert stopped.count > 50
    unconfigure(workspace, limit)
    result = operate_recycle(workspace, Filter(Wanted({"stage": "validate"})))
    assert result.taken == stopped.count
    assert not read_suspense(workspace).open.where(Filter(Wanted({"stage": "validate"}))).count
    assert billed(workspace) == published(undisturbed.root, "billed")
    assert {name: one["read"] for name, one in balance(workspace).items()} == {
        name: one["read"] for name, one in balance(undisturbed).items()
    }


def numbers_seen(workspace: Workspace) -> dict[str, int]:
    """Returns how many running numbers of records have come, by source."""
    with Ledger(workspace.ledger_file) as ledger:
        return dict(
            ledger.rows("SELECT source, sum(last - first + 1) FROM record_ranges GROUP BY source")
        )


def test_a_whole_file_that_could_not_be_read(
    undisturbed: Workspace, traffic: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    for file in sorted(traffic.rglob("*.ber")):
        target = workspace.root / "incoming" / file.parent.name / file.name
        data = file.read_bytes()
        packed = file.name.startswith(("msc2", "pgw1"))
        target.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    limit = "\nmax_unpacked_bytes = 1000\n"
    path = workspace.config_file
    path.write_text(
        path.read_text(encoding="utf-8").replace("[run]", f"[run]{limit}"), encoding="utf-8"
    )
    operate_run(workspace)
    items = read_suspense(workspace).open.where(Filter(Wanted({"stage": "frame"})))
    assert items.count == sum(len(list(traffic.rglob(f"{name}*.ber"))) for name in ("msc2", "pgw1"))
    assert read_status(workspace)["files"]["suspended"] == items.count
    assert numbers_seen(workspace).keys() == {"pgw2"}
    unconfigure(workspace, limit)
    result = operate_recycle(workspace)
    assert numbers_seen(workspace) == numbers_seen(undisturbed)
    assert read_status(workspace)["files"]["suspended"] == 0
    assert result.items["rated"] >= items.count
    assert read(workspace, "rated").num_rows == read(undisturbed, "rated").num_rows
    counts = balance(workspace)
    assert sum(one["rated"] for one in counts.values()) == sum(
        one["rated"] for one in balance(undisturbed).values()
    )
    rollback(workspace, "batch-000002", "2026-11-01T00:00:00+00:00")
    assert read_status(workspace)["files"]["suspended"] == items.count
    assert numbers_seen(workspace).keys() == {"pgw2"}
    operate_write_off(workspace, Filter(Wanted({"stage": "frame"})), "sent again by post")
    assert read_status(workspace)["files"]["suspended"] == 0


def test_pieces_between_records_go_back_as_they_are(traffic: Path, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    first, second = (file.read_bytes() for file in sorted(traffic.rglob("msc1_*.ber"))[:2])
    name = "msc1_000001_garbled.ber"
    (workspace.root / "incoming" / "msc1" / name).write_bytes(first + b"\x07" * 300 + second)
    operate_run(workspace)
    items = read_suspense(workspace).open.where(Filter(Wanted({"stage": "frame"})))
    assert items.table["length"].sum() >= 300
    before = balance(workspace)
    result = operate_recycle(workspace, Filter(Wanted({"stage": "frame"})))
    assert result.items == {"suspended": items.count}
    assert balance(workspace) == before
    assert read_suspense(workspace).open.names() == items.names()


@pytest.mark.parametrize("written_off", [False, True])
def test_a_call_in_parts_that_nobody_owned_any_more(tmp_path: Path, *, written_off: bool) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    parts = cut_call(40_000, [900, 1_800, 77], reference=900)
    name = "msc1_000001_202610010000.ber"
    (workspace.root / "incoming" / "msc1" / name).write_bytes(parts[0] + parts[1])
    assert operate_run(workspace).destinations["waiting"] == 2
    real = hide_subscribers(workspace, 1)
    assert operate_run(workspace, flush_partials=True).destinations["suspended"] == 1
    show_subscribers(workspace, real)
    if written_off:
        batch, count = operate_write_off(workspace, Filter(), "test call")
        assert (batch, count) == ("batch-000003", 1)
        bill(workspace, "2026-10")
        assert not list((workspace.root / "billed").rglob("rated/*.parquet"))
        return
    result = operate_recycle(workspace)
    assert (result.taken, result.items) == (1, {"rated": 1})
    [row] = read(workspace, "rated").to_pylist()
    assert row["quantity"] == 2_700
    bill(workspace, "2026-10")
    final = pq.read_table(workspace.root / "billed/cycle=2026-10/rated").to_pylist()
    assert [one["net"] for one in final] == [row["net"]]


def correction(workspace: Workspace, number: int) -> None:
    correct.add(
        workspace,
        ["reason=unknown_subscriber", "service=voice"],
        [f"served_msisdn=+{number}", "served_imsi=none"],
        "numbers lost in the switch",
    )


def test_a_correction_is_applied_kept_and_billed(
    late: tuple[Workspace, Path], tmp_path: Path
) -> None:
    workspace = copied(late[0], tmp_path / "ws")
    rated = read(workspace, "rated")
    number = rated.column("served_msisdn")[0].as_py()
    correction(workspace, number)
    waiting = read_suspense(workspace).open.where(Filter(Wanted({"state": "recycling"})))
    assert waiting.count > 100
    result = operate_recycle(workspace)
    assert result.items["rated"] > 10
    assert result.corrected >= result.items["rated"]
    changed = read(workspace, "corrected").to_pylist()
    assert {row["field"] for row in changed} == {"served_msisdn", "served_imsi"}
    assert all(row["before"] != row["after"] for row in changed)
    bill(workspace, threads=2)
    final = pq.read_table(next((workspace.root / "billed").rglob("rated")).parent / "rated")
    mine = final.filter(pc.equal(final.column("served_msisdn"), number))
    assert (
        mine.num_rows
        == read(workspace, "rated")
        .filter(pc.equal(read(workspace, "rated").column("served_msisdn"), number))
        .num_rows
    )
    name = waiting.names()[0]
    history = read_history(workspace, *name)
    assert history.raw
    assert history.rows[0]["state"] == "suspended"


def test_what_is_written_off_is_never_billed(late: tuple[Workspace, Path], tmp_path: Path) -> None:
    workspace = copied(late[0], tmp_path / "ws")
    wanted = Filter(Wanted({"reason": "unknown_subscriber"}))
    count = read_suspense(workspace).open.where(wanted).count
    bill(workspace, threads=2)
    rated = pq.read_table(workspace.root / "billed/cycle=2026-10/rated").num_rows
    batch, written = operate_write_off(workspace, wanted, "test numbers")
    assert batch == "batch-000002"
    assert written >= count
    show_subscribers(workspace, late[1])
    bill(workspace, threads=2)
    assert pq.read_table(workspace.root / "billed/cycle=2026-10/rated").num_rows == rated
    balance(workspace)
    states = read_suspense(workspace).sums("state")
    assert any(row["state"] == "written_off" and row["count"] == written for row in states)
    assert operate_write_off(workspace, wanted, "again") == (None, 0)


def test_wrong_corrections_say_what_is_allowed(undisturbed: Workspace) -> None:
    for where, values, message in (
        (["reasn=x"], ["duration=1"], "no field 'reasn'"),
        (["reason=x"], ["duratoin=1"], "did you mean 'duration'"),
        (["reason=x"], ["duration=long"], "does not fit int64"),
        (["reason=x"], ["service=vioce"], "did you mean 'voice'"),
        (["reason=x"], ["start_time=2026-10-01"], "does not fit timestamp"),
        (["reason=x"], [], "at least one field"),
        ([], ["duration=1"], "which items"),
        (["reason"], ["duration=1"], "name=value"),
    ):
        with pytest.raises(UsageError) as caught:
            correct.add(undisturbed, where, values, "because")
        assert message in str(caught.value)
    with pytest.raises(UsageError, match="needs a reason"):
        correct.add(undisturbed, ["reason=x"], ["duration=1"], " ")
    assert parse_wanted(["reason=x", "trunk_in=T1"]).of_events == {"trunk_in": "T1"}
    with Ledger(undisturbed.ledger_file) as ledger:
        assert corrections(ledger) == []
