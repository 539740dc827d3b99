from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import bench
from bench.decode import bench_decode
from bench.run import bench_run


def test_decode_is_measured_beside_asn1tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.decode.PEER_RECORDS", 500)
    result = bench_decode(records=5_000, rounds=1, progress=lambda _: None)
    assert result.records == 5_000
    (peer,) = result.peers
    assert peer.name == "asn1tools"
    assert peer.ratio > 1


@pytest.mark.slow
def test_run_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.run.SUBSCRIBERS", 500)
    result = bench_run(5_000, 1, 1, lambda _: None, scale=True)
    assert result.records_per_s > 0
    assert result.peak_rss_bytes > 50_000_000
    assert [peer.name for peer in result.peers] == ["huadan, 500 records"]


def test_json_is_one_object_with_the_promised_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.decode.PEER_RECORDS", 50)
    answer = CliRunner().invoke(bench, ["decode", "--records", "2000", "--rounds", "1", "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert set(told) == {
        "stage", "records", "threads", "records_per_s", "peak_rss_bytes", "calibration", "peers",
        "quiet", "notes",
    }  # fmt: skip
    assert set(told["peers"][0]) == {"name", "threads", "records_per_s", "ratio"}


def test_dedupe_checks_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.dedupe.UNIT", 5_000)
    answer = CliRunner().invoke(bench, ["dedupe", "--keys", "600000", "--rounds", "1", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["records_per_s"] > 0
    monkeypatch.setattr(
        "mediation.key_store.Day.known", lambda _, high, __: np.zeros(len(high), np.uint8)
    )
    answer = CliRunner().invoke(bench, ["dedupe", "--keys", "600000", "--rounds", "1"])
    assert "duplicates were missed" in str(answer.exception)


def test_subscribers_are_measured_from_csv_and_parquet() -> None:
    arguments = ["subscribers", "--rows", "20000", "--rounds", "1", "--json"]
    answer = CliRunner().invoke(bench, arguments)
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["records"] == 20_000
    assert [peer["name"] for peer in told["peers"]] == ["huadan, Parquet"]


def test_compile_is_measured_on_a_book_of_the_size_asked_for() -> None:
    arguments = ["compile", "--prefixes", "2000", "--plans", "3", "--rounds", "1", "--json"]
    answer = CliRunner().invoke(bench, arguments)
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["records"] == 2_000
    assert told["peak_rss_bytes"] > 20_000_000
    assert "3 plans" in told["notes"][0]
