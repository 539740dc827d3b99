"""Units of work: every record once, in order, and no more of them in a unit than asked for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch import units
from pipeline.batch.units import MAX_FILES_PER_UNIT, OpenFile, Unit, cut

if TYPE_CHECKING:
    from mediation.reader import CdrFile
    from pipeline.config.load import Config
    from pipeline.ledger.model import LedgerFile


def cut_into(sizes: list[int], most: int) -> list[Unit]:
    """Cuts files of so many records each; only how many they have is asked of them."""
    config = cast("Config", SimpleNamespace(run=SimpleNamespace(records_per_chunk=most)))

    def opened(entry: LedgerFile, *_: object) -> OpenFile:
        cdr = cast("CdrFile", SimpleNamespace(n_records=sizes[int(entry.file_id)]))
        return OpenFile(entry, cdr, None)

    files = [cast("LedgerFile", SimpleNamespace(file_id=str(at))) for at in range(len(sizes))]
    with patch.object(units, "open_file", opened):
        return list(cut(files, Path(), Path(), config))


def named(unit: Unit) -> list[tuple[int, range]]:
    return [(int(part.file.entry.file_id), part.records) for part in unit]


@given(st.lists(st.integers(0, 250), max_size=90), st.integers(2, 100))
def test_every_record_is_in_one_unit_in_order(sizes: list[int], most: int) -> None:
    cuts = [named(unit) for unit in cut_into(sizes, most)]
    records = [(file, record) for unit in cuts for file, part in unit for record in part]
    assert records == [(file, at) for file, size in enumerate(sizes) for at in range(size)]
    assert [file for unit in cuts for file, part in unit if part.start == 0] == [*range(len(sizes))]
    for unit in cuts:
        assert 0 < len(unit) <= MAX_FILES_PER_UNIT
        assert sum(len(part) for _, part in unit) <= most
        # What is begun and not ended stands in a unit that was not half full before.
        *before, (file, last) = unit
        if before and last.stop < sizes[file]:
            assert sum(len(part) for _, part in before) <= most - most // 2


def test_large_files_of_a_size_share_no_unit_and_small_ones_do() -> None:
    assert [named(unit) for unit in cut_into([19, 19], 10)] == [
        [(0, range(10))],
        [(0, range(10, 19))],
        [(1, range(10))],
        [(1, range(10, 19))],
    ]
    assert [named(unit) for unit in cut_into([3, 3, 3, 3], 10)] == [
        [(0, range(3)), (1, range(3)), (2, range(3))],
        [(3, range(3))],
    ]
    assert [named(unit) for unit in cut_into([12, 9], 10)] == [
        [(0, range(10))],
        [(0, range(10, 12)), (1, range(8))],
        [(1, range(8, 9))],
    ]
