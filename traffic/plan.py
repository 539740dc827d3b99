"""Which element writes which file with how many records; files are drawn independently.

A file's events depend on the seed, its element and its running count alone, so files may be made
in any order and on any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from traffic.network import SOURCES, Source
from traffic.sessions import session_events
from traffic.switches import share_out, switch_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traffic.clock import Span
    from traffic.population import Population
    from traffic.table import Events

SHARES: Final = {"msc1": 0.30, "msc2": 0.27, "msc3": 0.23, "pgw1": 0.11, "pgw2": 0.09}
"""Share of the records that each element writes."""

FIRST_REFERENCE: Final = {
    "msc1": 0x0100_0000,
    "msc2": 0x0100_0000,
    "msc3": 0x0100_0000,
    "pgw1": 100_000_000,
    "pgw2": 2_147_480_000,
}
"""First call reference or charging id; the second gateway soon needs the 32nd bit."""

CHUNK: Final = 32_768
"""Records drawn at once: their columns fit the cache, and memory is bounded by them."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to be made.

    Attributes:
        source: The element that writes it.
        sequence: Its running count, 1 first.
        span: When its events begin; the file is closed at the end.
        records: How many records it holds.
        seed: Seed of the whole traffic.
        reference: First call reference or charging id.
    """

    source: Source
    sequence: int
    span: Span
    records: int
    seed: int
    reference: int

    def events(self, people: Population) -> Iterator[Events]:
        """Yields the file's events in pieces, in the order in which they are written."""
        draw = switch_events if self.source.format == "3gpp_cs" else session_events
        chunks = max(-(-self.records // CHUNK), 1)
        done = 0
        for chunk in range(chunks):
            count = self.records * (chunk + 1) // chunks - done
            rng = np.random.default_rng(
                [self.seed, SOURCES.index(self.source), self.sequence, chunk]
            )
            part = self.span.part(chunk, chunks)
            yield draw(people, self.source, rng, count, part, self.reference + done)
            done += count


def plan_files(records: int, seed: int, files: int, month: Span) -> list[PlannedFile]:
    """Returns the files of a month, element by element, with `records` records in total.

    Args:
        records: Records of all files together.
        seed: Seed of the traffic.
        files: How many files there are, at least one for each of the five elements.
        month: The month, whose time the files of an element share.

    Raises:
        ValueError: If there are too few files or fewer records than files.
    """
    if files < len(SOURCES) or records < files:
        message = (
            f"{records:,} records in {files} files cannot be made: there is at least one file for"
            f" each of the {len(SOURCES)} elements, and one record in each file"
        )
        raise ValueError(message)
    planned = []
    per_source = share_out(records, tuple(SHARES[source.name] for source in SOURCES))
    for index, (source, total) in enumerate(zip(SOURCES, per_source, strict=True)):
        mine = (files + index) // len(SOURCES)
        for number in range(mine):
            first, last = total * number // mine, total * (number + 1) // mine
            planned.append(
                PlannedFile(
                    source,
                    number + 1,
                    month.part(number, mine),
                    last - first,
                    seed,
                    FIRST_REFERENCE[source.name] + first,
                )
            )
    return planned
