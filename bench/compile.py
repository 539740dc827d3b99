"""`huadan bench compile`: a large tariff book from files to arrays, each time in a new process."""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.harness import Result, calibrate
from bench.large_book import write_large_book

if TYPE_CHECKING:
    from collections.abc import Callable


class Timing(NamedTuple):
    """One run: wall and processor seconds of loading and of compiling, and the peak in bytes."""

    load_s: float
    compile_s: float
    processor_s: float
    peak_rss_bytes: int


def bench_compile(
    prefixes: int, plans: int, rounds: int, progress: Callable[[str], None]
) -> Result:
    """Returns how many prefixes a second a book of so many plans is read, checked and compiled.

    Raises:
        tariffs.errors.BookError: The book is larger than a compiled book may be.
    """
    timings: list[Timing] = []
    calibrations = [calibrate()]
    with tempfile.TemporaryDirectory(prefix="huadan-bench-") as scratch:
        folder = Path(scratch, "book")
        progress(f"write a book of {prefixes:,} prefixes and {plans:,} plans")
        write_large_book(folder, prefixes, plans)
        for turn in range(rounds):
            progress(f"round {turn + 1} of {rounds}")
            with ProcessPoolExecutor(1, get_context("spawn")) as beside:
                timings.append(beside.submit(compile_once, folder).result())
            calibrations.append(calibrate())
    load, build = (statistics.median(one[i] for one in timings) for i in range(2))
    processor = statistics.median(one.processor_s for one in timings)
    return Result(
        stage="compile",
        records=prefixes,
        threads=1,
        records_per_s=round(prefixes / (load + build)),
        peak_rss_bytes=max(one.peak_rss_bytes for one in timings),
        calibration=statistics.median(calibrations),
        peers=(),
        notes=(
            (
                f"{plans:,} plans: load {load:.2f} s + compile {build:.2f} s, "
                f"processor {processor:.2f} s"
            ),
        ),
    )


def compile_once(folder: Path) -> Timing:
    """Loads and compiles a book; imports do not count."""
    from tariffs import compile_book, load_book  # noqa: PLC0415  in the process that is measured

    processor, begin = time.process_time(), time.perf_counter()
    book = load_book(folder)
    loaded = time.perf_counter()
    compile_book(book)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Timing(loaded - begin, end - loaded, time.process_time() - processor, peak)
