"""``huadan decode``: a bare file, tag by tag, as sums, as rows; nobody's number by accident."""

from __future__ import annotations

import errno
import gzip
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asn1tools
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mediation.edr import EDR_SCHEMA
from mediation.inspector import Node
from mediation.reader import FileSettings, open_cdr_file
from pipeline.cli.main import main
from pipeline.inspection.export import masked
from pipeline.inspection.inspect import Part, selection
from pipeline.inspection.show import Shower, mask_value

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "cdr" / "msc1" / "msc1_000002_202610070448.ber"
RECORDS = 40
LONG_DIGITS = re.compile(r"\d{9,}")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some records with filler, rubbish, and one broken time stamp between them."""
    folder = tmp_path_factory.mktemp("inspect")
    with open_cdr_file(SAMPLE, "0" * 32, "3gpp_cs", FileSettings(scratch=folder)) as cdr:
        ends = [int(cdr.offsets[index] + cdr.lengths[index]) for index in (2, RECORDS - 1)]
        data = bytearray(cdr.data[: ends[1]].tobytes())
    first_stamp = data.index(bytes.fromhex("2610"))
    data[first_stamp + 1] = 0x1A  # no month
    path = folder / "bare.ber"
    path.write_bytes(data[: ends[0]] + b"\0" * 7 + b"\x31\x32\x33\x34" + data[ends[0] :])
    return path


pytestmark = pytest.mark.usefixtures("elsewhere")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["decode", *arguments])
    output = capsys.readouterr()
    return int(stop.value.code or 0), output.out, output.err


def objects(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    code, out, err = call(capsys, *arguments, "--json")
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def leaves(tags: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for tag in tags:
        if "children" in tag:
            yield from leaves(tag["children"])
        else:
            yield tag


def test_the_stream_has_every_part_in_file_order(
    capsys: pytest.CaptureFixture[str], bare: Path
) -> None:
    head, *parts = objects(capsys, str(bare))
    assert (head["kind"], head["format"], head["framing"]) == ("file", "3gpp_cs", "bare")
    assert head["records"] == RECORDS
    kinds = [part["kind"] for part in parts]
    assert kinds == ["record"] * 3 + ["unframed"] + ["record"] * (RECORDS - 3)
    assert [part["offset"] for part in parts] == sorted(part["offset"] for part in parts)
    whole = sum(part["length"] for part in parts) + head["filler_bytes"] + head["header_bytes"]
    assert whole == head["bytes"] == bare.stat().st_size
    assert parts[3]["failure"]["reason"] == "no_record_start"


def test_a_failure_has_reason_and_place(capsys: pytest.CaptureFixture[str], bare: Path) -> None:
    _, first, *_ = objects(capsys, str(bare), "--record", "1")
    assert first["outcome"] == "suspended"
    failure = first["failure"]
    assert (failure["stage"], failure["reason"]) == ("normalize", "invalid_timestamp")
    assert "seizureTime" in failure["tag_path"] or "answerTime" in failure["tag_path"]
    at_fault = [tag for tag in leaves(first["tags"]) if tag["offset"] == failure["offset"]]
    assert len(at_fault) == 1
    assert at_fault[0]["error"]
    failed = objects(capsys, str(bare), "--failed")[1:]
    assert [part["kind"] for part in failed] == ["record", "unframed"]


def test_event_rows_stand_under_their_record(
    capsys: pytest.CaptureFixture[str], bare: Path
) -> None:
    parts = objects(capsys, str(bare), "--record", "1-2", "--rows", "--unmask")[1:]
    assert "rows" not in parts[0]  # suspended
    [row] = parts[1]["rows"]
    assert row["service"] in {"voice", "sms"}
    assert str(row["served_imsi"]).startswith("460")
    assert "partner_charge" not in row
    shown = call(capsys, str(bare), "--record", "2", "--rows")[1]
    assert "event row 1 of 1" in shown
    assert str(row["served_imsi"]) not in shown
    assert "rows" not in objects(capsys, str(bare), "--record", "2")[1]


def test_a_code_of_nought_is_a_code_and_no_volume_is_nothing() -> None:
    row = {
        "container": 0,
        "utc_offset": 0,
        "cause": 0,
        "rating_group": 0,
        "uplink": 0,
        "cell": None,
    }
    part = Part("record", 0, 1, 1, "call", "decoded", rows=(row,))
    [shown] = Shower(unmask=True).object(part)["rows"]
    assert shown == {"utc_offset": 0, "cause": 0, "rating_group": 0}


@pytest.mark.parametrize(
    ("chosen", "numbers"), [("7", [7]), ("2-4", [2, 3, 4]), ("39-", [39, 40]), ("39-99", [39, 40])]
)
def test_records_are_chosen_by_number(
    capsys: pytest.CaptureFixture[str], bare: Path, chosen: str, numbers: list[int]
) -> None:
    shown = objects(capsys, str(bare), "--record", chosen)[1:]
    assert [part["record"] for part in shown] == numbers


def test_an_offset_finds_records_and_rubbish(
    capsys: pytest.CaptureFixture[str], bare: Path
) -> None:
    _, second = objects(capsys, str(bare), "--record", "2")
    [found] = objects(capsys, str(bare), "--offset", str(second["offset"] + 3))[1:]
    assert found == second
    rubbish = bare.read_bytes().index(b"1234")
    [found] = objects(capsys, str(bare), "--offset", str(rubbish + 1))[1:]
    assert (found["kind"], found["offset"], found["length"]) == ("unframed", rubbish, 4)
    code, _, err = call(capsys, str(bare), "--offset", "999999")
    assert code == 2
    assert "no record" in err


def test_nobodys_number_is_shown_unless_asked(
    capsys: pytest.CaptureFixture[str], bare: Path
) -> None:
    _, text, _ = call(capsys, str(bare))
    _, lines, _ = call(capsys, str(bare), "--json")
    assert "*" in text
    for number in set(LONG_DIGITS.findall(call(capsys, str(bare), "--unmask")[1])):
        assert number not in text
        assert number not in lines
    hidden = {tag["name"] for part in objects(capsys, str(bare))[1:] for tag in leaves(part["tags"])
              if tag["hex"] is None}  # fmt: skip
    assert {"servedIMSI", "servedMSISDN", "calledNumber"} <= hidden
    assert not {"answerTime", "callDuration"} & hidden
    assert "locationAreaCode" in hidden  # where somebody was
    for part in objects(capsys, str(bare), "--unmask")[1:]:
        assert all(tag["hex"] is not None for tag in leaves(part["tags"]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tel:+8613900000001", "tel:+86139******01"),
        ("sip:13900000001@ims", "sip:13900****01@ims"),
        ("2026-10-01 09:30:00 +08:00", "2026-10-01 09:30:00 +08:00"),
        ("10086", "10086"),
    ],
)
def test_numbers_inside_texts_are_masked(text: str, shown: str) -> None:
    assert mask_value(text) == shown


def test_moments_of_time_fields_are_no_numbers() -> None:
    moment = b"20261001093000"
    shower = Shower(unmask=False)
    for name, value, shown in (
        ("localTimeStamp", moment, moment.decode()),
        ("calledNumber", moment, "20261*******00"),
        ("localTimeStamp", b"20269901093000", "20269*******00"),
    ):
        node = Node("[1]", name, 0, 16, value, value.decode())
        [tag] = shower.object(Part("record", 0, 16, nodes=(node,)))["tags"]
        assert tag["value"] == shown
        assert (tag["hex"] is None) == ("*" in shown)


def test_sums_close_to_the_byte(capsys: pytest.CaptureFixture[str], bare: Path) -> None:
    [found] = objects(capsys, str(bare), "--stats")
    assert found["kind"] == "stats"
    assert sum(found["bytes_by_kind"].values()) == bare.stat().st_size
    assert sum(found["outcomes"].values()) == sum(found["record_types"].values()) == RECORDS
    assert found["failures"] == {"invalid_timestamp": 1, "no_record_start": 1}
    assert found["first_start"] < found["last_start"]
    by_path = {row["path"]: row for row in found["tags"]}
    calls = found["record_types"]["moCallRecord"]
    assert by_path["moCallRecord.callDuration"]["count"] == calls
    assert by_path["moCallRecord.callDuration"]["status"] == "mapped"
    assert by_path["moCallRecord.recordType"]["status"] == "known"
    _, text, _ = call(capsys, str(bare), "--stats")
    assert re.search(r"invalid_timestamp +1\n", text)
    assert "tags (- known" in text


def test_rows_become_parquet(capsys: pytest.CaptureFixture[str], bare: Path) -> None:
    target = Path("rows.parquet")
    code, _, err = call(capsys, str(bare), "--parquet", str(target), "--unmask")
    assert code == 0, err
    plain = pq.read_table(target)
    assert plain.num_rows == RECORDS - 1
    assert plain.column_names == EDR_SCHEMA.names
    call(capsys, str(bare), "--parquet", str(target))
    hidden = pq.read_table(target)
    for name in ("served_msisdn", "served_imsi", "other_number"):
        for was, now in zip(plain[name].to_pylist(), hidden[name].to_pylist(), strict=True):
            assert (was is None) == (now is None)
            if was is not None and len(str(was)) > 7:
                shown = str(was)[:5] + "0" * (len(str(was)) - 7) + str(was)[-2:]
                assert str(now) == shown
    call(capsys, str(bare), "--parquet", str(target), "--record", "2-3")
    assert pq.read_table(target).num_rows == 2
    code, _, err = call(capsys, str(bare), "--parquet", "missing/rows.parquet")
    assert code == 2
    assert "cannot be written" in err
    assert not list(Path().glob("*.part"))


def test_masking_keeps_short_and_missing_numbers() -> None:
    row: dict[str, Any] = dict.fromkeys(EDR_SCHEMA.names)
    row |= {"file_id": "0", "offset": 0, "container": 0, "service": "voice", "start_time": 0,
            "direction": "originating", "duration": 0, "uplink": 0, "downlink": 0, "events": 0}  # fmt: skip
    rows = [row | {"served_msisdn": number} for number in (110, 1234567, 12345678, None)]
    batch = pa.RecordBatch.from_pylist(rows, EDR_SCHEMA)
    assert masked(batch).column("served_msisdn").to_pylist() == [110, 1000067, 12000078, None]


def test_mistakes_say_what_is_allowed(capsys: pytest.CaptureFixture[str], bare: Path) -> None:
    for arguments, words in (
        ((str(bare), "--format", "3gpp_css"), "did you mean '3gpp_cs'?"),
        ((str(bare) + ".missing",), "cannot be read"),
        ((str(bare), "--record", "x"), "write 7, 7-9 or 7-"),
        ((str(bare), "--record", "0"), "it has records 1 to 40"),
        ((str(bare), "--record", "41-50"), "it has records 1 to 40"),
        ((str(bare), "--record", "1", "--stats"), "exclude each other"),
    ):
        code, _, err = call(capsys, *arguments)
        assert code == 2
        assert words in err


def test_a_pipe_or_device_is_refused_before_it_is_opened(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # nobody writes into it: opening it would never end
    for path in (pipe, Path(os.devnull)):
        code, _, err = call(capsys, str(path), "--stats")
        assert code == 2, err
        assert f"{path} cannot be read: it is a pipe or a device" in err
        assert "write it to a file first" in err


def test_selection_ends_with_the_file() -> None:
    assert selection("3-9", 5) == range(2, 5)
    assert selection("5-", 5) == range(4, 5)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli.main", "decode", *arguments]


def test_a_closed_pipe_ends_it_quietly() -> None:
    with subprocess.Popen(
        command(str(SAMPLE)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        complaint = running.stderr.read()
    assert (running.returncode, complaint) == (0, b"")


def test_a_terminal_has_a_pager_that_may_stop_early(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\nhead -n 4 > {seen}\n", encoding="utf-8")
    pager.chmod(0o755)
    outer, terminal = pty.openpty()
    environment = os.environ | {"PAGER": str(pager), "TERM": "xterm"}
    done = subprocess.run(
        command(str(SAMPLE)), cwd=ROOT, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE,
        env=environment, check=False, timeout=120,
    )  # fmt: skip
    os.close(terminal)
    os.close(outer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "3gpp_cs" in seen.read_text(encoding="utf-8")


def test_framing_may_be_declared_step_by_step(
    capsys: pytest.CaptureFixture[str], bare: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(bare.read_bytes()))
    steps = ("--framing", "gzip", "--framing", "bare", "--format", "3gpp_cs")
    [head] = objects(capsys, str(packed), *steps, "--failed", "--record", "2")
    assert (head["packed"], head["framing"], head["records"]) == (["gzip"], "bare", RECORDS)
    [detected] = objects(capsys, str(packed), "--failed", "--record", "2")
    assert detected["evidence"]
    code, _, err = call(capsys, str(bare), "--framing", "bear")
    assert code == 2
    assert "did you mean 'bare'?" in err


def test_a_source_of_the_workspace_says_how_to_read(
    capsys: pytest.CaptureFixture[str], bare: Path, tmp_path: Path
) -> None:
    for name in ("book", "subscribers"):
        (tmp_path / name).mkdir()
    (tmp_path / "huadan.toml").write_text(
        '[[source]]\nname = "msc1"\nfolder = "in"\nformat = "3gpp_cs"\nframing = "bare"\n'
        'numbering = "nanp"\n',
        encoding="utf-8",
    )
    head, *parts = objects(capsys, str(bare), "--source", "msc1", "--record", "2-3")
    assert head["format"] == "3gpp_cs"
    assert not head["evidence"]
    assert len(parts) == 2
    code, _, err = call(capsys, str(bare), "--source", "msc2")
    assert code == 2
    assert "did you mean 'msc1'?" in err


BOXED = """
Boxed DEFINITIONS IMPLICIT TAGS ::= BEGIN
File ::= CHOICE { batch [10] Batch, ... }
Batch ::= SEQUENCE { head [0] Head OPTIONAL, calls [1] Calls, tail [2] INTEGER OPTIONAL, ... }
Head ::= SEQUENCE { sender [0] TextOctets OPTIONAL, number [1] INTEGER OPTIONAL, ... }
Calls ::= SEQUENCE OF Record
Record ::= CHOICE { call [0] Call, ... }
Call ::= SEQUENCE { imsi [0] IMSI OPTIONAL, began [1] TimeStamp OPTIONAL,
                    seconds [2] INTEGER OPTIONAL, node [3] TextOctets OPTIONAL, ... }
IMSI ::= OCTET STRING
TextOctets ::= OCTET STRING
TimeStamp ::= OCTET STRING
END
"""
BOXED_MAPPING = """
title: Calls in one outer value
module: boxed.asn
record: Record
outer:
  type: File
  records: {batch: calls}
types:
  call:
    service: voice
    direction: originating
    columns:
      served_imsi: tbcd imsi
      start_time: timestamp began
      duration: integer seconds
      recording_entity: text node
"""


def test_what_stands_around_the_records_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "formats" / "boxed"
    folder.mkdir(parents=True)
    (folder / "boxed.asn").write_text(BOXED, encoding="utf-8")
    (folder / "mapping.yaml").write_text(BOXED_MAPPING, encoding="utf-8")
    call_of = {
        "imsi": bytes.fromhex("64000021436587f9"),
        "began": bytes.fromhex("2610010930002b0800"),
        "seconds": 61,
        "node": b"node1",
    }
    batch = {"head": {"sender": b"ALPHA", "number": 7}, "calls": [("call", call_of)] * 3, "tail": 3}
    data = asn1tools.compile_string(BOXED).encode("File", ("batch", batch))
    Path("boxed.ber").write_bytes(data)
    head, outer, *calls = objects(capsys, "boxed.ber", "--format", "boxed")
    assert head["framing"] == "outer"
    assert (outer["kind"], outer["type"], outer["length"]) == ("outer", "batch", len(data))
    assert {tag["name"]: tag["value"] for tag in leaves(outer["tags"])} == {
        "sender": "ALPHA", "number": 7, "tail": 3
    }  # fmt: skip
    assert [part["record"] for part in calls] == [1, 2, 3]
    [stats] = objects(capsys, "boxed.ber", "--format", "boxed", "--stats")
    assert sum(stats["bytes_by_kind"].values()) == len(data)
    assert stats["record_types"] == {"call": 3}


def test_rows_are_never_written_over_their_file(
    capsys: pytest.CaptureFixture[str], bare: Path, tmp_path: Path
) -> None:
    octets = bare.read_bytes()
    link = tmp_path / "link.parquet"
    link.symlink_to(bare)
    for target in (bare, link):
        code, _, err = call(capsys, str(bare), "--parquet", str(target))
        assert (code, bare.read_bytes() == octets) == (2, True)
        assert "it would be lost" in err


def test_rows_for_a_full_disk_are_tried_again_later(
    capsys: pytest.CaptureFixture[str],
    bare: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: pq.ParquetWriter, __: pa.Table) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    code, _, err = call(capsys, str(bare), "--parquet", str(tmp_path / "rows.parquet"))
    assert code == 75, err
    assert f"no space left for {tmp_path}" in err
    assert not list(tmp_path.glob("rows.parquet*"))


@pytest.mark.parametrize("other", [["--offset", "0"], ["--failed"], ["--rows"], ["--json"]])
def test_rows_go_with_no_option_that_means_nothing(
    capsys: pytest.CaptureFixture[str], bare: Path, tmp_path: Path, other: list[str]
) -> None:
    target = tmp_path / "rows.parquet"
    code, _, err = call(capsys, str(bare), "--parquet", str(target), *other)
    assert (code, target.exists()) == (2, False)
    assert "--parquet writes the rows of all records" in err


def test_a_declared_framing_that_fits_no_format_is_named(
    capsys: pytest.CaptureFixture[str], bare: Path
) -> None:
    code, _, err = call(capsys, str(bare), "--framing", "lengths 2 big")
    assert code == 2
    assert "no format fits with the framing lengths that is declared" in err


def test_text_formats_take_no_framing(capsys: pytest.CaptureFixture[str], bare: Path) -> None:
    code, _, err = call(capsys, str(bare), "--format", "content_csv", "--framing", "lengths 2 big")
    assert code == 2
    assert "the mapping of content_csv says how its records are framed" in err


def test_memory_does_not_grow_with_the_file() -> None:
    command = [sys.executable, "-m", "tests.pipeline.inspection_memory"]
    arguments = ["--megabytes", "120", "--format", "3gpp_cs"]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "120 MB" in done.stdout
