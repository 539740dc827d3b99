"""Files to measure formats with: every record decodes, whatever stands around the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.format_files import NODES, UnmeasurableError, write_dense_file, write_file
from mediation import formats
from mediation.decoder import decode_chunk
from mediation.reader import FileSettings, open_cdr_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["3gpp_chf", "ericsson_cs", "huawei_cs", "tap3", "nrtrde"])
def test_every_record_of_a_dense_file_decodes(name: str, tmp_path: Path) -> None:
    path = write_dense_file(name, 3_000, tmp_path)
    with open_cdr_file(path, "0" * 32, name, FileSettings(scratch=tmp_path)) as opened:
        assert opened.n_records >= 3_000
        assert not opened.unframed
        done = decode_chunk(opened, range(opened.n_records), NODES)
    assert done.records_suspended == 0
    assert done.records_decoded > 0


def test_made_files_repeat_records_and_are_flat_too(tmp_path: Path) -> None:
    for name in ("nrtrde", "content_csv", "nokia_dx200"):
        path = write_file(name, 5_000, tmp_path)
        with open_cdr_file(path, "0" * 32, name, FileSettings(scratch=tmp_path)) as opened:
            assert opened.n_records == 5_000
            assert not opened.notes
            done = decode_chunk(opened, range(5_000), NODES)
        assert done.records_decoded == 5_000


def test_a_flat_format_has_no_dense_records(tmp_path: Path) -> None:
    flat = next(name for name in formats.available() if formats.load(name).flat is not None)
    with pytest.raises(UnmeasurableError, match="--file"):
        write_dense_file(flat, 3_000, tmp_path)
