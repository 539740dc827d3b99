from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipeline import flusher as module
from pipeline.flusher import Flusher
from pipeline.parquet import write_octets


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
