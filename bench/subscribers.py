"""`huadan bench subscribers`: tables of subscribers to checked, indexed arrays."""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Contestant, compete
from pipeline.shop import shop_folder
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.harness import Result

SEED = 5
FIRST_IMSI, FIRST_NUMBER = 460_000_000_000_000, 8_619_900_000_000
CORES = 2


def bench_subscribers(rows: int, rounds: int, progress: Callable[[str], None]) -> Result:
    """Returns how many rows a second are read, checked, indexed and hashed for the digest.

    The peak is that of one process that loads CSV and Parquet in turns; the tables are written by
    another.
    """
    compiled = compile_book(load_book(shop_folder() / "book"))
    with tempfile.TemporaryDirectory(prefix="huadan-bench-") as scratch:
        csv, parquet = Path(scratch, "csv"), Path(scratch, "parquet")
        progress(f"write {rows:,} rows")
        names = compiled.plans, [name for name in compiled.areas if name]
        with ProcessPoolExecutor(1, get_context("spawn")) as beside:
            beside.submit(write_tables, csv, parquet, rows, *names).result()

        def load(folder: Path) -> None:
            if load_subscribers(folder, compiled).n_periods != rows:
                message = f"{folder} lost rows"
                raise ValueError(message)

        ours = Contestant("huadan, CSV", CORES, rows, lambda: load(csv))
        other = Contestant("huadan, Parquet", CORES, rows, lambda: load(parquet))
        result = compete("subscribers", ours, [other], rounds, progress)
        size = csv.joinpath("subscribers.csv").stat().st_size
        return replace(result, notes=(f"CSV of {size / rows:.0f} bytes a row",))


def write_tables(
    csv: Path, parquet: Path, rows: int, plans: tuple[str, ...], areas: list[str]
) -> None:
    """Writes the same subscribers as CSV and as Parquet; one in ten has changed the plan."""
    import numpy as np  # noqa: PLC0415  only in the process that writes
    import polars as pl  # noqa: PLC0415

    rng = np.random.default_rng(SEED)
    who = np.sort(rng.integers(0, rows, rows // 10))
    subscriber = np.sort(np.concatenate([np.arange(rows - len(who)), who % (rows - len(who))]))
    first = np.concatenate([[True], subscriber[1:] != subscriber[:-1]])
    place = np.arange(rows) - np.maximum.accumulate(np.where(first, np.arange(rows), 0))
    last = np.concatenate([subscriber[1:] != subscriber[:-1], [True]])
    frame = pl.DataFrame(
        {
            "s": pl.Series(subscriber).cast(pl.String).str.zfill(8),
            "number": FIRST_NUMBER + rng.permutation(rows)[subscriber],
            "imsi": FIRST_IMSI + rng.permutation(rows)[subscriber],
            "plan": np.array(plans)[rng.integers(0, len(plans), rows)],
            "area": np.array(areas)[rng.integers(0, len(areas), rows)],
            "vpmn": rng.integers(0, max(1, rows // 50), rows),
            "from": 2000 + place,
            "last": last,
        }
    ).select(
        subscriber_id=pl.format("S{}", "s"),
        account_id=pl.format("A{}", "s"),
        charge_group=pl.lit(""),
        msisdn=pl.format("+{}", "number"),
        imsi="imsi",
        plan="plan",
        role=pl.lit("single"),
        vpmn_group=pl.when(pl.col("vpmn") % 10 == 0)
        .then(pl.format("V{}", "vpmn"))
        .otherwise(pl.lit("")),
        home_area="area",
        valid_from=pl.format("{}-10-01", "from"),
        valid_to=pl.when("last")
        .then(pl.lit(""))
        .otherwise(pl.format("{}-10-01", pl.col("from") + 1)),
    )
    for folder in (csv, parquet):
        folder.mkdir(parents=True)
    frame.write_csv(csv / "subscribers.csv", quote_style="never")
    frame.write_parquet(parquet / "subscribers.parquet")
