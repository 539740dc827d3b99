"""Large traffic, fast: millions of records in bounded memory, by the vectorised writer."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from traffic.clock import month_of
from traffic.files import file_name, release_of
from traffic.plan import PlannedFile, plan_files
from traffic.population import Population
from traffic.program import compile_program, write_events
from traffic.subscribers import make_subscribers, write_subscribers
from traffic.table import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

MONTH = date(2026, 10, 1)
"""The month of the demo traffic."""

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written.

    Attributes:
        files: Paths relative to the folder, element by element.
        records: How many records they hold.
        bytes: How large they are together.
        by_kind: Records of each kind that occurs.
    """

    files: tuple[str, ...]
    records: int
    bytes: int
    by_kind: dict[str, int]


def generate(
    folder: Path,
    records: int,
    seed: int = 2026,
    *,
    subscribers: int = 200_000,
    subscribers_folder: Path | None = None,
    files: int = 20,
    month: date = MONTH,
    days: int = 31,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Generated:
    """Writes a month of traffic as `<folder>/<element>/<file>`.

    Args:
        folder: Where the elements' folders go; created when needed.
        records: Records of all files together.
        seed: The same arguments give the same bytes, with any number of workers.
        subscribers: How many subscribers are made, when there are none yet.
        subscribers_folder: Folder of `subscribers.csv`; it is read when the file exists, else
            written. None keeps the subscribers to this call.
        files: How many files there are, over all five elements.
        month: A day of the month that the events lie in.
        days: They lie in so many days from its first on.
        workers: Threads, each with one file at a time; None takes one for each core.
        progress: Called with the number of records after each piece, from any thread.

    Raises:
        ValueError: If there are fewer records than files, or no subscriber is valid all month.
    """
    span = month_of(month)
    people = _people(subscribers_folder, subscribers, seed).during(span.start, span.end)
    planned = plan_files(records, seed, files, span.first(days))
    compile_program()

    def one(plan: PlannedFile) -> tuple[str, int, NDArray[np.int64]]:
        return _write_file(folder, plan, people, progress)

    workers = workers or os.cpu_count() or 1
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            written = list(pool.map(one, planned))
    else:
        written = [one(plan) for plan in planned]
    counts = np.sum([count for _, _, count in written], axis=0)
    return Generated(
        files=tuple(name for name, _, _ in written),
        records=int(counts.sum()),
        bytes=sum(size for _, size, _ in written),
        by_kind={kind: int(n) for kind, n in zip(KINDS, counts, strict=True) if n},
    )


def _people(folder: Path | None, subscribers: int, seed: int) -> Population:
    """Returns the subscribers of a folder, made first where there are none."""
    if folder is not None and (folder / "subscribers.csv").exists():
        return Population.from_folder(folder)
    if folder is not None:
        return write_subscribers(folder, subscribers, seed)
    return Population.from_frame(make_subscribers(subscribers, seed))


def _write_file(
    folder: Path,
    plan: PlannedFile,
    people: Population,
    progress: Callable[[int], None] | None,
) -> tuple[str, int, NDArray[np.int64]]:
    """Writes one file and returns its relative name, size and records by kind."""
    release = release_of(plan.sequence)
    head = release.record_head if plan.source.blocked else b""
    name = f"{plan.source.name}/{file_name(plan.source, plan.sequence, plan.span.end)}"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = np.zeros(len(KINDS), np.int64)
    size = 0

    def header() -> bytes:
        if not plan.source.blocked:
            return b""
        return release.file_header(plan.source, plan.sequence, plan.span, size, int(counts.sum()))

    with path.open("wb") as file:
        # Its length and count are known at the end only; then it is written again.
        size_of_header = file.write(header())
        for events in plan.events(people):
            octets, _ = write_events(events, _buffer(), head)
            file.write(octets.data)
            size += len(octets)
            counts += np.bincount(events.kind, minlength=len(KINDS))
            if progress is not None:
                progress(len(events))
        file.seek(0)
        file.write(header())
    return name, size_of_header + size, counts


def _buffer() -> NDArray[np.uint8]:
    """Returns this thread's memory for a piece; touching fresh memory each time is slow."""
    if not hasattr(_local, "buffer"):
        _local.buffer = np.empty(48 << 20, np.uint8)
    found: NDArray[np.uint8] = _local.buffer
    return found
