"""SIMs that are worth a close look: nearly all are not, and to sort all their events is dear.

A look at numbers alone finds every SIM of which two calls overlap or which was seen in two countries,
and a few more. The rules themselves are in :mod:`pipeline.high_usage.fraud`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Int64 = NDArray[np.int64]
    Mask = NDArray[np.bool_]

COLUMNS: Final = (
    *("served_imsi", "start_time", "duration"),
    *("service", "direction", "visited_network"),
)
SECOND: Final = 1_000_000
LONGEST_S: Final = 10**9
"""Longer is a broken counter, and overlaps whatever comes."""
NETWORK: Final = re.compile(r"[0-9]{3}-")


def suspects(paths: Sequence[Path]) -> Int64:
    """Returns the IMSIs of SIMs with overlapping calls, or in two countries, int64[n], ascending.

    Args:
        paths: Tables of events.
    """
    calls, seen = _Calls(), _Countries()
    for path in paths:
        events = pq.read_table(path, columns=list(COLUMNS)).combine_chunks()
        events = events.filter(events.column("served_imsi").is_valid())
        if events.num_rows:
            calls.add(events)
            seen.add(events)
    return np.union1d(calls.overlapping(), seen.moved())


class _Calls:
    """Calls that SIMs made."""

    def __init__(self) -> None:
        self._sim, self._start, self._end = ([np.zeros(0, np.int64)] for _ in range(3))

    def add(self, events: pa.Table) -> None:
        seconds = events.column("duration").to_numpy()
        voice = _among(events, "service", "voice".__eq__)
        made = np.flatnonzero(
            voice & _among(events, "direction", "originating".__eq__) & (seconds > 0)
        )
        start = events.column("start_time").cast(pa.int64()).to_numpy()[made]
        self._sim.append(events.column("served_imsi").to_numpy()[made])
        self._start.append(start)
        self._end.append(start + np.minimum(seconds[made], LONGEST_S) * SECOND)

    def overlapping(self) -> Int64:
        """Returns SIMs; where any two calls of one overlap, two neighbours do."""
        sim, start, end = (np.concatenate(one) for one in (self._sim, self._start, self._end))
        order = np.lexsort((start, sim))
        sim, start, end = sim[order], start[order], end[order]
        near: Int64 = sim[1:][(sim[1:] == sim[:-1]) & (start[1:] < end[:-1])]
        return near


class _Countries:
    """Which SIMs were seen in a country."""

    def __init__(self) -> None:
        self._seen: dict[str, list[Int64]] = {}

    def add(self, events: pa.Table) -> None:
        sim = events.column("served_imsi").to_numpy()
        names = set(events.column("visited_network").unique().to_pylist()) - {None}
        for country in {name[:4] for name in names if NETWORK.match(name)}:
            there = sim[_among(events, "visited_network", partial(_in_country, country))]
            self._seen.setdefault(country, []).append(_distinct(there))

    def moved(self) -> Int64:
        """Returns SIMs that were seen in two countries."""
        none = np.zeros(0, np.int64)
        sims = np.sort(
            np.concatenate([none, *(_distinct(np.concatenate(one)) for one in self._seen.values())])
        )
        moved: Int64 = sims[1:][sims[1:] == sims[:-1]]
        return moved


def _distinct(numbers: Int64) -> Int64:
    """Returns the distinct numbers; numpy's own way hashes and takes six times as long."""
    ordered = np.sort(numbers)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))]


def _in_country(country: str, network: str) -> bool:
    return network.startswith(country)


def _among(events: pa.Table, column: str, wanted: Callable[[str], bool]) -> Mask:
    """Returns where a dictionary column has a text of some kind; null is none."""
    (coded,) = events.column(column).chunks
    chosen = np.array([wanted(text) for text in coded.dictionary.to_pylist()] + [False])
    codes = coded.indices.fill_null(len(chosen) - 1).to_numpy(zero_copy_only=False)
    found: Mask = chosen[codes]
    return found
