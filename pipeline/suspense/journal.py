"""The suspense of a workspace: a journal in Parquet, of which the last row of each name counts.

Every batch that suspends, recycles or writes off adds rows; none is ever changed. So a batch that
is taken back takes its changes of state along, and the octets of the first row stay as they came.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mediation.edr import SUSPENSE_SCHEMA
from mediation.suspense import STATES
from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.published import NAME, batch_of, plain
from pipeline.suspense.corrections import Wanted, open_corrections

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.parquet import Output
    from pipeline.workspace import Workspace

SUSPENDED, RECYCLING, RECYCLED, WRITTEN_OFF = STATES
OPEN: Final = (SUSPENDED, RECYCLING)
LIGHT: Final = tuple(name for name in SUSPENSE_SCHEMA.names if name != "raw")
"""What a list needs; the octets are read where one item is shown."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items are wanted; None is any.

    Attributes:
        wanted: Values of columns: stage, reason, sub_reason, state, source, format, file.
        since: Suspended at this instant or later.
        until: Suspended before this instant.
    """

    wanted: Wanted = field(default_factory=Wanted)
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Suspense:
    """Items of suspense.

    Attributes:
        table: One row per item: LIGHT, and `batch` (the latest that touched it), `since` (instant
            at which it came to suspense), `source`, `name` (of the file) and `format`.
    """

    table: pl.DataFrame

    @property
    def count(self) -> int:
        """Returns how many items there are."""
        return self.table.height

    @property
    def open(self) -> Suspense:
        """Returns the items that are neither recycled nor written off."""
        return Suspense(self.table.filter(pl.col("state").is_in(OPEN)))

    def where(self, wanted: Filter) -> Suspense:
        """Returns the items that a filter lets through."""
        table = self.table.filter(pl.lit(value=True))
        for name, value in wanted.wanted.of_items.items():
            column = pl.col("name" if name == "file" else name).cast(pl.String)
            table = table.filter(column == value)
        if wanted.since is not None:
            table = table.filter(pl.col("since") >= wanted.since)
        if wanted.until is not None:
            table = table.filter(pl.col("since") < wanted.until)
        return Suspense(table)

    def sums(self, *by: str) -> list[dict[str, Any]]:
        """Returns counts by some columns, largest first, and since when the oldest waits."""
        names = list(by or ("stage", "reason", "source"))
        found = (
            self.table.group_by(names)
            .agg(pl.len().alias("count"), pl.col("since").min().alias("oldest"))
            .sort(["count", *names], descending=[True, *(False for _ in names)])
        )
        return [{**row, "oldest": shown(row["oldest"])} for row in found.to_dicts()]

    def rows(self, limit: int) -> list[dict[str, Any]]:
        """Returns items one by one, with the command's own name for a record first."""
        return [
            {
                "record": f"{row['file_id']}:{row['offset']}:{row['container']}",
                "file": f"{row['source']}/{row['name']}",
                "state": row["state"],
                "stage": row["stage"],
                "reason": row["reason"],
                "sub_reason": row["sub_reason"],
                "detail": row["detail"],
                "tag_path": row["tag_path"],
                "fault_offset": row["fault_offset"],
                "length": row["length"],
                "attempts": row["attempts"],
                "since": shown(row["since"]),
            }
            for row in self.table.head(limit).to_dicts()
        ]

    def names(self) -> list[tuple[str, int, int]]:
        """Returns the names of the items, in their order."""
        return list(self.table.select(NAME).iter_rows())


def shown(instant: dt.datetime | None) -> str | None:
    """Returns an instant for people and programs."""
    return None if instant is None else instant.isoformat(timespec="seconds")


def whole_records(items: Suspense, chosen: Suspense) -> Suspense:
    """Returns the chosen items and all others of their records: a record goes as a whole."""
    records = chosen.table.select("file_id", "offset").unique()
    whole = items.table.join(records, on=["file_id", "offset"], how="semi", maintain_order="left")
    return Suspense(whole)


def read_suspense(workspace: Workspace, wanted: Filter | None = None) -> Suspense:
    """Returns the items of all committed batches, in the order in which they came to suspense.

    Raises:
        UsageError: nothing has been committed yet.
    """
    workspace.require()
    if not workspace.ledger_file.exists():
        message = "no batch has been committed yet"
        raise UsageError(message, "start with `huadan run`")
    load_config(workspace)
    with Ledger(workspace.ledger_file) as ledger:
        found = read_items(workspace, ledger)
    return found.where(wanted) if wanted is not None else found


def read_items(workspace: Workspace, ledger: Ledger) -> Suspense:
    """Returns all items with their present state."""
    journal = _journal(workspace, ledger.outputs("suspense/"))
    times = {name: dt.datetime.fromisoformat(text) for name, text in ledger.batch_times().items()}
    first = journal.group_by(NAME).agg(pl.col("batch").first().alias("first"))
    table = journal.unique(NAME, keep="last", maintain_order=True).join(
        first, on=NAME, how="left", maintain_order="left"
    )
    since = pl.DataFrame(
        {"first": list(times), "since": list(times.values())},
        schema={"first": pl.String, "since": pl.Datetime("us", "UTC")},
    )
    table = table.join(since, on="first", how="left", maintain_order="left").drop("first")
    table = table.join(_files(ledger), on="file_id", how="left", maintain_order="left")
    return Suspense(_marked(table, ledger))


def _marked(table: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Returns items with those as `recycling` that a correction is waiting for."""
    wanted = [correction.wanted for correction in open_corrections(ledger)]
    if not wanted or not table.height:
        return table
    hit = pl.lit(value=False)
    for one in wanted:
        fits = pl.col("state") == SUSPENDED
        for name, value in one.of_items.items():
            fits &= (pl.col("name" if name == "file" else name).cast(pl.String) == value).fill_null(
                value=False
            )
        hit |= fits
    state = pl.when(hit).then(pl.lit(RECYCLING)).otherwise(pl.col("state"))
    return table.with_columns(state.alias("state"))


def _journal(workspace: Workspace, outputs: Iterable[Output]) -> pl.DataFrame:
    tables = [plain(SUSPENSE_SCHEMA.empty_table().select(LIGHT))]
    batches: list[str] = []
    for output in outputs:
        table = pq.read_table(workspace.root / output.path, columns=list(LIGHT))
        tables.append(plain(table))
        batches += [batch_of(output.path)] * table.num_rows
    frame: pl.DataFrame = pl.DataFrame(pa.concat_tables(tables))
    return frame.with_columns(pl.Series("batch", batches, pl.String))


def _files(ledger: Ledger) -> pl.DataFrame:
    formats = {sheet.file_id: sheet.sheet.get("format") or None for sheet in ledger.sheets()}
    rows = [(f.file_id, f.source, f.name, formats.get(f.file_id)) for f in ledger.files()]
    columns = ("file_id", "source", "name", "format")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


@dataclass(frozen=True, slots=True)
class History:
    """All that is known of one item: its rows in order of batch, with octets."""

    rows: list[dict[str, Any]]
    file: str

    @property
    def raw(self) -> bytes:
        """Returns the octets as they came first; empty where only the archive has them."""
        return next((row["raw"] for row in self.rows if row["raw"]), b"")


def read_history(workspace: Workspace, file_id: str, offset: int, container: int) -> History:
    """Returns what happened to an item; `file_id` may be the beginning of one.

    Raises:
        UsageError: there is no such item.
    """
    workspace.require()
    rows: list[dict[str, Any]] = []
    wanted = (pc.field("offset") == offset) & (pc.field("container") == container)
    if workspace.ledger_file.exists():
        with Ledger(workspace.ledger_file) as ledger:
            files = {file.file_id: f"{file.source}/{file.name}" for file in ledger.files()}
            for output in ledger.outputs("suspense/"):
                table = pq.read_table(workspace.root / output.path, filters=wanted)
                rows += [
                    {"batch": batch_of(output.path), **row}
                    for row in table.to_pylist()
                    if row["file_id"].startswith(file_id)
                ]
    if len({row["file_id"] for row in rows}) != 1:
        message = f"{file_id}:{offset}:{container} is not in suspense"
        raise UsageError(message, "`huadan suspense list --rows` names items")
    return History(rows, files[rows[0]["file_id"]])
