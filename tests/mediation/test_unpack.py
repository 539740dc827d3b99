"""Packed files: every packing, several layers, damage, limits; the scratch folder stays clean."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from mediation.errors import UNREADABLE_REASONS, UnreadableFileError
from mediation.unpack import packing_of, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DATA = os.urandom(5000) * 3


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def zipped(*members: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("a-folder")
        for name, data in members:
            archive.writestr(name, data)
    return target.getvalue()


def one_member(data: bytes) -> bytes:
    return zipped(("a-folder/file.ber", data))


def unpacked(
    folder: Path, data: bytes, declared: Sequence[str] = (), limit: int = 1 << 20
) -> tuple[bytes, tuple[str, ...]]:
    path = folder / "file"
    path.write_bytes(data)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    found, layers = unpack(path, scratch / "id.unpacked", declared, limit)
    return found.read_bytes(), layers


def refused(folder: Path, data: bytes) -> UnreadableFileError:
    with pytest.raises(UnreadableFileError) as caught:
        unpacked(folder, data)
    assert caught.value.reason in UNREADABLE_REASONS
    assert not list((folder / "scratch").iterdir())
    return caught.value


@pytest.mark.parametrize(
    ("pack", "layers"),
    [
        (lambda data: data, ()),
        (gzip.compress, ("gzip",)),
        (zstd, ("zstd",)),
        (one_member, ("zip",)),
        (lambda data: gzip.compress(data) + gzip.compress(data)[:0], ("gzip",)),
        (lambda data: b"\x51\x2a\x4d\x18\x03\0\0\0abc" + zstd(data), ("zstd",)),
        (lambda data: zstd(data[:100]) + zstd(data[100:]), ("zstd",)),
        (lambda data: one_member(gzip.compress(data)), ("zip", "gzip")),
        (lambda data: gzip.compress(zstd(one_member(data))), ("gzip", "zstd", "zip")),
    ],
)
def test_layers(tmp_path: Path, pack, layers: tuple[str, ...]) -> None:  # noqa: ANN001
    assert unpacked(tmp_path, pack(DATA)) == (DATA, layers)
    assert unpacked(tmp_path, pack(DATA), layers) == (DATA, layers)
    assert len(list((tmp_path / "scratch").iterdir())) == min(1, len(layers))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(DATA)[:-9], "truncated_gzip"),
        (gzip.compress(DATA)[:-8] + bytes(8), "corrupt_gzip"),
        (zstd(DATA)[:-9], "truncated_zstd"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, "corrupt_zstd"),
        (one_member(DATA)[:-9], "corrupt_zip"),
        (one_member(DATA)[:200] + bytes(50) + one_member(DATA)[250:], "corrupt_zip"),
        (zipped(("a", DATA), ("b", DATA)), "not_one_member"),
        (zipped(), "not_one_member"),
        (b"PK\x05\x06" + bytes(18), "not_one_member"),
        (
            gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(DATA))))),
            "unpacked_too_large",
        ),
    ],
)
def test_damage(tmp_path: Path, data: bytes, reason: str) -> None:
    assert refused(tmp_path, data).reason == reason


@pytest.mark.parametrize("pack", [gzip.compress, zstd, one_member])
def test_a_bomb_stops_at_the_limit(tmp_path: Path, pack) -> None:  # noqa: ANN001
    assert "more than 1048576 octets" in refused(tmp_path, pack(bytes(20_000_000))).detail


@pytest.mark.parametrize(
    ("data", "packing"),
    [
        (lzma.compress(DATA), "xz"),
        (bz2.compress(DATA), "bzip2"),
        (gzip.compress(bz2.compress(DATA)), "bzip2"),
        (b"\x1f\x9d\x90" + DATA, "compress"),
    ],
)
def test_packings_that_are_not_read_are_named(tmp_path: Path, data: bytes, packing: str) -> None:
    error = refused(tmp_path, data)
    assert error.reason == "packing_not_read"
    assert f"it is packed with {packing}, which is not read: unpack it" in error.detail


def test_not_as_declared(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="declares gzip and it begins as no packed file"):
        unpacked(tmp_path, DATA, ["gzip"])
    with pytest.raises(UnreadableFileError, match="declares zstd and it begins as gzip"):
        unpacked(tmp_path, gzip.compress(DATA), ["zstd"])
    packed = gzip.compress(DATA)
    assert unpacked(tmp_path, zstd(packed), ["zstd"]) == (packed, ("zstd",))


def test_no_packing_begins_like_a_record(tmp_path: Path) -> None:
    for begins in (b"\xa0\x80", b"\x30\x82", b"\x61\x82", b"\x62\x81", b"\x7f\x84", b"\xbf\x4f"):
        path = tmp_path / "file"
        path.write_bytes(begins + bytes(20))
        assert packing_of(path) is None


@pytest.mark.parametrize(
    "behind", [b"GARBAGE", gzip.compress(b"more" * 50)[:-3]], ids=["garbage", "another"]
)
def test_a_fault_behind_a_whole_gzip_member_says_how_much_was_good(
    tmp_path: Path, behind: bytes
) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(bytes(5000)) + behind)
    with pytest.raises(UnreadableFileError) as fault:
        unpack(path, tmp_path / "plain", (), 1 << 20)
    good = 5000 + 200 * (behind != b"GARBAGE")
    assert f"after {good} unpacked octets" in fault.value.detail
