from __future__ import annotations

import errno
import fcntl
import os
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from collectors.digest import digest_of
from pipeline import flusher as module
from pipeline.flusher import BLOCK, DIRECT, LARGE, PIECE, WAITING, Flusher, open_new
from pipeline.parquet import write_octets

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_handed_over_is_durable_when_the_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def slow(handle: int) -> None:
        synced.append(str(Path("/proc/self/fd", str(handle)).readlink()))
        fsync(handle)

    monkeypatch.setattr(module.os, "fsync", slow)
    before = open_files()
    names = [f"{number}.octets" for number in range(20)]
    with Flusher() as flusher:
        for name in names:
            write_octets(memoryview(b"octets"), tmp_path, name, 1, flusher)
    assert synced == [str(tmp_path / name) for name in names]
    assert open_files() == before


def test_a_disk_that_refuses_is_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(module.os, "fsync", refuse)
    before = open_files()
    with pytest.raises(OSError, match="broken"), Flusher() as flusher:
        write_octets(memoryview(b"octets"), tmp_path, "one", 1, flusher)
    assert open_files() == before


def test_the_first_error_of_the_block_is_the_one_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("second")))

    def work(flusher: Flusher) -> None:
        write_octets(memoryview(b"octets"), tmp_path, "one", 1, flusher)
        message = "first"
        raise ValueError(message)

    with pytest.raises(ValueError, match="first"), Flusher() as flusher:
        work(flusher)


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder that is on a disk; that of the tests may be in memory, where nothing is past it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="huadan-test-") as folder:
        yield Path(folder)


def goes_past_the_cache(folder: Path) -> bool:
    handle = open_new(folder / "probe", LARGE)
    try:
        return bool(fcntl.fcntl(handle, fcntl.F_GETFL) & DIRECT)
    finally:
        os.close(handle)


SIZES = (0, 1, LARGE - 1, LARGE, LARGE + 1, PIECE, PIECE + BLOCK + 17, 2 * PIECE + BLOCK - 1)


def written(folder: Path) -> dict[int, bool]:
    """Writes files of all sizes and reads them back; returns which of them are right."""
    octets = random.Random(5).randbytes(max(SIZES))
    with Flusher() as flusher:
        outputs = [
            write_octets(memoryview(octets)[:size], folder, f"{size}", 1, flusher) for size in SIZES
        ]
    assert [output.digest for output in outputs] == [
        digest_of((folder / output.path).read_bytes()) for output in outputs
    ]
    return {size: (folder / f"{size}").read_bytes() == octets[:size] for size in SIZES}


def test_files_of_any_size_are_written_whole(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past: list[int] = []
    write = os.write

    def noted(handle: int, octets: memoryview) -> int:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & DIRECT:
            past.append(len(octets))
        return write(handle, octets)

    monkeypatch.setattr(module.os, "write", noted)
    whole = dict.fromkeys(SIZES, True)
    assert (written(tmp_path), written(disk)) == (whole, whole)
    if goes_past_the_cache(disk):
        large = [size // BLOCK * BLOCK for size in SIZES if size >= LARGE]
        assert sum(past) == sum(large) * (2 if goes_past_the_cache(tmp_path) else 1)


def test_a_disk_of_larger_blocks_is_written_through_the_cache(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    refused: list[int] = []

    def picky(handle: int, octets: memoryview) -> int:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & DIRECT:
            refused.append(len(octets))
            raise OSError(errno.EINVAL, "not of my blocks")
        return write(handle, octets)

    monkeypatch.setattr(module.os, "write", picky)
    assert written(disk) == dict.fromkeys(SIZES, True)
    assert bool(refused) == goes_past_the_cache(disk)


def test_a_full_disk_is_told_to_who_writes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()

    def full(_handle: int, _octets: memoryview) -> int:
        told.set()
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(module.os, "write", full)
    before = open_files()

    def work(flusher: Flusher) -> int:
        for number in range(1000):
            try:
                write_octets(memoryview(b"octets"), tmp_path, f"{number}", 1, flusher)
            except OSError:
                return number
            told.wait(10)
        return 1000

    with pytest.raises(OSError, match="full"), Flusher() as flusher:
        assert work(flusher) < 1000
    assert open_files() == before


def test_a_slow_disk_holds_up_who_writes_and_takes_no_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()
    monkeypatch.setattr(module, "write_all", lambda *_: may_write.wait(10))
    handed: list[int] = []

    def work(flusher: Flusher) -> None:
        for number in range(WAITING + 3):
            write_octets(memoryview(b"octets"), tmp_path, f"{number}", 1, flusher)
            handed.append(number)

    with Flusher() as flusher:
        writer = threading.Thread(target=work, args=(flusher,))
        writer.start()
        writer.join(0.2)
        assert handed == list(range(WAITING))
        may_write.set()
        writer.join(10)
    assert len(handed) == WAITING + 3


def test_what_is_settled_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def slow(handle: int, octets: memoryview) -> int:
        time.sleep(0.1)
        return write(handle, octets)

    monkeypatch.setattr(module.os, "write", slow)
    with Flusher() as flusher:
        write_octets(memoryview(b"octets"), tmp_path, "one", 1, flusher)
        flusher.settle()
        assert (tmp_path / "one").read_bytes() == b"octets"
