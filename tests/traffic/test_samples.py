from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.traffic.conftest import SAMPLES, SmallSamples
from traffic import tlv
from traffic.encode import ROOT_TYPES, specification
from traffic.parts import PLANTED as PARTS
from traffic.places import CALLS
from traffic.plan import plan_files
from traffic.samples import FILES, encode_file, write_samples
from traffic.vas import LINES, NAME, write_platform_file
from traffic.vas import PLANTED as OF_PLATFORM

if TYPE_CHECKING:
    from pathlib import Path

    from traffic.clock import Span

PLANTED = PARTS + len(CALLS)
VAS = LINES + len(OF_PLATFORM)

KINDS = {
    *(kind for kind, *_ in CALLS),
    *(kind for kind, *_ in OF_PLATFORM),
    "file_sent_twice",
    "sequence_gap",
    "records_lost",
    "repeated_records",
    "cut_record",
    "impossible_date",
    "unknown_tag",
    "indefinite_length",
    "filler",
    "unknown_subscriber",
    "call_over_midnight",
    "call_over_time_band",
    "zero_seconds",
    "call_in_parts",
    "call_without_a_part",
    "call_that_goes_on",
    "session_in_parts",
}
DESTINATIONS = {"rated", "assembled", "suspended", "duplicate", "discarded"}


def _troubles(outcomes: dict, kind: str) -> list[dict]:
    return [one for one in outcomes["troubles"] if one["kind"] == kind]


def _check_outcomes(folder: Path, outcomes: dict) -> None:
    assert {one["kind"] for one in outcomes["troubles"]} == KINDS
    files = {row["file"]: row for row in outcomes["files"]}
    paths = (path for path in folder.rglob("*.*") if path.is_file())
    assert set(files) == {str(path.relative_to(folder)) for path in paths}
    for name, row in files.items():
        data = (folder / name).read_bytes()
        assert len(data) == row["bytes"]
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
    for one in outcomes["troubles"]:
        expected = one["expected"]
        assert expected
        assert expected.get("destination", "rated") in DESTINATIONS
        data = (folder / one["file"]).read_bytes()
        for place in one.get("records", []):
            assert 0 <= place["record"] < files[one["file"]]["records"]
            if one["file"] == NAME:
                assert data[place["offset"] - 1 :].startswith(b"\ncontent,")
            else:
                assert data[place["offset"]] in {*range(0xA0, 0xAB), 0xBF}
        if "destination" in expected:
            assert expected["records"] == len(one["records"])


def test_outcomes_describe_the_files(small_samples: SmallSamples) -> None:
    _check_outcomes(small_samples.folder, small_samples.outcomes)
    totals = small_samples.outcomes["totals"]
    assert totals["files"] == len(small_samples.generated.files) == 47
    assert totals["records"] == 4_000 + 4 + PLANTED + totals["records_duplicate"] + VAS
    assert totals["records_suspended"] == 6


@pytest.mark.skipif(not (SAMPLES / "cdr").exists(), reason="a source archive has no sample files")
def test_committed_samples_are_described() -> None:
    outcomes = yaml.safe_load((SAMPLES / "troubles.yaml").read_text("utf-8"))
    _check_outcomes(SAMPLES / "cdr", outcomes)
    assert outcomes["totals"]["records"] >= 100_000
    assert sum(row["bytes"] for row in outcomes["files"]) < 25_000_000


@pytest.mark.skipif(not (SAMPLES / "cdr").exists(), reason="a source archive has no sample files")
@pytest.mark.parametrize("source", ["msc3", "pgw1"])
def test_committed_samples_are_made_by_the_seed(october: Span, source: str) -> None:
    outcomes = yaml.safe_load((SAMPLES / "troubles.yaml").read_text("utf-8"))
    row = next(
        row for row in outcomes["files"] if row["file"].startswith(f"{source}/{source}_000001_")
    )
    records = sum(row["records"] for row in outcomes["files"]) - next(
        row["records"] for row in outcomes["files"] if row["file"].endswith("_again.ber")
    )
    planted = VAS + 4 + PLANTED + outcomes["totals"]["records_duplicate"]
    planned = plan_files(records - planted, outcomes["seed"], FILES, october)
    plan = next(plan for plan in planned if plan.source.name == source and plan.sequence == 1)
    octets, _ = encode_file((plan, SAMPLES / "shop" / "subscribers"))
    assert hashlib.sha256(b"".join(octets)).hexdigest() == row["sha256"]


@pytest.mark.skipif(not (SAMPLES / "cdr").exists(), reason="a source archive has no sample files")
def test_the_committed_file_of_the_platform_is_made_by_the_seed(tmp_path: Path) -> None:
    outcomes = yaml.safe_load((SAMPLES / "troubles.yaml").read_text("utf-8"))
    row, known = write_platform_file(tmp_path, outcomes["seed"], SAMPLES / "shop" / "subscribers")
    assert row in outcomes["files"]
    assert all(one in outcomes["troubles"] for one in known)
    assert (tmp_path / NAME).read_bytes() == (SAMPLES / "cdr" / NAME).read_bytes()


def test_the_same_seed_makes_the_same_samples_on_any_number_of_workers(
    small_samples: SmallSamples, october: Span
) -> None:
    planned = plan_files(4_000, 5, 45, october)
    untouched = next(plan for plan in planned if plan.source.name == "pgw1")
    octets, _ = encode_file((untouched, small_samples.subscribers))
    path = next((small_samples.folder / "pgw1").glob("pgw1_000001_*"))
    assert path.read_bytes() == b"".join(octets)


def test_sent_twice_and_gap(small_samples: SmallSamples) -> None:
    (twice,) = _troubles(small_samples.outcomes, "file_sent_twice")
    folder = small_samples.folder
    assert (folder / twice["file"]).read_bytes() == (folder / twice["same_as"]).read_bytes()
    assert twice["file"] != twice["same_as"]
    (gap,) = _troubles(small_samples.outcomes, "sequence_gap")
    present = {int(path.name[5:11]) for path in (folder / gap["source"]).iterdir()}
    missing = set(range(1, max(present) + 1)) - present
    assert missing == set(gap["expected"]["missing_sequences"])


def test_repeated_records_stand_in_two_files(small_samples: SmallSamples) -> None:
    (again,) = _troubles(small_samples.outcomes, "repeated_records")
    data = (small_samples.folder / again["file"]).read_bytes()
    other = (small_samples.folder / again["other_file"]).read_bytes()
    for place in again["records"]:
        _, end = tlv.parse(data, place["offset"])
        assert other.count(data[place["offset"] : end]) == 1


def test_cut_records_do_not_hold_what_they_claim(small_samples: SmallSamples) -> None:
    cuts = _troubles(small_samples.outcomes, "cut_record")
    assert len(cuts) == 3
    for cut in cuts:
        data = (small_samples.folder / cut["file"]).read_bytes()
        (place,) = cut["records"]
        with pytest.raises(ValueError, match="behind the"):
            tlv.parse(data[: place["offset"] + cut["length"]], place["offset"])


def test_edited_records_are_the_unchanged_ones_to_asn1tools(
    small_samples: SmallSamples, october: Span
) -> None:
    for one in _troubles(small_samples.outcomes, "indefinite_length"):
        source = one["file"].split("/")[0]
        row = next(row for row in small_samples.outcomes["files"] if row["file"] == one["file"])
        plan = next(
            plan
            for plan in plan_files(4_000, 5, 45, october)
            if (plan.source.name, plan.sequence) == (source, row["sequence"])
        )
        unchanged, _ = encode_file((plan, small_samples.subscribers))
        data = (small_samples.folder / one["file"]).read_bytes()
        compiled = specification(plan.source.format)
        for place in one["records"]:
            piece = data[place["offset"] : place["offset"] + 2_000]
            assert b"\x80" in piece
            root = ROOT_TYPES[plan.source.format]
            assert compiled.decode(root, piece) == compiled.decode(root, unchanged[place["record"]])


def test_filler_fills_blocks(small_samples: SmallSamples) -> None:
    rows = {row["file"]: row for row in small_samples.outcomes["files"]}
    for one in _troubles(small_samples.outcomes, "filler"):
        data = (small_samples.folder / one["file"]).read_bytes()
        assert len(data) % 2_048 == 0
        assert 0 < rows[one["file"]]["filler_bytes"] < len(data)
        assert data[-1] == one["filler"]


def test_too_few_records_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 4,000 records and 45 files"):
        write_samples(tmp_path, records=100, subscribers_folder=tmp_path)
