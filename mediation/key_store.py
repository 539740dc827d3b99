"""Keys of earlier events, by day on disk: which events of a batch were told before?

An event is compared with the keys of the day on which it began (UTC), because the start is part of
the key. A day has sorted files of 128-bit keys, one or a few per batch. When a day is first asked
for, its files are read once to fill a Bloom filter; what the filter lets pass is searched in the
files, which are mapped. So memory is some 1.3 octets per key of the days in use, and an answer is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.duplicates import KeySet
from mediation.kernels import key_filter as kernels
from mediation.key_files import KeyFile, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mediation.duplicates import Keys, Mask
    from mediation.key_files import Pairs

    Check = Callable[[Path], None]

DAY_US: Final = 86_400_000_000
BITS_PER_KEY: Final = 10
"""One in some 130 keys that are not there is searched for in vain."""
BLOCK_BITS: Final = 512
SPARE: Final = 1.05
"""Room in a new filter, so that a batch's own keys fit in."""
IN_MEMORY: Final = 1 << 19
"""Keys of the batch in work that are kept in memory; beyond, they are sorted and written."""
MANY_DAYS: Final = 1 << 16


def days_of(start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the UTC days (since 1970) of instants in microseconds."""
    return start // DAY_US


@dataclass(slots=True)
class Day:
    """The keys of one day: files, a filter over them, and those of the batch in work."""

    files: list[KeyFile]
    words: Pairs
    fresh: KeySet | None = None
    """None until the batch has a key of the day."""
    loaded: int = 0
    """How many of the files were there when the day was opened."""

    @classmethod
    def open(cls, paths: Sequence[Path], check: Check) -> Day:
        """Looks at a day's files, has each checked, and fills the filter."""
        files = []
        for path in paths:
            files.append(KeyFile.open(path))
            check(path)
        day = cls(files, np.zeros(0, np.uint64))
        day.refill()
        day.loaded = len(files)
        return day

    def goes_on(self, paths: Sequence[Path], check: Check) -> bool:
        """Makes it the day of a later batch, whose files are `paths`; False if any file is gone.

        New files are checked.
        """
        known = {file.identity: file for file in self.files}
        found = [(path, known.get(identity(path.stat()))) for path in paths]
        here = [replace(file, path=path) for path, file in found if file is not None]
        if len(here) < len(known):
            return False  # a batch was taken back
        self.files, self.fresh, self.loaded = here, None, len(here)
        for path, file in found:
            if file is None:
                check(path)
                self.add_file(path)
        return True

    def merge_files(self, paths: Sequence[Path], merged: Path) -> None:
        """Puts a file in place of those that were merged into it; the filter knows its keys."""
        gone = set(paths)
        kept = [file for file in self.files if file.path not in gone]
        if len(kept) < len(self.files):
            self.files = [*kept, KeyFile.open(merged)]

    @property
    def written(self) -> int:
        """Returns how many keys are in files."""
        return sum(file.keys for file in self.files)

    def refill(self, more: int = 0) -> None:
        """Makes the filter anew, with room for `more` keys."""
        blocks = int((self.written + more) * SPARE * BITS_PER_KEY / BLOCK_BITS) + 1
        self.words = np.zeros(kernels.WORDS * blocks if self.files else 0, np.uint64)
        for file in self.files:
            file.fill(self.words)

    def add_file(self, path: Path) -> None:
        """Takes in a file that another batch or this one wrote."""
        file = KeyFile.open(path)
        self.files.append(file)
        if self.written * BITS_PER_KEY > len(self.words) * 64:
            # What goes on as it began does not make the filter anew for each file.
            self.refill(sum(later.keys for later in self.files[self.loaded :]))
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

    def add(self, high: Keys, low: Keys, spare: list[KeySet]) -> Mask:
        """Adds keys in order; returns bool[n], True where one was told before.

        A day's first keys go into one of the empty sets of `spare`, if there is one.
        """
        if self.fresh is None:
            self.fresh = spare.pop() if spare else KeySet()
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
        check: Called with each file that a batch goes on from, before it is read.
    """

    def __init__(
        self,
        paths: Mapping[int, Sequence[Path]],
        write: Callable[[int, Pairs], Path],
        oldest: int | None = None,
        in_memory: int = IN_MEMORY,
        kept: Mapping[int, Day] | None = None,
        check: Check = lambda _: None,
    ) -> None:
        self._paths = paths
        self._write = write
        self._oldest = oldest
        self._in_memory = in_memory
        self._kept = kept or {}
        self._check = check
        self._spare: list[KeySet] = []
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
            seen = self._day(int(day[0])).add(high, low, self._spare)
            self._count_outside(int(day[0]), len(day))
        else:
            seen = self._add_by_day(high, low, day)
        if sum(len(one.fresh) for one in self.days.values() if one.fresh) > self._in_memory:
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
            keys = high[begin:end], low[begin:end]
            sorted_seen[begin:end] = self._day(name).add(*keys, self._spare)
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
            if found is None or not found.goes_on(paths, self._check):
                found = Day.open(paths, self._check)
            self.days[day] = found
        return self.days[day]

    def flush(self) -> None:
        """Writes the batch's keys that are in memory, sorted, a file per day."""
        for name in sorted(self.days):
            day = self.days[name]
            if not day.fresh:
                continue
            day.add_file(self._write(name, day.fresh.export()))
            day.fresh.clear()
            self._spare.append(day.fresh)
            day.fresh = None
