"""Files for roaming partners: what we write is read back by our own decoder as the same events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest

from mediation.decoder import decode_chunk
from mediation.edr import EDR_SCHEMA
from mediation.reader import FileSettings, open_cdr_file
from pipeline.high_usage.nrtrde import NrtrdeWriter, sent_before
from pipeline.high_usage.section import Nrtrde

if TYPE_CHECKING:
    from pathlib import Path

START = 1_791_000_000_000_000
GERMAN, FRENCH = 262011234567890, 208011234567890
WANTED = Nrtrde(sender="CHNCT", partners={"262-01": "DEUD1", "208-01": "FRAF1"})


def edr(*rows: dict[str, Any]) -> pl.LazyFrame:
    usual = {
        "file_id": "0" * 32,
        "container": 0,
        "record_type": "moCallRecord",
        "service": "voice",
        "direction": "originating",
        "served_imsi": GERMAN,
        "served_msisdn": 4917012345678,
        "served_imei": 35123456789012,
        "start_time": START,
        "utc_offset": 480,
        "duration": 75,
        "uplink": 0,
        "downlink": 0,
        "events": 0,
        "visited_network": "460-00",
        "area": 7,
        "cell": 9,
    }
    full = [{**usual, "offset": number, **row} for number, row in enumerate(rows)]
    table = pa.Table.from_pylist(full, schema=EDR_SCHEMA)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame.lazy()


def read(path: Path, scratch: Path) -> list[dict[str, Any]]:
    opened = open_cdr_file(path, "1" * 32, None, FileSettings(scratch=scratch))
    try:
        assert opened.format_name == "nrtrde"
        chunk = decode_chunk(opened, range(opened.n_records))
        assert chunk.records_suspended == 0
        return chunk.edr.to_pylist()
    finally:
        opened.close()


def test_what_partners_get_says_what_happened(tmp_path: Path) -> None:
    rows = [
        {"other_number": 8613912345678, "dialled": 13912345678, "dialled_zeros": 1, "cause": 0},
        {"direction": "terminating", "other_number": 4930123456, "start_time": START + 60_000_000},
        {"service": "sms", "direction": "originating", "start_time": START + 120_000_000},
        {"service": "sms", "direction": "terminating", "start_time": START + 180_000_000},
        {
            "service": "data",
            "uplink": 5_000_000_000,
            "downlink": 12,
            "apn": "web.example",
            "charging_id": 77,
            "utc_offset": -210,
            "start_time": START + 240_000_000,
        },
        {"served_imsi": FRENCH},
        {"served_imsi": 460001234567890},  # our own
        {"visited_network": "440-10"},  # not in our network
    ]
    (tmp_path / "staging").mkdir()
    writer = NrtrdeWriter(WANTED, frozenset({"460-00"}), Counter({"DEUD1": 41}))
    written = list(writer.write(tmp_path / "staging", edr(*rows)))
    assert [(one.path, one.rows) for one in written] == [
        ("settlement/nrtrde/DEUD1/NRCHNCTDEUD10000042", 5),
        ("settlement/nrtrde/FRAF1/NRCHNCTFRAF10000001", 1),
    ]
    found = read(tmp_path / "staging" / written[0].path, tmp_path)
    sources = edr(*rows).collect().to_dicts()[:5]
    for got, source in zip(found, sources, strict=True):
        assert got["visited_network"] == "CHNCT"
        for name in (
            *("service", "direction", "served_imsi", "served_msisdn", "served_imei", "duration"),
            *("start_time", "utc_offset", "other_number", "dialled", "dialled_zeros", "uplink"),
            *("downlink", "area", "cell", "apn", "charging_id", "cause"),
        ):
            assert got[name] == source[name], (name, source["service"])


def test_numbers_go_on_from_what_was_committed() -> None:
    paths = [
        "settlement/nrtrde/DEUD1/NRCHNCTDEUD10000001",
        "rated/cycle=2026-10/batch-000001.parquet",
    ]
    assert sent_before(paths) == {"DEUD1": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sender": "CHNCT"}, "belong together"),
        ({"sender": "CHNCT", "partners": {"26201": "DEUD1"}}, "'26201' is not MCC-MNC"),
        ({"sender": "China", "partners": {"262-01": "DEUD1"}}, "sender"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Nrtrde(**settings)
