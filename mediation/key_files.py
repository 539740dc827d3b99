"""Files of duplicate keys: sorted, 16 octets a key; of several batches, with each key's origin.

A batch writes one file (or a few) per day: magic word, count, keys. Files of many small batches are
merged into one (``key_merge.py``), which holds behind its keys the number of the batch that each
came with, 4 octets a key in the same order. Look-ups read the keys alone.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.errors import KeyFileError
from mediation.kernels import key_filter as kernels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mediation.duplicates import Keys

    Pairs = np.ndarray[Any, np.dtype[np.uint64]]
    Origins = np.ndarray[Any, np.dtype[np.uint32]]

MAGIC: Final = int.from_bytes(b"HUADANK1", "little")
MERGED: Final = int.from_bytes(b"HUADANK2", "little")
HEADER: Final = 16
"""Octets before the first key: the magic word and how many keys follow."""
KEY: Final = 16
ORIGIN: Final = 4
PIECE: Final = 1 << 16
"""Keys read at a time while a filter is filled."""
RESIDENT: Final = 128
"""Searches after which mapped pages are given back: each maps up to 64 KiB."""


def key_file(pairs: Pairs, origins: Origins | None = None) -> tuple[memoryview, ...]:
    """Returns the content of a key file, piece by piece.

    Args:
        pairs: uint64[2 * n], key after key as (high, low), sorted.
        origins: uint32[n], the batch of each key; None in a file of one batch.
    """
    header = np.array([MAGIC if origins is None else MERGED, len(pairs) // 2], "<u8")
    pieces = [header, pairs.astype("<u8", copy=False)]
    if origins is not None:
        pieces.append(origins.astype("<u4", copy=False))
    return tuple(piece.view(np.uint8).data for piece in pieces)


def identity(about: os.stat_result) -> tuple[int, int, int]:
    """Returns what tells a file from every other one, under any name."""
    return about.st_ino, about.st_size, about.st_mtime_ns


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A sorted file of so many keys, of one batch or `merged` of several.

    `identity` is what stays when a batch is published, which moves its files: inode, size, time.
    """

    path: Path
    keys: int
    merged: bool
    identity: tuple[int, int, int]

    @classmethod
    def open(cls, path: Path) -> KeyFile:
        """Looks at a file.

        Raises:
            KeyFileError: it is not a key file, or was cut short.
        """
        with path.open("rb") as source:
            header = source.read(HEADER)
            about = os.fstat(source.fileno())
        magic, count = int.from_bytes(header[:8], "little"), int.from_bytes(header[8:], "little")
        if len(header) == HEADER and magic in (MAGIC, MERGED):
            merged = magic == MERGED
            if about.st_size == HEADER + (KEY + ORIGIN if merged else KEY) * count:
                return cls(path, count, merged, identity(about))
        size = about.st_size
        message = f"{path} is damaged ({size} bytes): restore it; `huadan ledger verify` tells more"
        raise KeyFileError(message)

    def mapped(self) -> mmap.mmap:
        """Maps the file, for as long as the result or a view of it is held.

        That should be short: months of `watch` leave thousands of files, and a mapping keeps a
        descriptor.
        """
        with self.path.open("rb") as source:
            return mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)

    def pairs(self, view: mmap.mmap) -> Pairs:
        """Returns the keys of the mapped file, uint64[2 * n]."""
        return np.frombuffer(view, "<u8", 2 * self.keys, HEADER)

    def origins(self, view: mmap.mmap) -> Origins:
        """Returns the batch of each key of the mapped file, which is a merged one."""
        return np.frombuffer(view, "<u4", self.keys, HEADER + KEY * self.keys)

    def search(
        self, high: Keys, low: Keys, rows: NDArray[np.int64], seen: NDArray[np.uint8]
    ) -> None:
        """Sets `seen` where a key of `rows` is in the file. A page is read when a search needs it."""
        if not self.keys:
            return
        view = self.mapped()
        pairs = self.pairs(view)
        for begin in range(0, len(rows), RESIDENT):
            kernels.search(pairs, high, low, rows[begin : begin + RESIDENT], seen)
            view.madvise(mmap.MADV_DONTNEED)

    def fill(self, words: Pairs) -> None:
        """Adds all keys to a filter, piece by piece."""
        with self.path.open("rb", buffering=0) as source:
            source.seek(HEADER)
            rest = self.keys
            while rest and len(piece := np.fromfile(source, "<u8", 2 * min(PIECE, rest))):
                kernels.fill(words, piece)
                rest -= len(piece) // 2
