"""Files of every format: the same bytes again, detected, and read as what was written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mediation import formats
from mediation.batch_audit import total_notes, totals_of
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.normalize import CHINA
from mediation.reader import FileSettings, open_cdr_file
from mediation.time_zones import NO_ZONES
from traffic.nodes import NODES, MadeFile, NoWriterError, write_node_file

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 300
CHINESE_CLOCKS = replace(CHINA, time_zones=NO_ZONES.with_default("Asia/Shanghai"))


def read(path: Path) -> tuple[str, tuple[str, ...], DecodedChunk]:
    """Returns the detected format, what is noted about the file, and its records."""
    with open_cdr_file(path, "0" * 32, None, FileSettings(path.parent)) as file:
        chunk = decode_chunk(file, range(file.n_records), CHINESE_CLOCKS)
        assert not file.unframed
        totals = totals_of(formats.load(file.format_name), file.batches, chunk.sums)
        return file.format_name, (*file.notes, *total_notes(totals)), chunk


def made(name: str, folder: Path, records: int = COUNT, seed: int = 3) -> tuple[Path, MadeFile]:
    path = folder / "made"
    return path, write_node_file(name, records, seed, path)


def test_every_format_has_a_writer() -> None:
    assert set(NODES) == set(formats.available())


@pytest.mark.parametrize("name", sorted(NODES))
def test_a_file_is_read_as_what_was_written(name: str, tmp_path: Path) -> None:
    path, written = made(name, tmp_path)
    found, notes, chunk = read(path)
    assert found == name
    assert not notes
    assert chunk.suspense.num_rows == 0, chunk.suspense.to_pylist()[:2]
    assert chunk.records == written.records == sum(written.by_kind.values()) == COUNT
    assert chunk.records_decoded + chunk.records_discarded == COUNT
    if name != "rap":
        assert chunk.records_decoded > COUNT // 3
        for column in ("served_imsi", "served_msisdn"):
            filled = len(chunk.edr.column(column)) - chunk.edr.column(column).null_count
            assert filled > chunk.edr.num_rows // 2, column
        amount = sum(
            pc.sum(chunk.edr.column(column).cast(pa.int64())).as_py() or 0
            for column in ("duration", "uplink", "downlink", "events")
        )
        assert amount > COUNT


@pytest.mark.parametrize("name", sorted(NODES))
def test_a_seed_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    path, _ = made(name, tmp_path, 40)
    first = path.read_bytes()
    made(name, tmp_path, 40)
    assert path.read_bytes() == first
    made(name, tmp_path, 40, seed=4)
    assert path.read_bytes() != first


@pytest.mark.parametrize("name", ["tap3", "content_csv", "nokia_dx200"])
def test_repeated_records_are_counted_and_summed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "made"
    written = write_node_file(name, 500, 3, path, distinct=70)
    assert (written.records, written.distinct) == (500, 70)
    _, notes, chunk = read(path)
    assert not notes
    assert chunk.records_decoded == 500


def test_a_format_without_a_writer_names_those_that_have_one(tmp_path: Path) -> None:
    with pytest.raises(NoWriterError, match="3gpp_cs"):
        write_node_file("own", 10, 1, tmp_path / "made")
