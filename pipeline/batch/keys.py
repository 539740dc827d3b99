"""Duplicate keys of a workspace: which files hold them, which days count, what a batch adds.

``keys/day=…/`` holds the keys of events by the day (UTC) on which they began. How far back events
are compared is the window of ``[duplicates]``; it ends at the day that `reference_day` finds. Each
batch adds a file to every day that it has events of; ``key_merging.py`` keeps them few.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from mediation.key_files import key_file
from mediation.key_store import KeyStore, days_of
from pipeline.batch.key_merging import FOLDER, checked, mergers, write_merged
from pipeline.errors import LedgerError
from pipeline.parquet import write_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mediation.duplicates import Keys, Mask
    from mediation.key_files import Pairs
    from mediation.key_store import Day
    from pipeline.flusher import Flusher
    from pipeline.ledger.model import Output
    from pipeline.ledger.store import Ledger

EPOCH: Final = dt.date(1970, 1, 1)
LATE_SHARE: Final = 100
"""One key in so many may be of a day after the reference day: wrong clocks must not move it."""
KEPT_LONGER: Final = 30
"""Days that files outlive the window by, so that batches can be taken back."""


def day_of(path: str) -> int:
    """Returns the day (since 1970) that a key file's path names.

    Raises:
        LedgerError: it is of a version that did not keep keys by day.
    """
    folder = path.split("/")[1]
    try:
        return (dt.date.fromisoformat(folder.removeprefix("day=")) - EPOCH).days
    except ValueError:
        message = f"{path} was written by a version that did not keep keys by day"
        hint = "take its batches back with `huadan rollback`, then run again"
        raise LedgerError(message, hint) from None


def name_of(day: int) -> str:
    """Returns a day as people write it."""
    return (EPOCH + dt.timedelta(days=day)).isoformat()


def reference_day(files: Iterable[Output]) -> int | None:
    """Returns the latest day such that a hundredth of all keys are of it or later; None if none."""
    keys: Counter[int] = Counter()
    for file in files:
        keys[day_of(file.path)] += file.rows
    later = 0
    for day in sorted(keys, reverse=True):
        later += keys[day]
        if later * LATE_SHARE >= keys.total():
            return day
    return None


class BatchKeys:
    """The keys of earlier batches, and those of the batch in work.

    Args:
        root: Of the workspace.
        ledger: Which files there are.
        window_days: How many days before the reference day are compared.
        days: What the last batch of this process had loaded; this batch leaves there what it loaded.

    Attributes:
        retired: Paths of files that no window will need, or that were merged.
    """

    def __init__(
        self, root: Path, ledger: Ledger, window_days: int, days: dict[int, Day] | None = None
    ) -> None:
        files = ledger.outputs(FOLDER)
        reference = reference_day(files)
        oldest = None if reference is None else reference - window_days
        self._root = root
        self._by_day: dict[int, list[Output]] = {}
        for file in files:
            self._by_day.setdefault(day_of(file.path), []).append(file)
        expired = [d for d in self._by_day if oldest is not None and d < oldest - KEPT_LONGER]
        self.retired = [file.path for day in expired for file in self._by_day.pop(day)]
        known = {root / file.path: file for one in self._by_day.values() for file in one}
        self._kept = {} if days is None else days
        self._store = KeyStore(
            {day: [root / file.path for file in one] for day, one in self._by_day.items()},
            self._write,
            oldest,
            kept=dict(self._kept),
            check=lambda path: checked(path, known[path]),
        )
        self._kept.clear()
        self._place: tuple[Path, str] | None = None
        self._flusher: Flusher | None = None
        self._outputs: list[Output] = []

    def begin(self, staging: Path, batch: str, flusher: Flusher | None = None) -> None:
        """Says where the batch writes, and who makes it durable; before the first keys are added."""
        self._place, self._flusher = (staging, batch), flusher

    def add(self, high: Keys, low: Keys, events: pa.RecordBatch) -> Mask:
        """Adds the keys of events in order; returns bool[n], True where one was told before."""
        start = events.column("start_time").view(pa.int64()).to_numpy()
        return self._store.add(high, low, days_of(start))

    @property
    def outside(self) -> int:
        """Returns how many events began before the window: they are kept, and not compared."""
        return self._store.outside

    def outputs(self) -> list[Output]:
        """Writes what is left in memory; returns all key files of the batch."""
        self._store.flush()
        for day in sorted({day_of(output.path) for output in self._outputs}):
            self._merge(day)
        self._kept.update(self._store.days)
        return self._outputs

    def _merge(self, day: int) -> None:
        """Merges what earlier batches left of a day, where it has become many files."""
        staging, _ = self._staged()
        for files in mergers(self._by_day.get(day, ())):
            merged = write_merged(self._root, staging, files, flusher=self._flusher)
            if merged is not None:
                self._outputs.append(merged)
                self.retired += [file.path for file in files]
                paths = [self._root / file.path for file in files]
                self._store.days[day].merge_files(paths, staging / merged.path)

    def _write(self, day: int, pairs: Pairs) -> Path:
        staging, batch = self._staged()
        folder = f"{FOLDER}day={name_of(day)}"
        number = sum(output.path.startswith(f"{folder}/") for output in self._outputs)
        path = f"{folder}/{batch}-{number:05d}.keys"
        rows = len(pairs) // 2
        self._outputs.append(write_pieces(key_file(pairs), staging, path, rows, self._flusher))
        return staging / path

    def _staged(self) -> tuple[Path, str]:
        if self._place is None:
            message = "keys are added before the batch has begun"
            raise RuntimeError(message)
        return self._place
