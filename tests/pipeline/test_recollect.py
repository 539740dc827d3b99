from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from pipeline.batch.run import run
from pipeline.cli.main import main
from pipeline.collection.recollect import Range, collect_only, instant_ns, numbers_of
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.progress import Silent
from tests.pipeline.world import FILES, RECORDS, make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace


@pytest.fixture
def filled(tmp_path: Path, traffic: Path) -> Workspace:
    return make_workspace(tmp_path / "ws", traffic)


def names(workspace: Workspace, state: str = "taken") -> list[str]:
    with Ledger(workspace.ledger_file) as ledger:
        return [file.name for file in ledger.files(state)]


def told(workspace: Workspace, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main([*words, "-w", str(workspace.root)])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out + captured.err


def test_collect_fetches_and_the_next_run_rates(filled: Workspace) -> None:
    result = collect_only(filled, Range(), Silent())
    assert (result.new, result.again, result.exit_code) == (FILES, 0, 0)
    assert len(names(filled)) == FILES
    assert not (filled.root / "rated").exists()
    assert collect_only(filled, Range(), Silent()).new == 0
    assert run(filled).read == RECORDS


def test_a_range_of_sequence_numbers_and_of_times(filled: Workspace) -> None:
    result = collect_only(filled, Range("msc1", numbers=(2, 2)), Silent())
    assert result.new == 1
    assert names(filled)[0].startswith("msc1_000002_")
    for path in (filled.root / "incoming" / "msc2").iterdir():
        os.utime(path, (1_000_000, 1_000_000))
    last = Range("msc2", start_ns=10**15 + 1)
    assert collect_only(filled, last, Silent()).new == 0
    before = Range("msc2", end_ns=10**15)
    assert collect_only(filled, before, Silent()).new == 0, "half-open"
    exactly = Range("msc2", start_ns=10**15, end_ns=10**15 + 1)
    assert collect_only(filled, exactly, Silent()).new == 2


def test_again_compares_with_the_archive_and_restores_it(filled: Workspace) -> None:
    run(filled)
    archived = sorted(path for path in filled.archive.rglob("*") if path.is_file())
    result = collect_only(filled, Range(), Silent(), again=True)
    assert (result.new, result.same, result.restored, result.changed) == (0, FILES, [], [])
    kept = [path.read_bytes() for path in archived]
    archived[0].unlink()
    archived[1].chmod(0o600)
    archived[1].write_bytes(b"rotten")
    result = collect_only(filled, Range(), Silent(), again=True)
    assert (result.same, len(result.restored)) == (FILES - 2, 2)
    assert [path.read_bytes() for path in archived] == kept
    assert run(filled).batch is None


def test_other_bytes_under_the_same_name_size_and_time_are_told_and_kept(
    filled: Workspace,
) -> None:
    run(filled)
    path = min((filled.root / "incoming" / "msc1").iterdir())
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert collect_only(filled, Range(), Silent()).new == 0, "name, size and time are the same"
    result = collect_only(filled, Range("msc1"), Silent(), again=True)
    assert result.changed == [f"msc1/{path.name}"]
    assert names(filled) == [path.name]
    assert run(filled).batch == "batch-000002"
    assert collect_only(filled, Range("msc1"), Silent(), again=True).changed == []


@pytest.mark.parametrize("text", ["", "x", "4-", "-4", "9-4", "1-2-3"])
def test_what_is_no_range_of_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="no range of sequence numbers"):
        numbers_of(text)


def test_times_and_numbers_as_people_write_them() -> None:
    assert numbers_of("17") == (17, 17)
    assert numbers_of("000017-40") == (17, 40)
    assert instant_ns("1970-01-02") == 86_400 * 10**9
    assert instant_ns("1970-01-01T08:00+08:00") == 0
    with pytest.raises(UsageError, match="is no time"):
        instant_ns("yesterday")


def test_the_log_of_collection_can_be_read(
    filled: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing has been collected yet" in told(filled, capsys, "collect", "--list")[1]
    (filled.root / "incoming" / "msc1" / "out.ber").symlink_to("/etc/hostname")
    code, text = told(filled, capsys, "collect", "--log-level", "error")
    assert code == 0
    assert f"Collected: {FILES} new files" in text
    code, text = told(filled, capsys, "collect", "--list", "--source", "msc1", "--json")
    found = json.loads(text)
    assert {one["source"] for one in found["collected"]} == {"msc1"}
    assert [one["batch"] for one in found["collected"]] == [None] * len(found["collected"])
    assert found["refused"][0]["name"] == "out.ber"
    assert "symbolic link" in found["refused"][0]["why"]
    text = told(filled, capsys, "collect", "--list")[1]
    assert "waits" in text
    assert "Refused since" in text


def test_mistakes_on_the_command_line(
    filled: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(filled, capsys, "collect", "--source", "msc9") == (
        2,
        "Error: no source 'msc9'\nHint: did you mean 'msc3'? allowed: msc1, msc2, msc3, pgw1, pgw2, vas1\n",
    )
    text = filled.config_file.read_text(encoding="utf-8")
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("sequence"))
    filled.config_file.write_text(plain, encoding="utf-8")
    code, text = told(filled, capsys, "collect", "--sequence", "4")
    assert code == 2
    assert "have no sequence numbers" in text
