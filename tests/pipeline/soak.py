"""`watch` under a steady load for a long time: ``python -m tests.pipeline.soak --minutes 30``.

Prints figures, and fails if records are lost, if memory or file descriptors grow, or if any file
takes longer than it may. The tariff book is changed in between. The traffic is made before the load
begins: senders are other machines, whose work must not be counted as the product's.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.ledger.store import Ledger
from tests.pipeline.watched import Watched, open_files, resident_bytes
from tests.pipeline.world import SHOP, make_workspace, own_book
from traffic.generate import generate

FILES_AT_ONCE = 10
WARM = 0.2
"""Part of the time before memory is looked at: caches fill, kernels load."""
GROWTH_BYTES = 64 << 20
GROWTH_PART = 0.15


@dataclass
class Figures:
    """What was seen."""

    latencies: list[tuple[float, float]] = field(default_factory=list)
    """Of each file, the seconds to its publication, and when that was."""
    memory: list[tuple[float, int, int]] = field(default_factory=list)
    records: int = 0


class Load:
    """Traffic of a given number of files, each with a name of its own."""

    def __init__(self, folder: Path, records: int, files: int) -> None:
        self._files: list[Path] = []
        while len(self._files) < files:
            seed = 1 + len(self._files) // FILES_AT_ONCE
            place = folder / f"{seed:04d}"
            generate(
                place,
                records * FILES_AT_ONCE,
                seed=seed,
                subscribers_folder=SHOP / "subscribers",
                files=FILES_AT_ONCE,
            )
            self._files += sorted(place.rglob("*.ber"), key=lambda path: path.name[5:])
        self._left = iter(enumerate(self._files, 1))

    def deliver(self, incoming: Path) -> str:
        """Puts the next file into its folder, as a sender does; returns its name."""
        number, path = next(self._left)
        name = f"{path.parent.name}_{number:06d}.ber"
        part = incoming / path.parent.name / f".{name}"
        shutil.move(path, part)
        part.rename(part.with_name(name))
        return name


def committed(workspace_ledger: Path) -> set[str]:
    """Returns the names of published files."""
    if not workspace_ledger.exists():
        return set()
    with Ledger(workspace_ledger) as ledger:
        return {
            name
            for (name,) in ledger.rows(
                "SELECT f.name FROM files f JOIN batches b ON b.id = f.batch"
                " WHERE b.state = 'published'"
            )
        }


def soak(minutes: float, records: int, every: float, folder: Path) -> tuple[Figures, list[str]]:
    """Runs the load; returns the figures and what is wrong with them."""
    workspace = make_workspace(folder / "ws", chunk=131_072)
    book = own_book(workspace)
    load = Load(folder / "traffic", records, int(minutes * 60 / every) + 1)
    figures = Figures()
    watch = Watched(workspace, "watch")
    watch.until_said("watching")
    begin = time.monotonic()
    end = begin + minutes * 60
    reloads = 0
    next_file = next_line = begin
    waiting: dict[str, float] = {}
    while time.monotonic() < end or waiting:
        now = time.monotonic()
        if now >= next_file and now < end:
            waiting[load.deliver(workspace.root / "incoming")] = time.monotonic()
            next_file = max(next_file + every, now)
        for name in committed(workspace.ledger_file) & waiting.keys():
            spent = time.monotonic() - waiting.pop(name)
            figures.latencies.append((spent, time.monotonic() - begin))
        pid = watch.process.pid
        figures.memory.append((now - begin, resident_bytes(pid), open_files(pid)))
        if (now - begin) / (minutes * 60) > (reloads + 1) / 4 and reloads < 3:
            reloads += 1
            plan = book / "book.yaml"
            plan.write_text(plan.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        if watch.process.poll() is not None or now > end + 120:
            break
        if now >= next_line:
            next_line += 60
            line = f"{now - begin:5.0f} s: {len(figures.latencies)} files,"
            now_memory, now_open = figures.memory[-1][1:]
            print(f"{line} {now_memory / 1e6:.0f} MB, {now_open} open", flush=True)  # noqa: T201
        time.sleep(0.1)
    reloaded = len(watch.said("reloaded"))
    code, errors = watch.end()
    with Ledger(workspace.ledger_file) as ledger:
        figures.records = sum(
            batch.summary["records"] for batch in ledger.batches("run") if batch.kind == "run"
        )
    wrong = [f"it ended with {code}: {errors}"] if code else []
    wrong += [f"not published: {name}" for name in waiting]
    wrong += [] if reloaded == reloads else [f"{reloaded} of {reloads} reloads"]
    wrong += growth(figures)
    return figures, wrong


def growth(figures: Figures) -> list[str]:
    """Returns what grew from the middle to the last part of the time."""
    length = figures.memory[-1][0]
    early = [one for one in figures.memory if WARM < one[0] / length <= 2 * WARM]
    late = [one for one in figures.memory if one[0] / length > 1 - WARM]
    if not early:
        return []
    before, after = (statistics.median(one[1] for one in part) for part in (early, late))
    files = [statistics.median(one[2] for one in part) for part in (early, late)]
    wrong = []
    if after - before > max(GROWTH_BYTES, GROWTH_PART * before):
        wrong.append(f"memory grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB")
    if files[1] > files[0] + 8:
        wrong.append(f"file descriptors grew from {files[0]:.0f} to {files[1]:.0f}")
    memory = f"memory {before / 1e6:.0f} -> {after / 1e6:.0f} MB"
    print(f"{memory}, descriptors {files[0]:.0f} -> {files[1]:.0f}")  # noqa: T201
    return wrong


def main() -> None:
    """Reads the options, prints the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--records", type=int, default=20_000, help="of a file")
    options.add_argument("--every", type=float, default=6.0, help="seconds between files")
    options.add_argument("--latency", type=float, default=5.0, help="most seconds of any file")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures, wrong = soak(given.minutes, given.records, given.every, Path(folder))
    spent = sorted(figures.latencies)
    if not spent:
        wrong.append("no file was published")
    else:
        middle, late = spent[len(spent) // 2][0], spent[int(len(spent) * 0.95)][0]
        slowest = ", ".join(f"{seconds:.1f} s (at {at:.0f} s)" for seconds, at in spent[:-6:-1])
        print(f"{len(spent)} files, {figures.records} records; arrival to publication:")  # noqa: T201
        print(f"  median {middle:.1f} s, 95 % {late:.1f} s, longest {slowest}")  # noqa: T201
        late_files = sum(seconds > given.latency for seconds, _ in spent)
        if late_files:
            wrong.append(f"{late_files} files took longer than {given.latency} s")
    for line in wrong:
        print(f"WRONG: {line}")  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
