from __future__ import annotations

import gzip
import os
import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mediation.decoder import decode_chunk
from pipeline.batch import chain
from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.errors import EditedError, Exit, ReconciliationError, UsageError
from pipeline.ledger.store import Ledger
from tariffs import load_book
from tariffs.errors import BookError
from tests.pipeline.world import FILES, RECORDS, deliver, make_workspace, own_book, published

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.workspace import Workspace
    from tariffs.model import Book


def read(workspace: Workspace, folder: str) -> pa.Table:
    tables = [pq.read_table(path) for path in sorted((workspace.root / folder).rglob("*.parquet"))]
    return pa.concat_tables(tables)


def test_every_record_has_one_destination_and_every_sheet_closes(undisturbed: Workspace) -> None:
    audit = read(undisturbed, "audit").to_pylist()
    assert sum(row["records_read"] for row in audit) == RECORDS
    ends = ("rated", "not_charged", "suspended", "duplicate", "discarded", "merged", "waiting")
    for row in audit:
        assert row["records_read"] == sum(row[f"records_{end}"] for end in ends)
        assert row["events_read"] == sum(row[f"events_{end}"] for end in ends)
        assert row["size_bytes"] == sum(
            row[f"{kind}_bytes"] for kind in ("header", "record", "filler", "unframed")
        )
    rated = read(undisturbed, "rated")
    assert sum(row["net"] for row in audit) == pc.sum(rated.column("net")).as_py()
    assert sum(row["events_rated"] for row in audit) == rated.num_rows


def test_bills_tie_to_rated_records(undisturbed: Workspace) -> None:
    billed = undisturbed.root / "billed" / "cycle=2026-10"
    rated, lines, bills = (
        pa.concat_tables([pq.read_table(path) for path in sorted((billed / name).glob("*"))])
        for name in ("rated", "bill_lines", "bills")
    )
    usage = lines.filter(pc.equal(lines.column("kind").cast(pa.string()), "usage"))
    assert pc.sum(rated.column("net")).as_py() == pc.sum(usage.column("net")).as_py()
    assert pc.sum(lines.column("amount")).as_py() == pc.sum(bills.column("total")).as_py()


@pytest.mark.parametrize("threads", [1, 5])
def test_the_bytes_do_not_depend_on_threads(
    undisturbed: Workspace, traffic: Path, tmp_path: Path, threads: int
) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic)
    run(workspace, threads=threads)
    bill(workspace, threads=threads)
    assert published(workspace.root) == published(undisturbed.root)


def test_bills_do_not_depend_on_batches_or_order_of_arrival(
    undisturbed: Workspace, traffic: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", None, chunk=1024)
    files = sorted(traffic.rglob("*.ber"))
    random.Random(5).shuffle(files)
    for file in files:
        deliver(workspace.root, [file])
        assert run(workspace, threads=2).batch is not None
    bill(workspace, threads=1)
    assert published(workspace.root, "billed") == published(undisturbed.root, "billed")


def test_a_second_run_changes_no_byte(undisturbed: Workspace) -> None:
    def everything() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in undisturbed.root.rglob("*") if p.is_file()}

    before = everything()
    assert run(undisturbed).batch is None
    assert bill(undisturbed).batch is None
    assert everything() == before


def test_a_file_sent_twice_is_read_once(traffic: Path, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    file = min(traffic.rglob("msc1_*.ber"))
    deliver(workspace.root, [file])
    first = run(workspace)
    folder = workspace.root / "incoming" / "msc1"
    (folder / "msc1_000009_again.ber").write_bytes(file.read_bytes())
    again = run(workspace)
    assert again.batch == "batch-000002"
    assert again.read == 0
    assert again.files["duplicate"] == 1
    audit = read(workspace, "audit").to_pylist()
    assert [row["state"] for row in audit] == ["committed", "carried", "duplicate"]
    assert audit[2]["file_id"] == audit[0]["file_id"]
    assert read(workspace, "edr").num_rows == first.total.events.read
    assert [(gap.first, gap.last) for gap in again.gaps] == [(2, 8)]


def test_records_told_again_in_a_later_batch_are_duplicates(traffic: Path, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    first, second = sorted(traffic.rglob("msc1_*.ber"))[:2]
    deliver(workspace.root, [first])
    read_first = run(workspace).read
    both = workspace.root / "incoming" / "msc1" / "msc1_000002_both.ber"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    result = run(workspace)
    assert result.total.records.duplicate == read_first
    assert result.read > read_first
    duplicates = read(workspace, "duplicates")
    assert duplicates.num_rows == result.total.events.duplicate


def damaged(traffic: Path) -> dict[str, bytes]:
    good = min(traffic.rglob("msc2_*.ber")).read_bytes()
    packed = gzip.compress(good, mtime=0)
    return {
        "empty": b"",
        "random": random.Random(1).randbytes(5000),
        "truncated_gzip": packed[: len(packed) // 2],
        "corrupt_gzip": packed[:500] + b"\xff" * 50 + packed[550:],
        "cut": good[: len(good) // 2 + 3],
        "gzip": packed,
    }


def test_records_that_a_file_declares_and_nobody_found_count_as_suspended(
    traffic: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic)
    text = workspace.config_file.read_text(encoding="utf-8")
    text = text.replace('framing = "ts32297"', 'framing = "ts32297"\ncdr_header_octets = 9')
    text = text.replace("suspense_threshold_percent = 1.0", "suspense_threshold_percent = 5.0")
    workspace.config_file.write_text(text, encoding="utf-8")
    result = run(workspace)
    pieces = result.destinations["suspended"]
    assert 0 < pieces < result.read / 20  # each as long as a file
    assert sum("0 were found" in note for notes in result.notes.values() for note in notes) > 1
    assert result.exit_code is Exit.SUSPENSE


def test_damaged_files_are_suspended_and_the_others_go_on(traffic: Path, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    for name, data in damaged(traffic).items():
        (workspace.root / "incoming" / "msc2" / f"msc2_{name}.ber").write_bytes(data)
    result = run(workspace)
    assert result.exit_code is Exit.SUSPENSE
    rows = {row["name"]: row for row in read(workspace, "audit").to_pylist()}
    faults = {name: row["fault"] for name, row in rows.items()}
    assert faults["msc2_empty.ber"] == "empty_file"
    assert faults["msc2_truncated_gzip.ber"] == "truncated_gzip"
    assert faults["msc2_corrupt_gzip.ber"] == "corrupt_gzip"
    assert faults["msc2_gzip.ber"] is None
    assert rows["msc2_gzip.ber"]["records_read"] > rows["msc2_cut.ber"]["records_read"] > 0
    assert rows["msc2_cut.ber"]["unframed_bytes"] > 0
    suspense = read(workspace, "suspense")
    owners = set(suspense.column("file_id").to_pylist())
    for name in ("empty", "random", "truncated_gzip", "corrupt_gzip", "cut"):
        assert rows[f"msc2_{name}.ber"]["file_id"] in owners
    with Ledger(workspace.ledger_file) as ledger:
        assert len(ledger.files("suspended")) >= 3


def test_a_sheet_that_does_not_close_stops_the_commit(
    traffic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = decode_chunk

    def loses_one(*arguments: object) -> object:
        decoded = real(*arguments)  # type: ignore[arg-type]
        return type(decoded)(
            **{
                name: getattr(decoded, name)
                for name in decoded.__dataclass_fields__
                if name != "edr"
            },
            edr=decoded.edr.slice(0, decoded.edr.num_rows - 1),
        )

    workspace = make_workspace(tmp_path / "ws", traffic)
    monkeypatch.setattr(chain, "decode_chunk", loses_one)
    with pytest.raises(ReconciliationError, match=r"records: read .* accounted for"):
        run(workspace)
    assert not (workspace.root / "edr").exists()
    assert not workspace.staging.exists()
    monkeypatch.undo()
    assert run(workspace).batch == "batch-000001"


def test_a_broken_book_keeps_the_files_for_the_next_run(traffic: Path, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic, take="move")
    book = workspace.root / "book"
    shop = book.resolve()
    book.unlink()
    book.mkdir()
    (book / "book.yaml").write_text("name: broken\n", encoding="utf-8")
    with pytest.raises(BookError):
        run(workspace)
    assert not workspace.staging.exists()
    assert len(list((workspace.root / "incoming").rglob("*.ber"))) == FILES, "nothing is committed"
    (book / "book.yaml").unlink()
    book.rmdir()
    book.symlink_to(shop)
    assert run(workspace).read == RECORDS
    assert not list((workspace.root / "incoming").rglob("*.ber"))


def test_an_unreadable_file_stays_and_the_run_says_try_again(
    traffic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic)
    real: Callable[..., int] = os.readv
    victim = min((workspace.root / "incoming").rglob("msc3_*.ber")).stat().st_ino

    def refuses(handle: int, buffers: list[bytearray]) -> int:
        if os.fstat(handle).st_ino == victim:
            raise PermissionError(13, "Permission denied")
        return real(handle, buffers)

    monkeypatch.setattr(os, "readv", refuses)
    result = run(workspace)
    assert result.exit_code is Exit.TEMPORARY
    assert "msc3/" in result.refused[0]
    monkeypatch.undo()
    later = run(workspace)
    assert result.read + later.read == RECORDS


def test_which_cycle_is_billed_must_be_clear(undisturbed: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no events in cycle '2026-12'"):
        bill(undisturbed, "2026-12")
    with pytest.raises(UsageError, match="no events to bill"):
        bill(make_workspace(tmp_path / "ws", None))


def test_new_events_are_billed_in_place_of_the_old_bills(traffic: Path, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    files = sorted(traffic.rglob("*.ber"))
    deliver(workspace.root, files[:5])
    run(workspace)
    first = bill(workspace)
    deliver(workspace.root, files[5:])
    run(workspace)
    second = bill(workspace)
    assert (first.batch, second.batch) == ("bill-2026-10-0001", "bill-2026-10-0002")
    assert second.summary["events"] > first.summary["events"]
    with Ledger(workspace.ledger_file) as ledger:
        paths = {output.path for output in ledger.outputs("billed/")}
    assert paths == set(published(workspace.root, "billed"))


def test_every_row_names_the_book_and_a_batch_goes_on_with_what_it_has_read(
    traffic: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    plan = own_book(workspace) / "plans" / "easy.yaml"
    seen = []
    for file in sorted(traffic.rglob("msc1_*.ber"))[:2]:
        seen.append(load_book(workspace.root / "book").digest)
        deliver(workspace.root, [file])
        assert run(workspace).batch is not None
        plan.write_text(plan.read_text() + "# edited\n")
    tables = [pq.read_table(path) for path in (workspace.root / "rated").rglob("*.parquet")]
    named = [set(table.column("book_digest").cast(pa.string()).to_pylist()) for table in tables]
    assert all(len(one) == 1 for one in named)
    assert set.union(*named) == set(seen)
    assert len(set(seen)) == 2


def test_a_book_edited_while_it_is_read_is_not_billed(
    traffic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    deliver(workspace.root, [min(traffic.rglob("msc1_*.ber"))])
    run(workspace)
    plan = own_book(workspace) / "plans" / "easy.yaml"

    def edited(folder: Path) -> Book:
        book = load_book(folder)
        plan.write_text(plan.read_text() + "# edited\n")
        return book

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.billing.rerate.load_book", edited)
        with pytest.raises(EditedError, match="changed while they were read") as caught:
            bill(workspace)
    assert caught.value.exit_code is Exit.TEMPORARY
    assert not (workspace.root / "billed").exists()
    assert bill(workspace).batch is not None
