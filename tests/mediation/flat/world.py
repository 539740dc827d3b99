"""Formats that tests write themselves, files made for them, and what the decoder makes of them."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mediation import formats
from mediation.columns import EDR_COLUMNS
from mediation.decoder import decode_chunk
from mediation.edr import EDR_SCHEMA
from mediation.normalize import CHINA
from mediation.reader import FileSettings, open_cdr_file
from mediation.reference.flat import FlatWalk

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from mediation.normalize import NormalizationSettings
    from mediation.reader import CdrFile

FILE_ID = "f1" * 16
START = EDR_SCHEMA.get_field_index("start_time")


@dataclass(frozen=True)
class Found:
    """What became of a file."""

    rows: list[dict[str, Any]]
    suspense: list[dict[str, Any]]
    cdr: Any
    records: list[tuple[int, int]]
    unframed: list[tuple[int, int, str]]
    notes: tuple[str, ...]


@contextlib.contextmanager
def own_formats(mappings: dict[str, str]) -> Iterator[None]:
    """Formats that stand in a folder of their own for a while."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name, mapping in mappings.items():
            Path(folder, name).mkdir()
            Path(folder, name, "mapping.yaml").write_text(mapping, encoding="utf-8")
        patch.setenv("HUADAN_FORMATS", folder)
        yield


def plain_rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows as dicts, the start in microseconds."""
    start = batch.column(START).cast("int64").to_pylist()
    rows = batch.to_pylist()
    for row, at in zip(rows, start, strict=True):
        row["start_time"] = at
    return rows


def decode(
    data: bytes,
    name: str | None,
    records_per_chunk: int = 1 << 30,
    settings: NormalizationSettings = CHINA,
) -> Found:
    """Opens octets as a file and decodes them all; checks that every octet is accounted for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.txt")
        path.write_bytes(data)
        with open_cdr_file(path, FILE_ID, name, FileSettings(Path(folder))) as cdr:
            check_octets(cdr)
            chunks = [decode_chunk(cdr, part, settings) for part in cdr.chunks(records_per_chunk)]
            for chunk in chunks:
                assert chunk.records == (
                    chunk.records_decoded + chunk.records_suspended + chunk.records_discarded
                )
            records = list(zip(cdr.offsets.tolist(), cdr.lengths.tolist(), strict=True))
            return Found(
                [row for chunk in chunks for row in plain_rows(chunk.edr)],
                [row for chunk in chunks for row in chunk.suspense.to_pylist()],
                cdr,
                records,
                cdr.unframed,
                cdr.notes,
            )


def check_octets(cdr: CdrFile) -> None:
    """Header, records, filler and gaps are the whole file, and no two of them overlap."""
    gaps = sum(length for _, length, _ in cdr.unframed)
    assert cdr.header_bytes + cdr.filler_bytes + int(cdr.lengths.sum()) + gaps == cdr.size
    records = zip(cdr.offsets.tolist(), cdr.lengths.tolist(), strict=True)
    pieces = sorted([*records, *((offset, length) for offset, length, _ in cdr.unframed)])
    ends = 0
    for offset, length in pieces:
        assert offset >= ends
        ends = offset + length
    assert ends <= cdr.size


def twin_row(
    name: str, octets: bytes, positions: dict[str, int] | None = None, columns: int = 0
) -> dict[str, Any]:
    """The EDR that the plain-Python decoder makes of one record."""
    row = twin_columns(name, octets, positions, columns)
    return {column: row[column] for column in EDR_COLUMNS}


def twin_columns(
    name: str, octets: bytes, positions: dict[str, int] | None = None, columns: int = 0
) -> dict[str, Any]:
    """All that the plain-Python decoder reads in one record, its running number too."""
    plan = formats.load(name).flat
    assert plan is not None
    return dict(FlatWalk(plan.layout, octets, CHINA, positions, columns).row())


def octets_of(data: bytes) -> np.ndarray[Any, Any]:
    """Octets as a read-only array."""
    return np.frombuffer(data, np.uint8)
