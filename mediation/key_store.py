"""Keys of earlier events, by day on disk: which events of a batch were told before?

An event is compared with the keys of the day on which it began (UTC), because the start is part of
the key. A day has sorted files of 128-bit keys, one or a few per batch. When a day is first asked
for, its files are read once to fill a Bloom filter; what the filter lets pass is searched in the
files, which are mapped. So memory is some 1.3 octets per key of the days in use, and an answer is exact.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.duplicates import KeySet
from mediation.errors import KeyFileError
from mediation.kernels import key_filter as kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mediation.duplicates import Keys, Mask

    Pairs = np.ndarray[Any, np.dtype[np.uint64]]

MAGIC: Final = int.from_bytes(b"HUADANK1", "little")
HEADER: Final = 16
"""Octets before the first key: the magic word and how many keys follow."""
KEY: Final = 16
DAY_US: Final = 86_400_000_000
BITS_PER_KEY: Final = 10
"""One in some 130 keys that are not there is searched for in vain."""
BLOCK_BITS: Final = 512
SPARE: Final = 1.05
"""Room in a new filter, so that a batch's own keys fit in."""
IN_MEMORY: Final = 1 << 19
"""Keys of the batch in work that are kept in memory; beyond, they are sorted and written."""
PIECE: Final = 1 << 16
"""Keys read at a time while a filter is filled."""
MANY_DAYS: Final = 1 << 16
RESIDENT: Final = 128
"""Searches after which mapped pages are given back: each maps up to 64 KiB."""


def days_of(start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the UTC days (since 1970) of instants in microseconds."""
    return start // DAY_US


def key_file(pairs: Pairs) -> memoryview:
    """Returns the content of a key file.

    Args:
        pairs: uint64[2 * n], key after key as (high, low), sorted.
    """
    words = np.empty(2 + len(pairs), "<u8")
    words[:2] = MAGIC, len(pairs) // 2
    words[2:] = pairs
    return words.data.cast("B")


def identity(about: os.stat_result) -> tuple[int, int, int]:
    """Returns what tells a file from every other one, under any name."""
    return about.st_ino, about.st_size, about.st_mtime_ns


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A sorted file of so many keys.

    `identity` is what stays when a batch is published, which moves its files: inode, size, time.
    """

    path: Path
    keys: int
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
        size = about.st_size
        if len(header) == HEADER and header[:8] == MAGIC.to_bytes(8, "little"):
            count = int.from_bytes(header[8:], "little")
            if size == HEADER + KEY * count:
                return cls(path, count, identity(about))
        message = f"{path} is damaged ({size} bytes): restore it; `huadan ledger verify` tells more"
        raise KeyFileError(message)

    def search(
        self, high: Keys, low: Keys, rows: NDArray[np.int64], seen: NDArray[np.uint8]
    ) -> None:
        """Sets `seen` where a key of `rows` is in the file.

        It is mapped meanwhile only: months of `watch` leave thousands of files, and a mapping keeps a
        descriptor. A page is read when a search needs it.
        """
        if not self.keys:
            return
        with (
            self.path.open("rb") as source,
            mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            pairs = np.frombuffer(mapped, "<u8", offset=HEADER)
            for begin in range(0, len(rows), RESIDENT):
                kernels.search(pairs, high, low, rows[begin : begin + RESIDENT], seen)
                mapped.madvise(mmap.MADV_DONTNEED)
            del pairs  # else it cannot be closed

    def fill(self, words: Pairs) -> None:
        """Adds all keys to a filter, piece by piece."""
        with self.path.open("rb", buffering=0) as source:
            source.seek(HEADER)
            while len(piece := np.fromfile(source, "<u8", 2 * PIECE)):
                kernels.fill(words, piece)


@dataclass(slots=True)
class Day:
    """The keys of one day: files, a filter over them, and those of the batch in work."""

    files: list[KeyFile]
    words: Pairs
    fresh: KeySet = field(default_factory=KeySet)

    @classmethod
    def open(cls, paths: Sequence[Path]) -> Day:
        """Looks at a day's files and fills the filter."""
        files = [KeyFile.open(path) for path in paths]
        day = cls(files, np.zeros(0, np.uint64))
        day.refill()
        return day

    def goes_on(self, paths: Sequence[Path]) -> bool:
        """Makes it the day of a later batch, whose files are `paths`; False if any file is gone."""
        known = {file.identity: file for file in self.files}
        found = [(path, known.get(identity(path.stat()))) for path in paths]
        here = [replace(file, path=path) for path, file in found if file is not None]
        if len(here) < len(known):
            return False  # a batch was taken back
        self.files, self.fresh = here, KeySet()
        for path, file in found:
            if file is None:
                self.add_file(path)
        return True

    @property
    def written(self) -> int:
        """Returns how many keys are in files."""
        return sum(file.keys for file in self.files)

    def refill(self) -> None:
        """Makes the filter anew, with room for more."""
        blocks = int(self.written * SPARE * BITS_PER_KEY / BLOCK_BITS) + 1
        self.words = np.zeros(kernels.WORDS * blocks if self.files else 0, np.uint64)
        for file in self.files:
            file.fill(self.words)

    def add_file(self, path: Path) -> None:
        """Takes in a file that was just written of `fresh`, which is empty again."""
        file = KeyFile.open(path)
        self.files.append(file)
        self.fresh = KeySet()
        if self.written * BITS_PER_KEY > len(self.words) * 64:
            self.refill()
        else:
            file.fill(self.words)

    def known(self, high: Keys, low: Keys) -> NDArray[np.uint8]:
        """Returns uint8[n], 1 where a key is in a file."""
        seen = np.zeros(len(high), np.uint8)
        if not len(self.words):
            return seen
        found = np.empty(len(high), np.int64)
        rows = found[: kernels.candidates(self.words, high, low, found)]
        for file in self.files if len(rows) else ():
            file.search(high, low, rows, seen)
        return seen

    def add(self, high: Keys, low: Keys) -> Mask:
        """Adds keys in order; returns bool[n], True where one was told before."""
        seen = self.known(high, low)
        if not seen.any():
            return self.fresh.add(high, low)
        new = np.flatnonzero(seen == 0)
        seen[new] = self.fresh.add(high[new], low[new])
        return seen.view(np.bool_)


class KeyStore:
    """Keys of all days; used by one caller at a time, in the order that decides who was first.

    Args:
        paths: Day → its files.
        write: Writes a day's sorted keys (uint64[2 * n]) to a new file and returns where.
        oldest: First day that is compared with earlier batches; None: all are.
        in_memory: Keys of the batch that are kept before they are written.
        kept: Days of the batch before, as :attr:`days` had them: only their new files are read.
    """

    def __init__(
        self,
        paths: Mapping[int, Sequence[Path]],
        write: Callable[[int, Pairs], Path],
        oldest: int | None = None,
        in_memory: int = IN_MEMORY,
        kept: Mapping[int, Day] | None = None,
    ) -> None:
        self._paths = paths
        self._write = write
        self._oldest = oldest
        self._in_memory = in_memory
        self._kept = kept or {}
        self.days: dict[int, Day] = {}
        """The days that the batch asked for."""
        self.outside = 0
        """Events of days before the window: they are compared within their batch only."""

    def add(self, high: Keys, low: Keys, day: NDArray[np.int64]) -> Mask:
        """Adds keys in order.

        Args:
            high: uint64[n].
            low: uint64[n].
            day: int64[n], the day of each event.

        Returns:
            bool[n], True where the key is of an earlier batch or came earlier in this one.

        Raises:
            KeyFileError: a key file is damaged.
        """
        if not len(day):
            return np.zeros(0, np.bool_)
        if (day == day[0]).all():
            seen = self._day(int(day[0])).add(high, low)
            self._count_outside(int(day[0]), len(day))
        else:
            seen = self._add_by_day(high, low, day)
        if sum(len(one.fresh) for one in self.days.values()) > self._in_memory:
            self.flush()
        return seen

    def known(self, high: Keys, low: Keys, day: int) -> NDArray[np.uint8]:
        """Returns uint8[n], 1 where a key of a day is of an earlier batch; adds nothing."""
        return self._day(day).known(high, low)

    def _add_by_day(self, high: Keys, low: Keys, day: NDArray[np.int64]) -> Mask:
        first = int(day.min())
        code = day - first
        if int(code.max()) < MANY_DAYS:  # numpy sorts 16 bits by counting
            code = code.astype(np.uint16)
        order = np.argsort(code, kind="stable")
        names, begins = np.unique(day[order], return_index=True)
        ends = [*begins[1:].tolist(), len(day)]
        high, low = high[order], low[order]
        sorted_seen = np.empty(len(day), np.bool_)
        begin = 0
        for name, end in zip(names.tolist(), ends, strict=True):
            sorted_seen[begin:end] = self._day(name).add(high[begin:end], low[begin:end])
            self._count_outside(name, end - begin)
            begin = end
        seen = np.empty(len(day), np.bool_)
        seen[order] = sorted_seen
        return seen

    def _count_outside(self, day: int, events: int) -> None:
        if self._oldest is not None and day < self._oldest:
            self.outside += events

    def _day(self, day: int) -> Day:
        if day not in self.days:
            compared = self._oldest is None or day >= self._oldest
            paths = self._paths.get(day, ()) if compared else ()
            found = self._kept.get(day)
            if found is None or not found.goes_on(paths):
                found = Day.open(paths)
            self.days[day] = found
        return self.days[day]

    def flush(self) -> None:
        """Writes the batch's keys that are in memory, sorted, a file per day."""
        for name in sorted(self.days):
            day = self.days[name]
            if not len(day.fresh):
                continue
            high, low = day.fresh.export()
            pairs = np.empty(2 * len(high), np.uint64)
            pairs[0::2], pairs[1::2] = high, low
            day.add_file(self._write(name, pairs))
