"""``huadan format``: a new format compiles as it is laid out; a check tells everything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from traffic.nodes import write_node_file

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "cdr" / "msc1" / "msc1_000002_202610070448.ber"


pytestmark = pytest.mark.usefixtures("elsewhere")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["format", *arguments])
    output = capsys.readouterr()
    return int(stop.value.code or 0), output.out, output.err


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:  # noqa: ANN401 - a report
    code, out, err = call(capsys, "check", *arguments, "--json")
    assert code == 0, out + err
    return json.loads(out)


def test_new_formats_compile_and_their_tests_pass(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("ber", "delimited", "fixed_width"):
        name = f"acme_{kind}"
        code, out, err = call(capsys, "new", name, "--kind", kind)
        assert code == 0, err
        names = {Path(line).name for line in out.splitlines()}
        module = {"acme_ber.asn"} if kind == "ber" else set()
        assert names == {"mapping.yaml", "README.md", f"test_{name}.py"} | module
        assert checked(capsys, name)["warnings"] == []
    listed = json.loads(call(capsys, "list", "--json")[1])
    assert {"acme_ber", "acme_delimited", "3gpp_cs"} <= {row["name"] for row in listed}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "formats"],
        env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_names_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "new", "mine")
    for name, words in (
        ("Acme-PBX", "small letters"),
        ("3gpp_cs", "already"),
        ("mine", "already"),
        ("../x", "small letters"),
    ):
        code, _, err = call(capsys, "new", name)
        assert code == 2
        assert words in err


def test_every_mistake_with_file_line_and_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "new", "mine")
    mapping = Path("formats/mine/mapping.yaml")
    mapping.write_text(
        mapping.read_text(encoding="utf-8")
        .replace("tbcd servedIMSI", "tbdc servedIMSI")
        .replace("duration: integer", "duration: text")
        .replace("timestamp answerTime", "timestamp answerTme"),
        encoding="utf-8",
    )
    module = Path("formats/mine/mine.asn")
    module.write_text(
        module.read_text(encoding="utf-8").replace("[3] AddressString", "[2] AdressString"),
        encoding="utf-8",
    )
    code, out, _ = call(capsys, "check", "mine", str(SAMPLE))
    assert code == 2
    for words in (
        "error: mine.asn:15: `calledNumber` of `CallRecord`: type `AdressString` is not defined",
        "did you mean `AddressString`?",
        "error: mine.asn:15: `calledNumber` of `CallRecord` has tag [2], as has `servedMSISDN`",
        "error: mapping.yaml:14: `tbdc` is no codec (did you mean `tbcd`?)",
        "error: mapping.yaml:18: `answerTme`: there is no `answerTme` (did you mean `answerTime`?)",
        "error: mapping.yaml:19: `text` cannot fill `duration`; allowed: ",
        "mine: 7 errors",
    ):
        assert words in out.replace(" or not read here", ""), out


def test_coverage_of_a_real_file(capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, "3gpp_cs", str(SAMPLE), "--records", "500")
    [result] = found["files"]
    assert result["records"] == 500 == result["decoded"] + result["suspended"] + result["discarded"]
    coverage = found["coverage"]
    assert coverage["mapped"]["seen"] > coverage["known"]["seen"] > 0
    assert coverage["unknown"] == {"fields": 0, "seen": 0}
    assert sum(tag["count"] for tag in found["tags"] if "." not in tag["path"]) == 500


def test_a_strange_file_shows_its_unknown_tags(capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "new", "mine")
    coverage = checked(capsys, "mine", str(SAMPLE))["coverage"]
    assert coverage["unknown"]["seen"] > 0


def test_a_file_that_cannot_be_read_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").write_bytes(b"")
    code, out, _ = call(capsys, "check", "3gpp_cs", "empty")
    assert code == 2
    assert "empty_file" in out
    code, _, err = call(capsys, "check", "3gpp_c")
    assert code == 2
    assert "did you mean `3gpp_cs`?" in err


def test_the_words_of_a_mapping_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("codecs",), ("codecs", "--flat"), ("columns",)):
        code, out, err = call(capsys, *command)
        assert code == 0, err
        rows = json.loads(call(capsys, *command, "--json")[1])
        assert len(out.splitlines()) == len(rows) > 10
        assert all(row["meaning"] for row in rows)
    assert {"column": "duration", "kind": "number", "unit": "s", "meaning": "Chargeable duration"} in rows  # fmt: skip


def test_a_time_zone_is_tried(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "calls"
    write_node_file("ericsson_cs", 20, 1, file)
    [without] = checked(capsys, "ericsson_cs", str(file))["files"]
    assert without["suspended"] == 20
    [tried] = checked(capsys, "ericsson_cs", str(file), "--time-zone", "Europe/Berlin")["files"]
    assert tried["decoded"] == 20
    code, _, err = call(capsys, "check", "ericsson_cs", str(file), "--time-zone", "Europe/Berlim")
    assert code == 2
    assert "Europe/Berlin" in err


def test_what_a_trailer_declares_and_a_line_that_does_not_fit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call(capsys, "new", "mine", "--kind", "delimited")
    Path("cdr.txt").write_text(
        "H;north;17\nC;;+8613910000001;+8613910000010;2026-10-01 09:30:00+0800;61;north\n"
        "C;too;short\nT;3;60\n"
    )
    out = call(capsys, "check", "mine", "cdr.txt")[1]
    assert "2 records: 1 decoded, 1 suspended" in out
    assert "declares 3 records; 2 were read" in out
    assert "declares 60 as sum of `seconds`" in out
    assert "why: huadan decode cdr.txt --format mine --failed" in out


def test_a_total_sums_up_one_field(capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "new", "mine", "--kind", "delimited")
    mapping = Path("formats/mine/mapping.yaml")
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace("    seconds: seconds #", "    seconds: [seconds, kind] #"))
    code, out, _ = call(capsys, "check", "mine")
    assert code == 2
    assert "the one field that it sums up" in out
    assert "1 errors" in out
