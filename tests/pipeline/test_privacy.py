from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import structlog

from pipeline.cli.main import main
from pipeline.errors import UsageError
from pipeline.logs import _hidden
from pipeline.upkeep import status
from pipeline.upkeep.export import export, pseudonym, read_key
from pipeline.watch.metrics import WatchMetrics
from tests.pipeline.parted import SHOP
from tests.pipeline.test_high_usage import limited
from tests.pipeline.test_recycle import hide_subscribers
from tests.pipeline.world import make_workspace
from traffic.generate import generate

if TYPE_CHECKING:
    from pipeline.upkeep.export import Privacy
    from pipeline.workspace import Workspace

DIGITS = re.compile(r"\d{7,}")
KEY = b"0123456789abcdef0123456789abcdef"


def command(workspace: Workspace, *arguments: str) -> str:
    """Returns all that a command says."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        with pytest.raises(SystemExit):
            main([*arguments, "-w", str(workspace.root)])
        structlog.reset_defaults()
    return said.getvalue()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, str]]:
    """A workspace on which the whole of the command line was used, and what it printed."""
    folder = tmp_path_factory.mktemp("privacy")
    generate(folder / "traffic", 1_500, subscribers_folder=SHOP / "subscribers", files=5)
    workspace = limited(make_workspace(folder / "ws", folder / "traffic"))
    hide_subscribers(workspace, 4)
    log = ["--log-level", "debug", "--log-file", str(workspace.reports / "run.log")]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", *log, "-w", str(workspace.root)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    said = {"run": done.stdout + done.stderr}
    number = str(next(iter(plain_numbers(workspace))))
    for words in (
        ("bill",),
        ("status",),
        ("audit", "--by", "file"),
        ("suspense", "list", "--rows"),
        ("suspense", "summary", "--json"),
        ("suspense", "test-recycle"),
        ("suspense", "correct", "--where", f"served_msisdn={number}", "--set",
         f"served_msisdn={number}", "--reason", f"call of {number}"),
        ("suspense", "recycle"),
        ("report",),
        ("show", "bill"),
        ("alarms",),
        ("alarms", "--json"),
        ("gaps",),
        ("suspense", "correct", "--list"),
        ("audit", "--by", "day", "--json"),
        ("ledger", "verify"),
        ("collect", "--list"),
        *wrongly_used(number),
    ):  # fmt: skip
        said[" ".join(words).replace(number, "NUMBER")] = command(workspace, *words)
    file = workspace.root / "subscribers" / "subscribers.csv"
    good = file.read_text(encoding="utf-8")
    file.write_text(good + good.splitlines()[1] + "\n", encoding="utf-8")
    said["broken subscribers"] = command(workspace, "suspense", "recycle", "--again")
    file.write_text(good, encoding="utf-8")
    said["write-off"] = command(workspace, "suspense", "write-off", "--why", f"call of {number}")
    return workspace, said


def wrongly_used(number: str) -> list[tuple[str, ...]]:
    """Returns commands that are given a subscriber's number where it does not belong."""
    return [
        (number,),
        ("explain", number),
        ("show", "bill", number),
        ("suspense", "show", number),
        ("suspense", "list", "--since", number),
        ("suspense", "correct", "--where", f"msisdn={number}", "--set", number, "--reason", "x"),
        ("audit", "--batch", number),
        ("alarms", "--batch", number),
        ("alarms", "--kind", number),
        ("report", number),
        ("rollback", number),
        ("gaps", "--close", number, "--reason", "x"),
        ("bill", "--cycle", number),
        ("export", number, "x.csv"),
    ]


def plain_numbers(workspace: Workspace) -> set[int]:
    found: set[int] = set()
    for path in sorted((workspace.root / "edr").rglob("*.parquet")):
        table = pq.read_table(path)
        for name in ("served_imsi", "served_msisdn", "served_imei", "other_number", "dialled"):
            found |= {n for n in table.column(name).to_pylist() if n is not None and n >= 10**9}
    with (SHOP / "subscribers" / "subscribers.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found |= {int(row["msisdn"]), int(row["imsi"])}
    return found


def test_no_number_of_a_subscriber_stands_in_anything_that_people_see(
    ran: tuple[Workspace, dict[str, str]],
) -> None:
    workspace, said = ran
    texts = dict(said)
    for path in sorted(workspace.reports.rglob("*.*")):
        texts[path.name] = path.read_bytes().decode("utf-8", "replace")
    for path in sorted((workspace.root / "audit").rglob("*.parquet")):
        texts[path.name] = str(pq.read_table(path).to_pylist())
    metrics = WatchMetrics(workspace.reports / "huadan.prom")
    texts["page of watch"] = metrics.page().decode()
    assert "huadan_watch_" in texts["page of watch"]
    assert "huadan_alarms_total" in texts["page of watch"]
    assert "****" in texts["alarms --json"]
    assert {"run.log", "huadan.prom", "batch-000001.html"} <= texts.keys()
    assert "valid twice" in texts["broken subscribers"]
    numbers = {str(n) for n in plain_numbers(workspace)}
    numbers |= {n[2:] for n in numbers if n.startswith("86")}
    assert len(numbers) > 3_000
    assert not [name for name, text in texts.items() if "Traceback" in text]
    told = {name: sorted(set(DIGITS.findall(text)) & numbers) for name, text in texts.items()}
    assert {name: found[:3] for name, found in told.items() if found} == {}


def test_a_crash_tells_no_number(
    ran: tuple[Workspace, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = str(next(iter(plain_numbers(ran[0]))))

    def fails(*_: object) -> None:
        message = f"no room for {number} ({{'served_imsi': {number}}})"
        raise RuntimeError(message)

    monkeypatch.setattr(status, "read_status", fails)
    said = command(ran[0], "status")
    assert "Traceback" in said
    assert "no room for" in said
    assert number not in said


def test_workspace_files_are_for_their_owner_only(ran: tuple[Workspace, dict[str, str]]) -> None:
    workspace, _ = ran
    theirs = {"book", "subscribers", "incoming", "huadan.toml"}
    tops = [path for path in workspace.root.iterdir() if path.name not in theirs]
    assert {path.name for path in tops} >= {
        "archive", "edr", "rated", "suspense", "audit", "reports", "billed", "keys", "balances",
        "alarms", "usage", "withdrawn", "state", "ledger.sqlite", ".lock",
    }  # fmt: skip
    for top in tops:
        for path in [top, *top.rglob("*")]:
            wrong = path.stat().st_mode & 0o077
            assert not wrong, f"{path}: {path.stat().st_mode:o}"


def test_unmasking_is_noted_before_anything_is_shown(
    ran: tuple[Workspace, dict[str, str]], tmp_path: Path
) -> None:
    workspace, _ = ran
    target = tmp_path / "edr.parquet"
    assert not (workspace.root / "access.log").exists()
    command(workspace, "export", "edr", str(target), "--unmask")
    log = workspace.root / "access.log"
    [line] = log.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["command"] == "huadan export"
    assert {"time", "who", "arguments"} <= json.loads(line).keys()
    assert log.stat().st_mode & 0o777 == 0o600
    assert set(pq.read_table(target).column("served_imsi").to_pylist()) & plain_numbers(workspace)
    log.unlink()
    log.mkdir()  # cannot be written
    target.unlink()
    said = command(workspace, "export", "edr", str(target), "--unmask")
    log.rmdir()
    assert "nothing is unmasked" in said
    assert not target.exists()


def test_exports_with_the_same_key_join_and_say_nothing(
    ran: tuple[Workspace, dict[str, str]], tmp_path: Path
) -> None:
    workspace, _ = ran
    key = tmp_path / "key"
    key.write_bytes(KEY + b"\n")
    edr, rated = tmp_path / "edr.parquet", tmp_path / "rated.csv"
    for table, target in (("edr", edr), ("rated", rated)):
        said = command(
            workspace, "export", table, str(target), "--pseudonyms", "--key-file", str(key)
        )
        assert "numbers pseudonyms" in said
    assert edr.stat().st_mode & 0o777 == 0o600
    names = set(pq.read_table(edr).column("served_msisdn").drop_null().to_pylist())
    with rated.open(encoding="utf-8") as file:
        told = {row["served_msisdn"] for row in csv.DictReader(file)} - {""}
    assert told <= names
    assert {"area", "cell"}.isdisjoint(pq.read_schema(edr).names)
    assert not set(DIGITS.findall(rated.read_text(encoding="utf-8"))) & {
        str(n) for n in plain_numbers(workspace)
    }
    plain_table = tmp_path / "plain.parquet"
    export(workspace, "edr", plain_table, "plain")
    numbers = pq.read_table(plain_table).column("served_msisdn").to_pylist()
    shown = pq.read_table(edr).column("served_msisdn").to_pylist()
    assert shown == [None if n is None else pseudonym(read_key(key), n) for n in numbers]


def exported(
    workspace: Workspace, table: str, privacy: Privacy, column: str, folder: Path
) -> tuple[list[Any], list[str]]:
    """Returns a column as Parquet and as CSV have it."""
    file, text = folder / "some.parquet", folder / "some.csv"
    for target in (file, text):
        export(workspace, table, target, privacy)
    with text.open(encoding="utf-8") as lines:
        told = [row[column] for row in csv.DictReader(lines)]
    return pq.read_table(file).column(column).to_pylist(), told


def test_lists_are_in_both_kinds_of_export(
    ran: tuple[Workspace, dict[str, str]], tmp_path: Path
) -> None:
    taken, told = exported(ran[0], "rated", "masked", "allowances", tmp_path)
    assert any(taken)
    assert [json.loads(one) if one else None for one in told] == taken


def test_octets_are_hexadecimal_in_csv(
    ran: tuple[Workspace, dict[str, str]], tmp_path: Path
) -> None:
    raw, told = exported(ran[0], "suspense", "plain", "raw", tmp_path)
    assert any(raw)
    assert told == ["" if one is None else one.hex() for one in raw]


def test_keys_that_keep_nothing_secret_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUADAN_PSEUDONYM_KEY", raising=False)
    with pytest.raises(UsageError, match="0 octets"):
        read_key(None)
    monkeypatch.setenv("HUADAN_PSEUDONYM_KEY", "short")
    with pytest.raises(UsageError, match="needs 16"):
        read_key(None)
    assert pseudonym(KEY, 8613800000000) != pseudonym(KEY[::-1], 8613800000000)
    assert pseudonym(KEY, 8613800000000) == pseudonym(KEY, "8613800000000")


def test_wrong_exports_say_what_there_is(
    ran: tuple[Workspace, dict[str, str]], tmp_path: Path
) -> None:
    workspace, _ = ran
    for table, name, message in (
        ("rate", "x.csv", "did you mean 'rated'"),
        ("rated", "x.txt", ".parquet or .csv"),
        ("rated/cycle=1999-01", "x.csv", "nothing is published"),
        ("billed", "x.csv", "another kind of table"),
    ):
        with pytest.raises(UsageError) as caught:
            export(workspace, table, tmp_path / name, "masked")
        assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_logs_are_masked_at_any_depth() -> None:
    deep = {
        "a": [{"8613812345678": ("tel 8613812345678", 460001234567890)}],
        "records": 123_456_789,
    }
    text = str(_hidden(deep))
    assert "13812345678" not in text
    assert "460001234567890" not in text
    assert "123456789" in text
