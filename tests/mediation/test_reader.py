"""Opening files: plain, gzip, damaged, empty, of unknown format."""

from __future__ import annotations

import gzip
import os
import random
import re
from typing import TYPE_CHECKING

import pytest

from mediation.errors import UNREADABLE_REASONS, UnreadableFileError
from mediation.reader import CdrFile, FileSettings, open_cdr_file
from tests.mediation.framing_cases import cdr, file_header, tlv

if TYPE_CHECKING:
    from pathlib import Path

BODY = (
    b"\x80\x01\x00\x81\x08\x64\x00\x10\x00\x00\x00\x10\xf0"
    b"\x97\x09\x26\x10\x01\x12\x00\x00\x2b\x08\x00\x99\x01\x05\x9e\x01\x00"
)
RECORD = tlv(b"\xa0", BODY)
FORMAT = "3gpp_cs"


def opened(
    folder: Path, data: bytes, name: str | None = FORMAT, framing: str | None = None
) -> CdrFile:
    path = folder / "file.ber"
    path.write_bytes(data)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return open_cdr_file(path, "f00d", name, FileSettings(scratch, framing))


def refused(folder: Path, data: bytes, name: str | None = FORMAT) -> UnreadableFileError:
    with pytest.raises(UnreadableFileError) as caught:
        opened(folder, data, name)
    assert caught.value.reason in UNREADABLE_REASONS
    assert not list((folder / "scratch").iterdir())
    return caught.value


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", [FORMAT, None])
def test_records_of_a_file(tmp_path: Path, name: str | None, *, packed: bool) -> None:
    data = RECORD * 3 + b"\xff" * 7
    with opened(tmp_path, gzip.compress(data) if packed else data, name) as cdr_file:
        assert (cdr_file.format_name, cdr_file.framing) == (FORMAT, "bare")
        assert (cdr_file.size, cdr_file.n_records, cdr_file.filler_bytes) == (len(data), 3, 7)
        assert cdr_file.offsets.tolist() == [0, len(RECORD), 2 * len(RECORD)]
        assert cdr_file.raw(len(RECORD), len(RECORD)) == RECORD
        assert cdr_file.data.tobytes() == data
        assert not cdr_file.data.flags.writeable
        assert cdr_file.sequence_number is None
        assert cdr_file.declared_records is None
    assert not list((tmp_path / "scratch").iterdir())
    with pytest.raises(ValueError, match="is closed"):
        _ = cdr_file.data


def test_headers_of_a_file(tmp_path: Path) -> None:
    data = file_header(count=4, sequence=19) + cdr(RECORD) * 3
    with opened(tmp_path, data) as cdr_file:
        assert cdr_file.framing == "ts32297"
        assert (cdr_file.sequence_number, cdr_file.declared_records) == (19, 4)
        assert (cdr_file.n_records, cdr_file.header_bytes) == (3, 54 + 3 * 5)
        assert any("declares 4 records" in note for note in cdr_file.notes)


def test_chunks(tmp_path: Path) -> None:
    with opened(tmp_path, RECORD * 5) as cdr_file:
        assert cdr_file.chunks(2) == [range(2), range(2, 4), range(4, 5)]
        cdr_file.release(range(2))
        assert cdr_file.raw(0, 2) == RECORD[:2]  # released memory can be read again
        with pytest.raises(ValueError, match="at least 1"):
            cdr_file.chunks(0)


def test_unframed_octets(tmp_path: Path) -> None:
    with opened(tmp_path, RECORD + RECORD[:9] + RECORD) as cdr_file:
        assert cdr_file.n_records == 2
        assert cdr_file.unframed == [(len(RECORD), 9, "inside_inconsistent")]


def test_a_view_may_outlive_the_file(tmp_path: Path) -> None:
    cdr_file = opened(tmp_path, RECORD)
    view = cdr_file.data
    cdr_file.close()
    cdr_file.close()
    assert view.tobytes() == RECORD


def test_empty_file(tmp_path: Path) -> None:
    assert refused(tmp_path, b"").reason == "empty_file"
    assert refused(tmp_path, gzip.compress(b"")).reason == "empty_file"


def test_damaged_gzip(tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(50_000))
    cut = refused(tmp_path, packed[:30_000])
    assert cut.reason == "truncated_gzip"
    assert "fetch the file again" in cut.detail
    assert refused(tmp_path, packed[:-8] + b"\0" * 8).reason == "corrupt_gzip"
    assert refused(tmp_path, b"\x1f\x8b" + b"\xff" * 40).reason == "corrupt_gzip"


def test_a_gzip_file_does_not_fill_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "file.ber"
    path.write_bytes(gzip.compress(bytes(3_000_000)))
    settings = FileSettings(tmp_path, max_unpacked_octets=2_000_000)
    with pytest.raises(UnreadableFileError, match="unpacked_too_large"):
        open_cdr_file(path, "f00d", FORMAT, settings)
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_format(tmp_path: Path) -> None:
    error = refused(tmp_path, b"caller;callee;seconds\n" * 50, None)
    assert error.reason == "unknown_format"
    assert "63 61 6c" in error.detail


STRANGERS = {
    "random": random.Random(7).randbytes(5_000),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xdb\x00\x43\x00"
    + random.Random(8).randbytes(4_000),
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x06\x00\x00\x00"
    + random.Random(9).randbytes(4_000),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(2_000) + b"/lib64/ld",
    "text": b"Dear partner, here are the records of October.\n" * 80,
    "zeros": bytes(5_000),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_no_cdr_file_is_of_an_unknown_format(tmp_path: Path, kind: str) -> None:
    assert refused(tmp_path, STRANGERS[kind], None).reason == "unknown_format"


def test_tags_and_lengths_alone_are_thin_evidence(tmp_path: Path) -> None:
    """Fields numbered from 0, as in many formats, of which no value fits."""
    rng = random.Random(3)
    fields = [b"\x80\x01\x00", *(bytes([0x81 + n, 3]) for n in range(9))]
    data = b"".join(
        tlv(b"\xa0", fields[0] + b"".join(head + rng.randbytes(3) for head in fields[1:]))
        for _ in range(90)
    )
    error = refused(tmp_path, data, None)
    assert error.reason == "unknown_format"
    nearest = re.search(r"The nearest is (\w+) \(bare\): 100.0% whole records", error.detail)
    assert nearest is not None
    assert re.search(r"of its first 64 records 0 have values that \w+ can read", error.detail)
    assert f"--format {nearest[1]}" in error.detail


def test_a_declared_format_that_does_not_fit_suspends_every_octet(tmp_path: Path) -> None:
    data = b"caller;callee;seconds\n" * 50
    with opened(tmp_path, data) as cdr_file:
        assert cdr_file.n_records == 0
        assert [gap[:2] for gap in cdr_file.unframed] == [(0, len(data))]


def test_missing_file_and_folder(tmp_path: Path) -> None:
    settings = FileSettings(tmp_path)
    with pytest.raises(UnreadableFileError, match="missing_file"):
        open_cdr_file(tmp_path / "none.ber", "f00d", FORMAT, settings)
    with pytest.raises(UnreadableFileError, match="not_permitted"):
        open_cdr_file(tmp_path, "f00d", FORMAT, settings)


def test_an_unknown_framing_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allowed: gzip, zstd"):
        opened(tmp_path, RECORD, FORMAT, "block")
