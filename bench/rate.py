"""`huadan bench rate`: order and rate guided events, against the same rating as queries."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.harness import Contestant, Result, compete
from bench.kernels.results import keep
from bench.queries import guide, make_tables
from bench.rate_duckdb import open_duckdb, rate_with_duckdb
from bench.rate_polars import rate_with_polars
from bench.rating_book import write_book, write_subscribers
from bench.rating_case import as_edrs, make_case
from mediation.duplicates import record_keys
from rating.engine import Rater
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

CYCLE = "2026-10"
PREFIXES = 20_000
PEER_THREADS = 2


class UnequalRatingError(AssertionError):
    """A peer came to another charge: the comparison would be worth nothing."""

    def __init__(self, peer: str, differing: pl.DataFrame) -> None:
        super().__init__(
            f"{peer} and the kernel disagree on {differing.height} events, such as\n"
            f"{differing.head(3)}"
        )


def bench_rate(
    records: int, rounds: int, subscribers: int, progress: Callable[[str], None]
) -> Result:
    """Returns our rate on one thread beside polars and duckdb on two, on `records` events.

    All three begin with guided and classified events in order of arrival, in memory, and end with
    every event's allowance units and net charge. Before anything is timed they must agree on each
    event.

    Raises:
        UnequalRatingError: If a peer rates any event differently.
    """
    progress("make the case")
    case = make_case(records, subscribers, PREFIXES)
    with tempfile.TemporaryDirectory(prefix="huadan-bench-") as scratch:
        write_book(case, Path(scratch, "book"))
        write_subscribers(case, Path(scratch, "subscribers"))
        compiled = compile_book(load_book(Path(scratch, "book")))
        rater = Rater(compiled, load_subscribers(Path(scratch, "subscribers"), compiled))
    tables = make_tables(case)
    guided = guide(tables)
    connection = open_duckdb(tables, guided, PEER_THREADS)
    rating = _Rating(rater, as_edrs(case))

    progress("compare event by event")
    expected = rating.charges()
    _require_equal("polars", expected, rate_with_polars(tables, guided))
    _require_equal("duckdb", expected, rate_with_duckdb(connection))
    return compete(
        "rate",
        Contestant("huadan", 1, records, rating.run),
        [
            Contestant(
                "polars",
                pl.thread_pool_size(),
                records,
                lambda: rate_with_polars(tables, guided),
            ),
            Contestant("duckdb", PEER_THREADS, records, lambda: rate_with_duckdb(connection)),
        ],
        rounds,
        progress,
    )


class _Rating:
    """Our side; results go to three arrays that are made once, as a database reuses its pages."""

    def __init__(self, rater: Rater, events: pa.RecordBatch) -> None:
        self.rater = rater
        self.prepared = rater.prepare(events, record_keys(events))
        self.event, self.units, self.net = np.zeros((3, events.num_rows), np.int64)

    def run(self) -> None:
        """Orders and rates all events."""
        done = 0
        for charge in self.rater.charges(self.prepared, self.rater.open_cycle(CYCLE)):
            count = int(charge.cursor[0])
            keep(charge.row, charge.line, count, done, self.event, self.units, self.net)
            done += count

    def charges(self) -> pl.DataFrame:
        """Returns what a run came to, by event."""
        self.run()
        columns = {"event": self.event, "allowance_units": self.units, "net": self.net}
        return pl.DataFrame(columns).sort("event")


def _require_equal(peer: str, expected: pl.DataFrame, found: pl.DataFrame) -> None:
    found = found.select(pl.all().cast(pl.Int64)).sort("event")
    if not found.equals(expected):
        both = expected.join(found, on="event", how="full", suffix="_peer")
        columns = ("allowance_units", "net")
        wrong = pl.any_horizontal(
            pl.col(name).ne_missing(pl.col(f"{name}_peer")) for name in columns
        )
        raise UnequalRatingError(peer, both.filter(wrong))
