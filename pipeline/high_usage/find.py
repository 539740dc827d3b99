"""Looks through what a batch has staged; writes its alarms and its sums by day beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from mediation.edr import field
from pipeline.batch.early import Early
from pipeline.billing.cycle_files import PARTS
from pipeline.high_usage import fraud, limits
from pipeline.high_usage.alarms import AMOUNT, as_table
from pipeline.high_usage.credit import CreditLimits
from pipeline.high_usage.places import read_places
from pipeline.high_usage.section import Day
from pipeline.high_usage.sums import day_sums
from pipeline.high_usage.suspects import suspects
from pipeline.parquet import write
from pipeline.published import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.high_usage.earlier import Earlier
    from pipeline.high_usage.section import HighUsage
    from pipeline.high_usage.usage import Rows, UnitUsage
    from pipeline.ledger.model import Output
    from pipeline.ledger.store import Ledger
    from pipeline.workspace import Workspace
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

EVENTS = (
    *NAME,
    "service",
    "direction",
    "served_imsi",
    "served_msisdn",
    "start_time",
    "duration",
    "visited_network",
    "area",
)

HOME = 0
"""The roaming class of our own networks."""

USAGE_SCHEMA = pa.schema(
    [
        field("day", pa.date32(), "day", "Day in the book's time zone", nullable=False),
        field("subscriber_id", pa.string(), "name", "Subscriber", nullable=False),
        field("served_msisdn", pa.int64(), "E.164", "A number of the subscriber on that day"),
        field("duration", pa.int64(), "s", "Length of calls", nullable=False),
        field("volume", pa.int64(), "byte", "Data", nullable=False),
        field("messages", pa.int64(), "count", "Messages sent", nullable=False),
        field("charge", pa.decimal128(18, 6), "currency", "Sum of net", nullable=False),
    ]
)
"""Arrow schema of ``usage/``: what each subscriber used on a day, as far as one batch knows."""


@dataclass(frozen=True, slots=True)
class HighUsageFinder:
    """What `find` needs to know beside the batch.

    Attributes:
        workspace: Where earlier batches' sums are.
        ledger: Which of them are committed.
        wanted: The limits.
        book: For time zone and currency.
        subscribers: For credit limits.
        earlier: What batches of this process have read of earlier ones.
    """

    workspace: Workspace
    ledger: Ledger
    wanted: HighUsage
    book: CompiledBook
    subscribers: Subscribers
    earlier: Earlier

    def find(
        self, name: str, folder: Path, staged: Sequence[Output], units: Sequence[UnitUsage]
    ) -> tuple[list[Output], dict[str, int]]:
        """Writes alarms and sums of a batch; returns what was written, and alarms by kind.

        Args:
            name: The batch.
            folder: Where its tables are staged.
            staged: Its tables.
            units: Usage of its units.

        Raises:
            ConfigError: The table of places has mistakes.
        """
        places = self._places()
        patterns = Early(lambda: list(self._patterns(folder, staged, places)))
        patterns.begin()
        outputs = list(self._partners(folder, staged))
        found = list(self._of_calls([unit.notable for unit in units]))
        rows = [one for unit in units for one in unit.rows]
        if rows and self.wanted.day != Day():
            sums = day_sums(rows, self.subscribers.names, self.book.time_zone)
            found += self._days(sums)
            outputs += _write_sums(name, folder, sums)
        if rows and self.wanted.credit.percent:
            tables, passed = self._credit(name, folder, rows)
            outputs, found = [*outputs, *tables], [*found, *passed]
        found += patterns.get()
        counts = Counter(kind for frame in found for kind in frame.get_column("kind"))
        if counts:
            outputs.append(write(as_table(found), folder, f"alarms/{name}.parquet"))
        return outputs, dict(sorted(counts.items()))

    def _of_calls(self, notable: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yields alarms about single calls, sessions and bursts of calls."""
        if not notable:
            return
        usage = limits.caused(pl.concat(notable).lazy(), self.book.time_zone)
        yield from limits.calls(usage, self.wanted.call, self.book.currency)
        yield from limits.sessions(usage, self.wanted.session, self.book.currency)
        yield from fraud.premium_bursts(usage, self.wanted.fraud)

    def _partners(self, folder: Path, staged: Sequence[Output]) -> Iterator[Output]:
        """Yields the files for roaming partners."""
        if not self.wanted.nrtrde.partners:
            return
        from pipeline.high_usage import nrtrde  # noqa: PLC0415 - asn1tools, only where wanted

        events = _scan(folder, staged, "edr", nrtrde.COLUMNS)
        if events is None:
            return
        home = frozenset(name for name, roaming in self.book.networks.items() if roaming == HOME)
        sent = nrtrde.sent_before([o.path for o in self.ledger.outputs(f"{nrtrde.FOLDER}/")])
        yield from nrtrde.NrtrdeWriter(self.wanted.nrtrde, home, sent).write(folder, events)

    def _credit(
        self, name: str, folder: Path, rows: Sequence[Rows]
    ) -> tuple[list[Output], list[pl.DataFrame]]:
        percent = self.wanted.credit.percent
        zone, currency = self.book.time_zone, self.book.currency
        limits = CreditLimits(
            self.workspace.root,
            self.ledger,
            self.subscribers,
            percent,
            zone,
            currency,
            self.earlier,
        )
        return limits.look(name, folder, rows)

    def _places(self) -> pl.DataFrame:
        path = self.wanted.fraud.places
        return read_places(self.workspace.root / path) if path else pl.DataFrame()

    def _days(self, sums: pl.DataFrame) -> Iterator[pl.DataFrame]:
        days = sums.get_column("day").unique().sort()
        before = [self._before(f"usage/day={day}/", sums[:0]) for day in days]
        return limits.days(sums, pl.concat(before), self.wanted.day, self.book.currency)

    def _before(self, folder: str, none: pl.DataFrame) -> pl.DataFrame:
        """Returns the sums of a day's earlier batches, a row for each subscriber."""

        def grow(known: pl.DataFrame | None, after: int) -> pl.DataFrame:
            new = [self.workspace.root / o.path for o in self.ledger.outputs_after(folder, after)]
            frames = [limits.added_up(none)] if known is None else [known]
            if new:
                told = pl.scan_parquet(new, hive_partitioning=False).collect()
                frames.append(limits.added_up(told))
            return limits.added_up(pl.concat(frames)) if new else frames[0]

        return self.earlier.grown(self.ledger, folder, grow)

    def _patterns(
        self, folder: Path, staged: Sequence[Output], places: pl.DataFrame
    ) -> Iterator[pl.DataFrame]:
        rules = self.wanted.fraud
        events = _scan(folder, staged, "edr", EVENTS)
        if events is None:
            return
        of_sims = fraud.of_sims(events, self.book.time_zone)
        if rules.overlap is not None or rules.country_change is not None:
            few = suspects(_paths(folder, staged, "edr"))
            looked_at = of_sims.filter(pl.col(fraud.SIM).is_in(pl.Series(few).implode()))
            looked_at = looked_at.collect().lazy()
            yield from fraud.overlapping_calls(looked_at, rules)
            yield from fraud.country_changes(looked_at, rules)
        yield from fraud.impossible_travel(of_sims, places, rules)


def _paths(folder: Path, staged: Sequence[Output], kind: str) -> list[Path]:
    """Returns a batch's tables of one kind.

    Parts of calls are no events: what they are put together to is only among the rated records.
    """
    return [
        folder / output.path
        for output in staged
        if output.path.startswith(f"{kind}/")
        and not (kind == "edr" and output.path.endswith(f"{PARTS}.parquet"))
    ]


def _scan(
    folder: Path, staged: Sequence[Output], kind: str, columns: Sequence[str]
) -> pl.LazyFrame | None:
    """Returns some columns of a batch's tables of one kind, None if it has none."""
    paths = _paths(folder, staged, kind)
    if not paths:
        return None
    rows = pl.scan_parquet(paths, hive_partitioning=False)
    if kind == "edr" and (told := [o for o in staged if o.path.startswith("withdrawn/")]):
        # Recycled events were in `edr/` before, where an earlier batch looked at them.
        names = pl.concat(pl.read_parquet(folder / o.path, hive_partitioning=False) for o in told)
        text = pl.col("file_id").cast(pl.String)
        rows = rows.with_columns(text).join(names.lazy().with_columns(text), on=NAME, how="anti")
    return rows.select(columns)


def _write_sums(name: str, folder: Path, sums: pl.DataFrame) -> Iterator[Output]:
    for (day,), rows in sums.group_by("day", maintain_order=True):
        table = rows.with_columns(pl.col("charge").cast(AMOUNT)).to_arrow().cast(USAGE_SCHEMA)
        yield write(table, folder, f"usage/day={day}/{name}.parquet")
