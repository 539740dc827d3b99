"""The suspense of a workspace: a journal in Parquet, of which the last row of each name counts.

Every batch that suspends, recycles or writes off adds rows; none is ever changed. So a batch that
is taken back takes its changes of state along, and the octets of the first row stay as they came.
"""

from __future__ import annotations

import datetime as dt
import hashlib
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
from pipeline.published import NAME, batch_of
from pipeline.suspense.corrections import Wanted, open_corrections

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.ledger.model import Output
    from pipeline.workspace import Workspace

SUSPENDED, RECYCLING, RECYCLED, WRITTEN_OFF = STATES
OPEN: Final = (SUSPENDED, RECYCLING)
LIGHT: Final = tuple(name for name in SUSPENSE_SCHEMA.names if name != "raw")
"""What a list needs; the octets are read where one item is shown."""
SUMMED: Final = (*NAME, "stage", "reason", "sub_reason", "state")
"""What sums and filters need."""
NOTE: Final = ".suspense.parquet"
"""Below ``reports/``: what was open when the journal had so many files."""
NOTED_EVERY: Final = 16
"""Files of the journal after which the note is made anew."""


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
        table: One row per item: LIGHT, and `batch` (the latest that touched it), `first` (that
            suspended it), `since` (when that was), `source`, `name` (of the file) and `format`.
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


def read_suspense(
    workspace: Workspace,
    wanted: Filter | None = None,
    *,
    ended: bool = True,
    columns: Sequence[str] = LIGHT,
) -> Suspense:
    """Returns the items of all committed batches, in the order in which they came to suspense.

    Without those that have `ended` (recycled, written off) most of the journal need not be read;
    `columns` (SUMMED at least) are all that is read of it.

    Raises:
        UsageError: nothing has been committed yet.
    """
    workspace.require()
    if not workspace.ledger_file.exists():
        message = "no batch has been committed yet"
        raise UsageError(message, "start with `huadan run`")
    load_config(workspace)
    with Ledger(workspace.ledger_file) as ledger:
        found = (read_items if ended else read_open)(workspace, ledger, columns)
    return found.where(wanted) if wanted is not None else found


def read_items(workspace: Workspace, ledger: Ledger, columns: Sequence[str] = LIGHT) -> Suspense:
    """Returns all items with their present state."""
    return _completed(_latest(_journal(workspace, ledger.outputs("suspense/"), columns)), ledger)


def read_open(workspace: Workspace, ledger: Ledger, columns: Sequence[str] = LIGHT) -> Suspense:
    """Returns the items that are neither recycled nor written off.

    Reads the part of the journal that has come since :func:`keep_open` noted what was open.
    """
    outputs = ledger.outputs("suspense/")
    noted = _noted(workspace, outputs)
    journal = _journal(workspace, outputs if noted is None else outputs[noted[1] :], columns)
    if noted is not None:
        journal = pl.concat([noted[0].select(journal.columns), journal])
    table = _latest(journal).filter(pl.col("state").is_in(OPEN))
    return _completed(table, ledger)


def keep_open(workspace: Workspace, ledger: Ledger, found: Suspense) -> None:
    """Notes what is open, for later commands, if the journal has grown by some files since.

    The note is worth nothing by itself: it says which files of the journal it is of, and one that
    does not fit the ledger (a rollback, a restore) is not used.
    """
    outputs = ledger.outputs("suspense/")
    noted = _noted(workspace, outputs)
    if len(outputs) - (noted[1] if noted is not None else 0) < NOTED_EVERY:
        return
    state = pl.when(pl.col("state") == RECYCLING).then(pl.lit(SUSPENDED)).otherwise(pl.col("state"))
    table = found.table.select(*LIGHT, "batch", "first").with_columns(state.alias("state"))
    covers = {"files": str(len(outputs)), "digest": _digest(outputs)}
    path = workspace.reports / NOTE
    workspace.reports.mkdir(mode=0o700, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.touch(0o600)
    pq.write_table(table.to_arrow().replace_schema_metadata(covers), partial)
    partial.rename(path)


def _noted(workspace: Workspace, outputs: list[Output]) -> tuple[pl.DataFrame, int] | None:
    """Returns what was noted and of how many files of the journal, None if it does not fit."""
    try:
        table = pq.read_table(workspace.reports / NOTE)
        covers = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        count = int(covers["files"])
    except (OSError, KeyError, ValueError, AttributeError):
        return None  # a broken note is as good as none
    if covers.get("digest") != _digest(outputs[:count]):
        return None
    frame: pl.DataFrame = pl.DataFrame(table)
    return frame, count


def _digest(outputs: list[Output]) -> str:
    digest = hashlib.sha256()
    for output in outputs:
        digest.update(f"{output.path} {output.digest}\n".encode())
    return digest.hexdigest()


def _latest(journal: pl.DataFrame) -> pl.DataFrame:
    """Returns the last row of each name, with the batch that suspended it as `first`."""
    again = journal.select(NAME).hash_rows().is_duplicated()  # most names have one row
    if not again.any():
        return journal
    rows = journal.with_row_index("row")
    told = rows.filter(again)
    first = told.group_by(NAME).agg(pl.col("first").first())
    last = told.drop("first").unique(NAME, keep="last").join(first, on=NAME)
    return pl.concat([rows.filter(~again), last.select(rows.columns)]).sort("row").drop("row")


def _completed(table: pl.DataFrame, ledger: Ledger) -> Suspense:
    """Returns items with when they came to suspense, and what is known of their files."""
    times = {
        name: dt.datetime.fromisoformat(text)
        for name, text in ledger.batch_times(table["first"].unique()).items()
    }
    since = pl.DataFrame(
        {"first": list(times), "since": list(times.values())},
        schema={"first": pl.String, "since": pl.Datetime("us", "UTC")},
    )
    table = table.join(since, on="first", how="left", maintain_order="left")
    files = ledger.formats(table["file_id"].unique())
    columns = ("file_id", "source", "name", "format")
    known = pl.DataFrame(files, schema=dict.fromkeys(columns, pl.String), orient="row")
    table = table.join(known, on="file_id", how="left", maintain_order="left")
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


def _journal(
    workspace: Workspace, outputs: Iterable[Output], columns: Sequence[str] = LIGHT
) -> pl.DataFrame:
    frames = [_rows(SUSPENSE_SCHEMA.empty_table().select(columns), "")]
    for output in outputs:
        table = pq.read_table(workspace.root / output.path, columns=list(columns))
        frames.append(_rows(table, batch_of(output.path)))
    return pl.concat(frames)


def _rows(table: pa.Table, batch: str) -> pl.DataFrame:
    """Returns rows of the journal with their batch; texts share the dictionaries' octets."""
    frame: pl.DataFrame = pl.DataFrame(table)
    texts = pl.col(pl.Categorical).cast(pl.String)
    return frame.with_columns(texts, pl.lit(batch).alias("batch"), pl.lit(batch).alias("first"))


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
                path = workspace.root / output.path
                names = pq.read_table(path, columns=["file_id"], filters=wanted)
                if not _any_begins(names["file_id"], file_id):
                    continue
                rows += [
                    {"batch": batch_of(output.path), **row}
                    for row in pq.read_table(path, filters=wanted).to_pylist()
                    if row["file_id"].startswith(file_id)
                ]
    if len({row["file_id"] for row in rows}) != 1:
        message = f"{file_id}:{offset}:{container} is not in suspense"
        raise UsageError(message, "`huadan suspense list --rows` names items")
    return History(rows, files[rows[0]["file_id"]])


def _any_begins(texts: pa.ChunkedArray, beginning: str) -> bool:
    return any(text.startswith(beginning) for text in texts.to_pylist())
