"""`huadan bench rate`: guide, classify, order and rate, against the same rating as queries."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from bench.harness import Contestant, Result, compete
from bench.queries import make_tables, open_duckdb, rate_with_duckdb, rate_with_polars
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
MILLIONTHS = 1_000_000


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

    All three begin with normalized events and subscriber data in memory and end with every
    event's allowance units and net charge; before anything is timed they must agree per event.

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
    events = as_edrs(case)
    keys = record_keys(events)
    tables = make_tables(case)
    connection = open_duckdb(tables, PEER_THREADS)

    def ours() -> pa.RecordBatch:
        return rater.rate(rater.prepare(events, keys), rater.open_cycle(CYCLE)).table

    progress("compare event by event")
    expected = _rated_by_us(ours())
    _require_equal("polars", expected, rate_with_polars(tables))
    _require_equal("duckdb", expected, rate_with_duckdb(connection))
    return compete(
        "rate",
        Contestant("huadan", 1, records, ours),
        [
            Contestant("polars", pl.thread_pool_size(), records, lambda: rate_with_polars(tables)),
            Contestant("duckdb", PEER_THREADS, records, lambda: rate_with_duckdb(connection)),
        ],
        rounds,
        progress,
    )


def _rated_by_us(rated: pa.RecordBatch) -> pl.DataFrame:
    table = pl.DataFrame(rated.select(["offset", "allowance_units", "net"]))
    return table.select(
        event="offset",
        allowance_units="allowance_units",
        net=(pl.col("net") * MILLIONTHS).cast(pl.Int64),
    ).sort("event")


def _require_equal(peer: str, expected: pl.DataFrame, found: pl.DataFrame) -> None:
    found = found.select(pl.all().cast(pl.Int64)).sort("event")
    if not found.equals(expected):
        both = expected.join(found, on="event", how="full", suffix="_peer")
        columns = ("allowance_units", "net")
        wrong = pl.any_horizontal(
            pl.col(name).ne_missing(pl.col(f"{name}_peer")) for name in columns
        )
        raise UnequalRatingError(peer, both.filter(wrong))
