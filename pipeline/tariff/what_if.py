"""``huadan tariff try``: a billed cycle rated and billed with another book, beside the real one.

The events of the cycle go through the machinery of the bill run into a folder of their own; nothing
that is published is touched, and the workspace is not locked: batches may go on meanwhile. What comes
out is compared with the published bills to the last 0.000001.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.batch.stopwatch import Stopwatch
from pipeline.billing.adjust import next_step
from pipeline.billing.again import bill_again, scratch_folder
from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.progress import Listener
    from pipeline.workspace import Workspace

MONEY: Final = pl.Decimal(38, 6)
BY: Final = ("plan", "service", "zone", "gl_code")
"""What revenue is told by; each with the sums of lines that have it."""
TOTALS: Final = ("usage", "fees", "discounts", "rounding", "tax_amount", "total")
REVENUE: Final = ("usage", "fee", "discount")
"""Kinds of lines that are revenue; tax that prices include is in them."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What another book would do to a billed cycle.

    Attributes:
        cycle: ``YYYY-MM``.
        batch: The bill run that it is compared with.
        books: Digests of the book of the bills, and of the one that was tried.
        currency: Of all amounts.
        totals: ``what, old, new, change`` of all bills.
        by: Dimension → ``name, old, new, change``, the largest change first.
        accounts: ``account_id, old, new, change`` of every account, by account.
        unrated: ``reason, old, new`` of events that are not rated.
        notes: What a person should know about the comparison.
        seconds: How long it took.
    """

    cycle: str
    batch: str
    books: tuple[str, str]
    currency: str
    totals: pl.DataFrame
    by: dict[str, pl.DataFrame]
    accounts: pl.DataFrame
    unrated: pl.DataFrame
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    stage_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def moved(self) -> dict[str, tuple[int, Any]]:
        """Returns how many accounts pay less, more, and the same, and what that comes to."""
        change = pl.col("change")
        found = {}
        for name, chosen in (("less", change < 0), ("more", change > 0), ("same", change == 0)):
            rows = self.accounts.filter(chosen)
            found[name] = (rows.height, rows["change"].sum())
        return found

    def top(self, count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Returns the accounts that would pay less, and those that would pay more."""
        rows = self.accounts.sort("change", "account_id")
        less = rows.filter(pl.col("change") < 0).head(count)
        more = rows.sort("change", "account_id", descending=[True, False])
        return less, more.filter(pl.col("change") > 0).head(count)

    def to_dict(self, count: int) -> dict[str, Any]:
        """Returns one JSON-ready object, with so many accounts each way."""
        less, more = self.top(count)
        return {
            "cycle": self.cycle,
            "batch": self.batch,
            "book": {"old": self.books[0], "new": self.books[1]},
            "currency": self.currency,
            "totals": _rows(self.totals),
            "by": {name: _rows(frame) for name, frame in self.by.items()},
            "accounts": {
                name: {"accounts": number, "change": str(change)}
                for name, (number, change) in self.moved.items()
            },
            "pay_less": _rows(less),
            "pay_more": _rows(more),
            "unrated": _rows(self.unrated),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


def try_book(
    workspace: Workspace,
    book: Path,
    cycle: str | None = None,
    *,
    threads: int | None = None,
    output: Path | None = None,
    listener: Listener | None = None,
) -> WhatIf:
    """Rates and bills a billed cycle with another book.

    Args:
        workspace: Whose cycle.
        book: Folder of the book.
        cycle: ``YYYY-MM``; the latest that is billed if None.
        threads: Worker threads; as configured if None.
        output: Folder that gets the comparison and all tables as Parquet; must not exist.
        listener: Hears about progress.

    Raises:
        UsageError: the cycle is not billed, or `output` is there already.
        ReconciliationError: what was made does not tie.
        tariffs.errors.BookError: the book cannot be loaded.
        rating.errors.SubscriberDataError: the subscriber data does not go with it.
    """
    config = load_config(workspace)
    workspace.require()
    if output is not None and output.exists():
        message = f"{output} is there already"
        raise UsageError(message, "name a folder that is not there yet")
    watch = Stopwatch()
    with scratch_folder(workspace.root) as scratch, Ledger(workspace.ledger_file) as ledger:
        chosen = _billed(ledger, cycle)
        last = ledger.bill_of(chosen)
        assert last is not None  # noqa: S101 - it is billed
        watching = (listener or Silent(), watch)
        folders = (workspace.root, scratch)
        made, run = bill_again(ledger, config, chosen, book.absolute(), folders, threads, watching)
        old = _Bills.of(workspace.root, [o.path for o in ledger.outputs(f"billed/cycle={chosen}/")])
        new = _Bills.of(scratch, [o.path for o in made])
        because = ledger.outdated().get(last.name)
        said = _notes(because and f"{because}. First: {next_step(ledger, chosen)}", old, new)
        with watch.stage("compare"):
            result = WhatIf(
                cycle=chosen,
                batch=last.name,
                books=(old.stamp("book_digest"), run.rater.compiled.digest),
                currency=run.rater.compiled.currency,
                totals=_compared(old.totals(), new.totals(), "what", TOTALS),
                by={name: _compared(old.by(name), new.by(name), "name") for name in BY},
                accounts=_compared(old.accounts(), new.accounts(), "account_id").sort("account_id"),
                unrated=_compared(old.unrated(), new.unrated(), "reason"),
                notes=said,
                seconds=watch.elapsed,
                stage_seconds=watch.seconds,
            )
        if output is not None:
            _keep(result, scratch, chosen, output)
    return result


@dataclass(frozen=True, slots=True)
class _Bills:
    """The tables of a bill run, wherever they are."""

    tables: dict[str, list[Path]]

    @classmethod
    def of(cls, root: Path, paths: Sequence[str]) -> _Bills:
        tables: dict[str, list[Path]] = {}
        for path in paths:
            tables.setdefault(path.split("/")[2], []).append(root / path)
        return cls(tables)

    def scan(self, name: str) -> pl.LazyFrame:
        return pl.scan_parquet(self.tables[name], hive_partitioning=False)

    def stamp(self, name: str) -> str:
        """Returns the digest that all bills carry."""
        found = self.scan("bills").select(pl.col(name).cast(pl.String)).head(1).collect()
        return str(found[name][0])

    def totals(self) -> pl.DataFrame:
        sums = self.scan("bills").select(pl.col(*TOTALS).cast(MONEY).sum()).collect()
        return sums.unpivot(variable_name="what", value_name="net")

    def by(self, name: str) -> pl.DataFrame:
        """Returns revenue by a column of the lines; lines without it are left out."""
        lines = self.scan("bill_lines").filter(pl.col("kind").cast(pl.String).is_in(REVENUE))
        key = pl.col(name).cast(pl.String).alias("name")
        sums = lines.filter(pl.col(name).is_not_null()).group_by(key)
        return sums.agg(pl.col("net").cast(MONEY).sum()).collect()

    def accounts(self) -> pl.DataFrame:
        bills = self.scan("bills").select(
            pl.col("account_id").cast(pl.String), pl.col("total").cast(MONEY).alias("net")
        )
        return bills.collect()

    def unrated(self) -> pl.DataFrame:
        if "unrated" not in self.tables:
            return pl.DataFrame(schema={"reason": pl.String, "net": pl.Int64})
        reason = pl.col("reason").cast(pl.String)
        return (
            self.scan("unrated")
            .group_by(reason)
            .agg(pl.len().cast(pl.Int64).alias("net"))
            .collect()
        )


def _compared(
    old: pl.DataFrame, new: pl.DataFrame, key: str, order: Sequence[str] = ()
) -> pl.DataFrame:
    """Returns ``key, old, new, change``: in an order, else the largest change first."""
    both = old.rename({"net": "old"}).join(
        new.rename({"net": "new"}), on=key, how="full", coalesce=True
    )
    both = both.with_columns(pl.col("old", "new").fill_null(0))
    both = both.with_columns((pl.col("new") - pl.col("old")).alias("change"))
    if order:
        places = {name: place for place, name in enumerate(order)}
        return both.sort(pl.col(key).replace_strict(places, return_dtype=pl.Int32))
    return both.sort(pl.col("change").abs(), pl.col(key), descending=[True, False])


def _notes(outdated: str | None, old: _Bills, new: _Bills) -> tuple[str, ...]:
    """Returns what else than the book may make a difference."""
    notes = []
    if outdated:
        notes.append(f"The published bills are out of date: {outdated}")
    if old.stamp("subscribers_digest") != new.stamp("subscribers_digest"):
        notes.append(
            "The subscriber data has changed since the cycle was billed: a part of the difference"
            " is from that. Bill the cycle again to see the book's alone."
        )
    return tuple(notes)


def _billed(ledger: Ledger, cycle: str | None) -> str:
    """Returns the cycle that is meant.

    Raises:
        UsageError: it is not billed.
    """
    billed = sorted({batch.cycle or "" for batch in ledger.batches("bill")})
    if cycle in billed:
        return str(cycle)
    if cycle is None and billed:
        return billed[-1]
    message = f"cycle {cycle} has not been billed" if cycle else "nothing has been billed"
    raise UsageError(message, f"billed: {', '.join(billed)}" if billed else "huadan bill")


def _keep(result: WhatIf, scratch: Path, cycle: str, output: Path) -> None:
    """Writes the comparison, and moves the tables that were made."""
    output.mkdir(parents=True)
    result.totals.write_parquet(output / "totals.parquet")
    result.accounts.write_parquet(output / "accounts.parquet")
    for name, frame in result.by.items():
        frame.write_parquet(output / f"by_{name}.parquet")
    for table in sorted((scratch / f"billed/cycle={cycle}").iterdir()):
        shutil.move(str(table), output / table.name)


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Returns rows with amounts as text."""
    return [
        {
            name: value if isinstance(value, (int, str)) else str(value)
            for name, value in row.items()
        }
        for row in frame.to_dicts()
    ]
