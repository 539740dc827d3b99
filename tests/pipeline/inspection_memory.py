"""What looking into large files costs in memory: small files first, then large ones of the same.

    python -m tests.pipeline.inspection_memory --megabytes 1000

Prints, for each format, the peak after small files and after a large one, and how long a gigabyte
takes; fails where a large file costs more than the places of its records and a fixed room.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mediation.normalize import CHINA
from pipeline.inspection.inspect import Reading, inspecting
from pipeline.inspection.show import Shower
from pipeline.inspection.stats import statistics
from traffic.nodes import write_node_file

if TYPE_CHECKING:
    from collections.abc import Sequence

MILLION = 1_000_000
PLACE = 16
"""Octets that a record may cost: its place."""
ROOM = 48 * MILLION
"""Octets that any file may cost more than a small one: what libraries keep for the next chunk."""


def peak() -> int:
    """Returns the most memory that this process has held, in octets."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def sums(path: Path, name: str) -> int:
    """Sums a file up as ``huadan decode --stats`` does; returns its records."""
    with inspecting(path, Reading(CHINA, name)) as inspection:
        return int(statistics(inspection, lambda _: None)["records"])


def pages(path: Path, name: str) -> int:
    """Shows the first records of a file as its first pages do; returns how many parts."""
    shower = Shower(unmask=False)
    with inspecting(path, Reading(CHINA, name)) as inspection:
        return sum(bool(shower.lines(part)) for part in islice(inspection.everything(), 300))


def repeated(octets: bytes, target: Path, megabytes: int) -> Path:
    """Writes octets again and again until there are so many."""
    with target.open("wb") as file:
        for _ in range(max(1, megabytes * MILLION // len(octets))):
            file.write(octets)
    return target


def hollow(octets: bytes, target: Path, megabytes: int) -> Path:
    """Writes octets and a hole behind them: filler, for formats that have such."""
    with target.open("wb") as file:
        file.write(octets)
        file.truncate(megabytes * MILLION)
    return target


def one_batch(octets: bytes, target: Path, megabytes: int) -> Path:
    """Writes a TAP file whose one batch has its events again and again."""
    target.write_bytes(octets)
    with inspecting(target, Reading(CHINA, "tap3")) as inspection:
        [outer] = inspection.cdr.frames.outer
        first = int(inspection.cdr.offsets[0])
        events = octets[first : int(inspection.cdr.offsets[-1] + inspection.cdr.lengths[-1])]
    before, behind = (
        b"".join(
            octets[at.offset : at.offset + at.length]
            for at in outer.pieces
            if at.behind == is_behind
        )
        for is_behind in (False, True)
    )
    times = max(1, megabytes * MILLION // len(events))
    listed = b"\x63\x84" + (times * len(events)).to_bytes(4, "big")
    inside = len(before) + len(listed) + times * len(events) + len(behind)
    with target.open("wb") as file:
        file.write(b"\x61\x84" + inside.to_bytes(4, "big") + before + listed)
        for _ in range(times):
            file.write(events)
        file.write(behind)
    return target


WRITERS = {
    "3gpp_cs": (repeated, hollow),
    "tap3": (one_batch, hollow),
    "content_csv": (repeated,),
}
"""By format; zeros are filler between BER values, and in a text they are one line."""


def measure(folder: Path, names: Sequence[str], small: int, large: int) -> bool:
    """Returns whether files of `large` megabytes cost no more than is allowed over `small` ones."""
    made: dict[str, bytes] = {}
    for name in names:
        write_node_file(name, 600, 1, folder / name)
        made[name] = (folder / name).read_bytes()
        for write in WRITERS[name]:
            path = write(made[name], folder / "small", small)
            sums(path, name)
            pages(path, name)
    good = True
    for name, octets in made.items():
        for write in WRITERS[name]:
            path = write(octets, folder / "large", large)
            before, began = peak(), time.process_time()
            records = sums(path, name)
            seconds = time.process_time() - began
            pages(path, name)
            more = peak() - before
            allowed = ROOM + PLACE * records
            good &= more <= allowed
            sys.stdout.write(
                f"{name:12} {write.__name__:9} {large} MB, {records:,} records: {more / 1e6:.1f} MB "
                f"more (allowed {allowed / 1e6:.1f}), {seconds * 1000 / large:.1f} s/GB\n"
            )
    return good


def main() -> int:
    """Runs the measurement from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--format", nargs="+", choices=[*WRITERS], default=[*WRITERS])
    options = parser.parse_args()
    small = min(16, options.megabytes // 4)
    with tempfile.TemporaryDirectory() as folder:
        return 0 if measure(Path(folder), options.format, small, options.megabytes) else 1


if __name__ == "__main__":
    sys.exit(main())
