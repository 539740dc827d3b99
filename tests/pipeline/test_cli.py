from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from collectors.digest import digest_of
from pipeline.billing.bill import bill
from pipeline.cli.main import COMMANDS, main
from pipeline.lock import locked
from pipeline.masking import mask_text
from pipeline.operate import operate_run
from tests.pipeline.world import RECORDS, make_workspace

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> Workspace:
    workspace = make_workspace(tmp_path_factory.mktemp("cli") / "ws", traffic)
    operate_run(workspace)
    bill(workspace)
    return workspace


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    output = capsys.readouterr()
    return int(stop.value.code or 0), output.out, output.err


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:  # noqa: ANN401 - whatever was said
    code, out, err = call(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_help_is_fast_and_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from pipeline.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pyarrow', 'numba', 'polars', 'pydantic', 'rich'} & sys.modules.keys()\n"
        "sys.exit(','.join(heavy) or 0)\n"
    )
    best = 9.0
    for _ in range(3):
        begin = time.process_time_ns(), os.times().children_user
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
        )
        best = min(best, os.times().children_user - begin[1])
        assert done.returncode == 0, done.stderr
    assert "bill" in done.stdout
    assert best < 0.6  # 0.2 s on a quiet machine


def test_the_script_leaves_with_the_code_and_all_that_was_said() -> None:
    for arguments, code, said in (("--help", 0, "bill"), ("rnu", 2, "did you mean 'run'?")):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", arguments],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code
        assert said in done.stdout + done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_or_commands(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, out, _ = call(capsys, name, "--help")
    assert code == 0
    assert "Examples:" in out or "Commands:" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "bill", "--html", "{}/nowhere/bill.html"),
        ("tariff", "show", "--html", "{}/nowhere/plans.html"),
        (
            "tariff",
            "calendar",
            "--country",
            "DE",
            "--years",
            "2026",
            "--output",
            "{}/nowhere/days.yaml",
        ),
        ("init", "{}/file/shop"),
        ("init", "{}/" + "x" * 300),
        ("backup", "{}/file/shop"),
        ("backup", "{}/" + "x" * 300),
    ],
)
def test_what_cannot_be_written_is_named(
    arguments: tuple[str, ...],
    billed: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(billed.root)
    given = [argument.format(tmp_path) for argument in arguments]
    if given[:2] == ["show", "bill"]:
        _, out, _ = call(capsys, "show", "bill", "--json")
        given.insert(2, json.loads(out)[0]["account_id"])
    code, _, err = call(capsys, *given)
    assert code == 2, err
    assert f"Error: {given[-1]} cannot be written: " in err


def test_a_new_workspace_on_a_full_disk_is_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(source: Path, target: Path, **_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(target))

    monkeypatch.setattr(shutil, "copy2", full)
    code, _, err = call(capsys, "init", str(tmp_path / "shop"), "--no-traffic")
    assert code == 75, err
    assert err.startswith(f"Error: no space left for {tmp_path}")


def test_a_new_format_on_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, _: str, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_text", full)
    code, _, err = call(capsys, "format", "new", "acme_pbx", "--to", str(tmp_path))
    assert code == 75, err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["rated.parquet", "rated.csv"])
def test_an_export_names_the_published_file_that_is_missing(
    name: str, billed: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = max((billed.root / "rated").rglob("*.parquet"))
    held = gone.rename(tmp_path / "held")
    try:
        code, _, err = call(capsys, "export", "rated", str(tmp_path / name), "-w", str(billed.root))
    finally:
        held.rename(gone)
    assert code == 4, err
    assert f"{gone.relative_to(billed.root)} (missing" in err
    assert list(tmp_path.iterdir()) == []


def test_a_record_beyond_every_file_is_no_record(
    billed: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in ("9" * 20, "\u00b2", "1:" + "9" * 20):
        for command in (("explain",), ("suspense", "show")):
            code, _, err = call(capsys, *command, f"a:{number}", "-w", str(billed.root))
            assert code == 2, err
            assert "is not the name of a record" in err


def test_a_mistyped_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "rnu")
    assert code == 2
    assert "did you mean 'run'?" in err


def test_a_folder_that_is_no_workspace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = call(capsys, "run", "-w", str(tmp_path))
    assert code == 2
    assert "is not a workspace" in err
    assert "Traceback" not in out + err


def test_a_locked_workspace_says_who_works_and_try_again(
    capsys: pytest.CaptureFixture[str], billed: Workspace
) -> None:
    with locked(billed.lock_file, "run"):
        code, _, err = call(capsys, "bill", "-w", str(billed.root))
    assert code == 75
    assert "in use by huadan run" in err


def test_status_tells_batches_and_bills(
    capsys: pytest.CaptureFixture[str], billed: Workspace
) -> None:
    found = answer(capsys, "status", "-w", str(billed.root))
    assert found["batches"][0]["records"] == RECORDS
    assert found["offered"] == 0
    assert found["bills"][0]["cycle"] == "2026-10"
    _, out, _ = call(capsys, "status", "-w", str(billed.root))
    assert "batch-000001" in out


def test_show_bill_lists_prints_and_writes_a_page(
    capsys: pytest.CaptureFixture[str], billed: Workspace, tmp_path: Path
) -> None:
    largest = answer(capsys, "show", "bill", "-w", str(billed.root))
    account = largest[0]["account_id"]
    one = answer(capsys, "show", "bill", account, "-w", str(billed.root))
    assert one["bill"]["total"] == largest[0]["total"]
    page = tmp_path / "bill.html"
    call(capsys, "show", "bill", account, "-w", str(billed.root), "--html", str(page))
    assert one["bill"]["bill_number"] in page.read_text(encoding="utf-8")
    _, out, _ = call(capsys, "show", "bill", account, "-w", str(billed.root))
    assert one["bill"]["bill_number"] in out
    several = len({line["subscriber_id"] for line in one["lines"]} - {None}) > 1
    assert ("subscriber" in out) == several
    code, _, err = call(capsys, "show", "bill", account + "x", "-w", str(billed.root))
    assert code == 2
    assert "has no bill" in err


def test_a_bill_of_an_earlier_version_is_told(
    capsys: pytest.CaptureFixture[str], billed: Workspace
) -> None:
    account = answer(capsys, "show", "bill", "-w", str(billed.root))[0]["account_id"]
    paths = sorted((billed.root / "billed").rglob("bill_lines/*.parquet"))
    before = [path.read_bytes() for path in paths]
    with closing(sqlite3.connect(billed.ledger_file)) as ledger:
        for path in paths:
            pq.write_table(pq.read_table(path).drop_columns(["tax_rate"]), path)
            stored = (digest_of(path.read_bytes()), str(path.relative_to(billed.root)))
            ledger.execute("UPDATE outputs SET digest = ? WHERE path = ?", stored)
        ledger.commit()
        code, _, err = call(capsys, "show", "bill", account, "-w", str(billed.root))
        for path, octets in zip(paths, before, strict=True):
            path.write_bytes(octets)
            stored = (digest_of(octets), str(path.relative_to(billed.root)))
            ledger.execute("UPDATE outputs SET digest = ? WHERE path = ?", stored)
        ledger.commit()
    assert code == 2
    assert "was billed by an earlier version" in err
    assert "bill it again: huadan bill --cycle 2026-10" in err


def test_explain_adds_up_to_the_final_charge(
    capsys: pytest.CaptureFixture[str], billed: Workspace
) -> None:
    path = min((billed.root / "billed").rglob("rated/part-*.parquet"))
    rows = pq.read_table(path).slice(0, 300).to_pylist()
    row = max(rows, key=lambda one: (one["discount_amount"], one["net"]))
    name = f"{row['file_id'][:12]}:{row['offset']}:{row['container']}"
    found = answer(capsys, "explain", name, "-w", str(billed.root))
    assert found["total"] == str(row["net"])
    _, masked, _ = call(capsys, "explain", name, "-w", str(billed.root))
    number = str(row["served_msisdn"])
    assert number not in masked
    _, plain, _ = call(capsys, "explain", name, "-w", str(billed.root), "--unmask")
    assert number in plain
    listed = answer(capsys, "explain", "--number", number, "-w", str(billed.root))
    assert any(one["record"].startswith(row["file_id"]) for one in listed)


@pytest.mark.parametrize(
    ("name", "words"),
    [("zzz:1", "0 files"), ("nonsense", "is not the name"), ("", "is not the name")],
)
def test_explain_of_what_does_not_exist(
    capsys: pytest.CaptureFixture[str], billed: Workspace, name: str, words: str
) -> None:
    code, _, err = call(capsys, "explain", name, "-w", str(billed.root))
    assert code == 2
    assert words in err


def test_suspense_lists_sums_and_rows(
    capsys: pytest.CaptureFixture[str], traffic: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    good = min(traffic.rglob("msc1_*.ber")).read_bytes()
    (workspace.root / "incoming/msc1/msc1_000001_cut.ber").write_bytes(good[:-5])
    (workspace.root / "incoming/msc1/msc1_000002_empty.ber").write_bytes(b"")
    code, _, err = call(capsys, "run", "-w", str(workspace.root))
    assert code == 3, err
    sums = answer(capsys, "suspense", "list", "-w", str(workspace.root))
    assert {row["stage"] for row in sums} == {"frame"}
    rows = answer(capsys, "suspense", "list", "--reason", "empty_file", "-w", str(workspace.root))
    assert [row["file"] for row in rows] == ["msc1/msc1_000002_empty.ber"]
    _, shown, _ = call(capsys, "suspense", "list", "--rows", "-w", str(workspace.root))
    names = re.findall(r"│ ([0-9a-f]{10}:\d+) +│", shown)
    assert len(names) == len(
        answer(capsys, "suspense", "list", "--rows", "-w", str(workspace.root))
    )
    for name in names:  # as it is shown, it is taken
        assert call(capsys, "suspense", "show", name, "-w", str(workspace.root))[0] == 0
    metrics = (workspace.reports / "huadan.prom").read_text(encoding="utf-8")
    assert 'huadan_run_files{state="suspended"} 1.0' in metrics


def test_tariff_check_of_the_demo_book_and_of_a_broken_one(
    capsys: pytest.CaptureFixture[str], billed: Workspace, tmp_path: Path
) -> None:
    assert answer(capsys, "tariff", "check", "-w", str(billed.root))["errors"] == 0
    (tmp_path / "book.yaml").write_text("nmae: x\n", encoding="utf-8")
    code, _, err = call(capsys, "tariff", "check", "--book", str(tmp_path))
    assert code == 2
    assert "zones.csv:1" in err


def test_cases_that_are_not_there_are_told_by_file(
    capsys: pytest.CaptureFixture[str], billed: Workspace
) -> None:
    code, _, err = call(capsys, "tariff", "test", "--only", "no such case", "-w", str(billed.root))
    assert code == 2
    assert "tests/voice.yaml" in err


def test_init_refuses_a_folder_with_something_in_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, _ = call(capsys, "init", str(tmp_path / "shop"), "--no-traffic")
    assert code == 0
    assert (tmp_path / "shop" / "incoming" / "pgw2").is_dir()
    code, _, err = call(capsys, "init", str(tmp_path / "shop"))
    assert code == 2
    assert "not empty" in err
    code, out, _ = call(capsys, "run", "-w", str(tmp_path / "shop"))
    assert code == 0
    assert "Nothing to do" in out


def test_generate_writes_one_file_of_a_format(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    arguments = ("generate", "--format", "content_csv", "--records", "50")
    made = answer(capsys, *arguments, str(path))
    assert (made["records"], made["bytes"]) == (50, path.stat().st_size)
    assert sum(made["by_kind"].values()) == 50
    code, _, err = call(capsys, "generate", "--format", "tap9", str(path))
    assert code == 2
    assert "tap3" in err
    assert call(capsys, *arguments)[0] == 2
    assert call(capsys, *arguments, str(tmp_path / "none" / "x"))[0] == 2
    assert call(capsys, "generate", "--records", "50")[0] == 2


def test_generate_writes_traffic_for_the_workspace(
    capsys: pytest.CaptureFixture[str], billed: Workspace, tmp_path: Path
) -> None:
    made = answer(
        capsys, "generate", "-w", str(billed.root), "--records", "2000", "--out", str(tmp_path)
    )
    assert made["records"] == 2000
    assert all((tmp_path / name).is_file() for name in made["files"])


def test_subscriber_data_with_overlaps_is_one_message(
    capsys: pytest.CaptureFixture[str], traffic: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic)
    folder = workspace.root / "subscribers"
    source = folder.resolve()
    folder.unlink()
    folder.mkdir()
    lines = (source / "subscribers.csv").read_text(encoding="utf-8").splitlines()
    (folder / "subscribers.csv").write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    code, _, err = call(capsys, "run", "-w", str(workspace.root))
    assert code == 2
    assert "subscribers.csv" in err
    assert not (workspace.root / "edr").exists()


def test_numbers_are_masked_and_other_digits_are_not() -> None:
    assert mask_text("8619910000001") == "86199******01"
    text = "call of 8619910000001 by 460001012345678 in 5f0c81aa10432000000000000000000a at 1.234567890123"
    masked = mask_text(text)
    assert "8619910000001" not in masked
    assert "460001012345678" not in masked
    assert masked.endswith("in 5f0c81aa10432000000000000000000a at 1.234567890123")
    assert mask_text("msc1_000001_202610081800.ber") == "msc1_000001_202610081800.ber"


def test_tariff_test_of_the_demo_book_and_of_a_case_that_fails(
    billed: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = answer(capsys, "tariff", "test", "-w", str(billed.root))
    assert report["cases"] > 10
    assert report["failures"] == []
    (tmp_path / "cases").mkdir()
    at = "at: 2026-10-12T10:00:00+08:00, quantity: 1 message"
    usage = f"{{service: sms, direction: originating, to: '+8618810000001', {at}}}"
    case = f"- {{name: One, plan: easy, usage: {usage}, expect: {{charge: 0.20}}}}\n"
    (tmp_path / "cases" / "one.yaml").write_text(case)
    shop = ("-w", str(billed.root), "--cases", str(tmp_path / "cases"))
    code, out, _ = call(capsys, "tariff", "test", *shop)
    assert code == 2
    assert "cases/one.yaml:1" in out
    assert "0.20" in out
    assert "0.10" in out
    assert call(capsys, "tariff", "test", *shop, "--update")[0] == 0
    assert "charge: 0.10" in (tmp_path / "cases" / "one.yaml").read_text()


def test_tariff_show_and_diff(
    billed: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shop = ("-w", str(billed.root), "--at", "2026-10-12")
    page = tmp_path / "easy.html"
    assert call(capsys, "tariff", "show", "easy", *shop, "--html", str(page))[0] == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    for flags in ([], ["--matrix"]):
        code, out, _ = call(capsys, "tariff", "show", "easy", *shop, *flags)
        assert code == 0
        assert "0.30 per min" in out
    assert answer(capsys, "tariff", "show", "easy", *shop)["id"] == "easy"
    code, _, err = call(capsys, "tariff", "show", "eazy", *shop)
    assert code == 2
    assert "Did you mean 'easy'" in err
    assert call(capsys, "tariff", "show", "easy", "-w", str(billed.root), "--at", "May")[0] == 2
    book = str(billed.root / "book")
    assert call(capsys, "tariff", "diff", book, book)[1] == "nothing changes\n"
    assert answer(capsys, "tariff", "diff", book, book)["changes"] == []


SMS = (
    'service: sms, direction: originating, to: "+8618810000001", at: 2026-10-12T10:00:00+08:00,'
    " quantity: 1 message"
)


def test_explain_of_what_has_not_been(
    billed: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here = ("-w", str(billed.root), "--usage", f"{{{SMS}}}")
    found = answer(capsys, "explain", *here, "--plan", "easy")
    assert found["total"] == "0.100000"
    page = tmp_path / "why.html"
    assert call(capsys, "explain", *here, "--plan", "easy", "--html", str(page))[0] == 0
    assert "CNY 0.10" in page.read_text(encoding="utf-8")
    # of a subscriber: after what he did before, which his allowance shows
    rows = pq.read_table(next((billed.root / "billed").rglob("rated/*.parquet"))).to_pylist()
    last = max(rows, key=lambda row: row["start_time"])
    number, at = last["served_msisdn"], last["start_time"].isoformat()
    usage = f"{{{SMS.replace('2026-10-12T10:00:00+08:00', at)}}}"
    found = answer(capsys, "explain", *here[:2], "--usage", usage, "--number", str(number))
    assert found["facts"]["plan"] == last["plan"]
    assert found["reason"] is None
    for wrong in (
        [*here],
        [*here, "--plan", "eazy"],
        [*here, "--plan", "easy", "--number", "8619910000001"],
        [*here, "--number", "8618810000001"],
        ["-w", str(billed.root), "--plan", "easy"],
        ["-w", str(billed.root), "--plan", "easy", "--usage", "{service: sms}"],
        [*here[:2], "--number", str(number), "--usage", f"{{{SMS}, friend: yes}}"],
    ):
        code, _, err = call(capsys, "explain", *wrong)
        assert code == 2
        assert err
        assert "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    [
        ["alarms", "--limit"],
        ["explain", "--limit"],
        ["suspense", "list", "--limit"],
        ["collect", "--list", "--last"],
    ],
)
def test_more_rows_than_anybody_reads_are_a_mistake(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = call(capsys, *command, str(10**20))
    assert code == 2, err
    assert "<=1000000000" in err
