"""VoLTE and 5G traffic: the same bytes again, and read as what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest

from mediation.decoder import DecodedChunk, decode_chunk
from mediation.reader import FileSettings, open_cdr_file
from traffic.ims import WRITERS, Written

if TYPE_CHECKING:
    from pathlib import Path

    from traffic.clock import Span
    from traffic.population import Population


def read(path: Path, written: Written) -> tuple[str, DecodedChunk]:
    path.write_bytes(b"".join(written.records))
    with open_cdr_file(path, "0" * 32, None, FileSettings(path.parent)) as file:
        return file.format_name, decode_chunk(file, range(len(file.offsets)))


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_seed_is_read_back_as_what_it_wrote(
    name: str, people: Population, october: Span, tmp_path: Path
) -> None:
    write = WRITERS[name]
    written = write(people, 3, 60, october)
    assert write(people, 3, 60, october).records == written.records
    assert write(people, 4, 60, october).records != written.records
    found, chunk = read(tmp_path / "file.ber", written)
    assert found == name
    assert chunk.records_suspended == 0
    assert chunk.records_discarded == written.copies
    assert chunk.edr.num_rows == written.rows
    for column in ("uplink", "downlink"):
        assert pc.sum(chunk.edr.column(column)).as_py() == getattr(written, column)
    known = set(people.msisdn.tolist())
    assert set(chunk.edr.column("served_msisdn").to_pylist()) <= known


def test_the_seconds_of_calls_tie(people: Population, october: Span, tmp_path: Path) -> None:
    written = WRITERS["3gpp_ims"](people, 5, 80, october)
    _, chunk = read(tmp_path / "file.ber", written)
    assert pc.sum(chunk.edr.column("duration")).as_py() == written.seconds > 0
    legs: dict[int, set[str]] = {}
    for row in chunk.edr.to_pylist():
        legs.setdefault(row["call_reference"], set()).add(row["direction"])
    assert len(legs) == 80
    assert all(both == {"originating", "terminating"} for both in legs.values())
