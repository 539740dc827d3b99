"""`huadan bench dedupe`: look-ups of fresh and of repeated keys against many earlier ones.

The earlier keys stand in one file a day, as batches leave them. Every
answer is checked. Rates are of processor time: one thread works, and neighbours do not count.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.harness import Result, calibrate, peak_rss_bytes
from mediation.key_files import key_file
from mediation.key_store import KeyStore
from pipeline.batch.memory import give_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.duplicates import Mask
    from mediation.key_files import Pairs

DAYS = 60
UNIT = 131_072
"""Keys that are looked up at a time, as a run does."""
UNITS = 24
REPEATED = 100
"""One key in so many was told before."""
SEED = 23


@dataclass(slots=True)
class Earlier:
    """Key files of some days, and a few keys of each to ask for again."""

    folder: Path
    random: np.random.Generator
    paths: dict[int, list[Path]] = field(default_factory=dict)
    some: dict[int, Pairs] = field(default_factory=dict)

    def make(self, day: int, keys: int) -> None:
        """Writes a day of keys."""
        pairs = np.empty(2 * keys, np.uint64)
        pairs[0::2] = np.sort(self.random.integers(1, 2**64, keys, dtype=np.uint64))
        pairs[1::2] = self.random.integers(0, 2**64, keys, dtype=np.uint64)
        chosen = np.unique(self.random.integers(0, keys, 2 * UNIT // REPEATED))
        self.some[day] = np.stack([pairs[2 * chosen], pairs[2 * chosen + 1]])
        self.paths[day] = [self.write(day, pairs)]

    def write(self, day: int, pairs: Pairs) -> Path:
        """Writes a key file."""
        path = self.folder / f"{day}-{time.monotonic_ns()}.keys"
        path.write_bytes(b"".join(key_file(pairs)))
        return path

    def unit(self, day: int) -> tuple[Pairs, Pairs, Mask]:
        """Returns a unit of keys (high, low), and bool[n] which of them are repeated."""
        high, low = self.random.integers(1, 2**64, (2, UNIT), dtype=np.uint64)
        rows = np.unique(self.random.integers(0, UNIT, UNIT // REPEATED))
        high[rows], low[rows] = self.some[day][:, : len(rows)]
        repeated = np.zeros(UNIT, np.bool_)
        repeated[rows] = True
        return high, low, repeated


class WrongAnswerError(RuntimeError):
    """A duplicate was missed or invented."""


def bench_dedupe(keys: int, rounds: int, progress: Callable[[str], None]) -> Result:
    """Returns look-ups per second of one thread's processor time, the median of rounds.

    Raises:
        WrongAnswerError: a duplicate was missed, or one was invented.
    """
    folder = Path(tempfile.mkdtemp(prefix="huadan-bench-"))
    try:
        earlier = Earlier(folder, np.random.default_rng(SEED))
        for day in range(DAYS):
            progress(f"writing keys of day {day + 1} of {DAYS}")
            earlier.make(day, keys // DAYS)
        give_back()  # what making them took is not the store's
        store = KeyStore(earlier.paths, earlier.write)
        progress("reading keys")
        begin = time.process_time()
        none = np.zeros(0, np.uint64)
        for day in range(DAYS):
            store.known(none, none, day)
        loading = time.process_time() - begin
        rates, calibrations = [], [calibrate()]
        for number in range(rounds + 1):  # the first one warms up
            progress(f"round {number} of {rounds}")
            rates.append(_round(store, earlier))
            calibrations.append(calibrate())
        adding = _adding(store, earlier)
        return Result(
            stage="dedupe",
            records=keys // DAYS * DAYS,
            threads=1,
            records_per_s=round(statistics.median(rates[1:])),
            peak_rss_bytes=peak_rss_bytes(),
            calibration=statistics.median(calibrations),
            peers=(),
            notes=(
                f"{DAYS} days; their filters were filled in {loading:.1f} s",
                f"look-up and adding of new keys: {adding:,.0f} keys/s",
                "no duplicate missed, none invented",
            ),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _round(store: KeyStore, earlier: Earlier) -> float:
    """Looks units up, each of another day; returns look-ups per second."""
    seconds = 0.0
    for number in range(UNITS):
        day = number * 37 % DAYS
        high, low, repeated = earlier.unit(day)
        begin = time.process_time()
        seen = store.known(high, low, day)
        seconds += time.process_time() - begin
        _check(seen.view(np.bool_), repeated)
    return UNITS * UNIT / seconds


def _adding(store: KeyStore, earlier: Earlier) -> float:
    """Does what a run does, with events of two days in each unit; returns keys per second."""
    seconds = 0.0
    for number in range(UNITS):
        high, low, repeated = earlier.unit(number)
        day = np.where(np.arange(UNIT) % 10 == 0, number + 1, number)
        begin = time.process_time()
        seen = store.add(high, low, day)
        seconds += time.process_time() - begin
        _check(seen, repeated & (day == number))
    return UNITS * UNIT / seconds


def _check(seen: Mask, expected: Mask) -> None:
    missed = int(np.count_nonzero(expected & ~seen))
    invented = int(np.count_nonzero(seen & ~expected))
    if missed or invented:
        message = f"{missed} duplicates were missed and {invented} invented"
        raise WrongAnswerError(message)
