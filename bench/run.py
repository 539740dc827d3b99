"""`huadan bench run`: BER files to committed Parquet, each run in a fresh process and workspace."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Peer, Result, calibrate
from pipeline.errors import Exit
from pipeline.shop import create
from pipeline.workspace import CONFIG_NAME
from traffic.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable

SUBSCRIBERS = 200_000
SEED = 11
TENTH = 10
GIVEN = frozenset({CONFIG_NAME, "book", "subscribers", "incoming"})
"""What a workspace holds before its first run."""
ACCEPTED = frozenset({Exit.DONE, Exit.SUSPENSE})


class RunFailedError(RuntimeError):
    """The measured command failed; its words are in the message."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"huadan run ended with exit code {code}:\n{words.strip()}")


@dataclass(frozen=True, slots=True)
class Timing:
    """One run: wall seconds and the process's peak resident set."""

    seconds: float
    peak_rss_bytes: int


def bench_run(
    records: int, rounds: int, threads: int, progress: Callable[[str], None], *, scale: bool
) -> Result:
    """Returns the rate of `huadan run` on `records` records, the median of fresh runs.

    With `scale` each round also runs a tenth of the records; the peer's `ratio` is then our rate
    over the rate at a tenth (1.0: ten times the records cost ten times the time).
    """
    sizes = [records, records // TENTH] if scale else [records]
    timings: dict[int, list[Timing]] = {size: [] for size in sizes}
    calibrations = [calibrate()]
    with tempfile.TemporaryDirectory(prefix="huadan-bench-") as scratch:
        shops = {}
        for size in sizes:
            progress(f"generate {size:,} records")
            shops[size] = _open_shop(Path(scratch, str(size)), size)
        for turn in range(rounds):
            for size in sizes:
                progress(f"round {turn + 1} of {rounds}: {size:,} records")
                timings[size].append(_timed_run(shops[size], threads))
            calibrations.append(calibrate())
    rate = {s: [s / timing.seconds for timing in timings[s]] for s in sizes}
    peers = tuple(
        Peer(
            name=f"huadan, {size:,} records",
            threads=threads,
            records_per_s=round(statistics.median(rate[size])),
            ratio=round(
                statistics.median(a / b for a, b in zip(rate[records], rate[size], strict=True)), 2
            ),
        )
        for size in sizes[1:]
    )
    return Result(
        stage="run",
        records=records,
        threads=threads,
        records_per_s=round(statistics.median(rate[records])),
        peak_rss_bytes=max(timing.peak_rss_bytes for timing in timings[records]),
        calibration=statistics.median(calibrations),
        peers=peers,
    )


def _open_shop(folder: Path, records: int) -> Path:
    """Makes a workspace with traffic of `records` records, not yet run.

    Files are linked into the archive, as a spool on the same disk would be. Nothing is looked for under
    [high_usage]: what that costs depends on what is asked for.
    """
    create(folder, traffic=False)
    config = folder / CONFIG_NAME
    plain = re.sub(r"(?ms)^\[high_usage\..*?(?=^\[\[source)", "", config.read_text())
    linked = re.sub(r"(?m)^(folder = .*)$", r'\1\ntake = "link"', plain)
    config.write_text(linked)
    shutil.rmtree(folder / "subscribers")
    generate(
        folder / "incoming",
        records,
        SEED,
        subscribers=SUBSCRIBERS,
        subscribers_folder=folder / "subscribers",
        workers=2,
    )
    return folder


def _timed_run(shop: Path, threads: int) -> Timing:
    """Runs a workspace from its files; everything that an earlier run made is removed first."""
    for entry in shop.iterdir():
        if entry.name not in GIVEN:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    os.sync()  # the last run's dirty pages are not this run's work
    command = [sys.executable, "-m", "pipeline.cli.main", "run", "--workspace", str(shop)]
    begin = time.perf_counter()
    with subprocess.Popen(  # noqa: S603  our own command
        [*command, "--threads", str(threads), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        words = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ACCEPTED:
        raise RunFailedError(process.returncode, words)
    return Timing(seconds, usage.ru_maxrss * 1024)
