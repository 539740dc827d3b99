"""``huadan suspense write-off``: items that nobody will charge leave suspense, with a reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mediation.edr import SUSPENSE_SCHEMA
from pipeline.batch.audit import audit_table, require_closed
from pipeline.batch.sheet import Flow, Octets, Sheet
from pipeline.commit import commit_batch, recover, staged
from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.model import Commit
from pipeline.ledger.model import Sheet as LedgerSheet
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.parquet import write
from pipeline.published import NAME, batch_name
from pipeline.suspense.again import EVENT_STAGES
from pipeline.suspense.calls import suspended_calls
from pipeline.suspense.journal import WRITTEN_OFF, Filter, read_open, whole_records
from pipeline.suspense.rows import WHOLE_FILE
from pipeline.suspense.withdrawn import ANY_CYCLE, WITHDRAWN_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.ledger.model import LedgerFile, Output
    from pipeline.suspense.journal import Suspense
    from pipeline.workspace import Workspace

AMOUNTS: Final = ("seconds", "volume", "partner_charge")
RULE: Final = "written_off"
"""Rule that discards, in the audit."""


def write_off(
    workspace: Workspace,
    wanted: Filter,
    reason: str,
    *,
    on_start: Callable[[Ledger], None] = lambda _: None,
    on_end: Callable[[Ledger, str | None], None] = lambda _, __: None,
) -> tuple[str | None, int]:
    """Writes items off as one batch; returns its name (None if there was none) and their number.

    Items of one record go together. Events among them are withdrawn, so that no bill run rates
    them later; the rows that say why they were suspended stay.

    Raises:
        UsageError: no reason is given, or nothing says which items are meant.
    """
    if not reason.strip():
        message = "writing off needs a reason"
        raise UsageError(message, "write --why TEXT")
    load_config(workspace)
    command = "suspense write-off"
    with locked(workspace.lock_file, command), Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        found = read_open(workspace, ledger)
        chosen = whole_records(found, found.where(wanted))
        if not chosen.count:
            return None, 0
        on_start(ledger)
        name = batch_name(ledger.next_run_number())
        files, sheets = _sheets(workspace, ledger, chosen)
        require_closed(files, sheets, 0, 0)
        with staged(workspace, name) as folder:
            outputs = _outputs(workspace, ledger, chosen, folder, name, reason)
            table = audit_table(name, files, sheets, {}, [], WRITTEN_OFF)
            outputs.append(write(table, folder, f"audit/{name}.parquet"))
        commit = Commit(
            kind="write_off",
            name=name,
            cycle=None,
            inputs=hashlib.sha256(reason.encode()).hexdigest(),
            outputs=outputs,
            summary={"items": chosen.count, "reason": reason},
            files={},
            files_read=_whole_files(chosen),
            sheets=[
                LedgerSheet(f.source, f.name, f.file_id, sheets[f.file_id].to_dict()) for f in files
            ],
        )
        commit_batch(workspace, ledger, folder, commit)
        on_end(ledger, name)
        return name, chosen.count


def _sheets(
    workspace: Workspace, ledger: Ledger, chosen: Suspense
) -> tuple[list[LedgerFile], dict[str, Sheet]]:
    """Returns the files of items, and of each what leaves suspense.

    Only records that had decoded tell seconds, volume and a partner's charge.
    """
    framed = pl.col("stage") != "frame"
    table = chosen.table.with_columns(event=pl.col("stage").is_in(EVENT_STAGES))
    records = table.unique(["file_id", "offset"], keep="first", maintain_order=True)
    by_file = records.group_by("file_id").agg(
        pl.len().alias("records"),
        pl.col("length").sum().alias("octets"),
        pl.col("length").filter(framed).sum().alias("framed"),
        (~framed).sum().alias("pieces"),
    )
    events = table.filter("event").select(NAME)
    amounts = _amounts(workspace, ledger, events).group_by("file_id").agg(pl.col(AMOUNTS).sum())
    counts = events.group_by("file_id").agg(pl.len().alias("events"))
    for more in (counts, amounts):
        by_file = by_file.join(more, on="file_id", how="left")
    sheets = {row["file_id"]: _sheet(row) for row in by_file.fill_null(0).to_dicts()}
    return [file for file in ledger.files() if file.file_id in sheets], sheets


def _amounts(workspace: Workspace, ledger: Ledger, events: pl.DataFrame) -> pl.DataFrame:
    """Returns what the events weigh: NAME and AMOUNTS."""
    empty = dict.fromkeys(AMOUNTS, pl.Int64)
    files = set(events["file_id"])
    batches = {file.batch for file in ledger.files() if file.file_id in files}
    batches |= {batch.id for batch in ledger.batches("recycle")} if files else set()
    paths = [
        workspace.root / output.path
        for batch in sorted(batch for batch in batches if batch is not None)
        for output in ledger.outputs("edr/", batch)
    ]
    if not paths:
        return events.with_columns(pl.lit(0, kind).alias(n) for n, kind in empty.items())
    rows = pl.scan_parquet(paths, hive_partitioning=False).select(
        pl.col("file_id").cast(pl.String),
        "offset",
        "container",
        pl.col("duration").alias("seconds"),
        (pl.col("uplink") + pl.col("downlink")).alias("volume"),
        pl.col("partner_charge").fill_null(0),
    )
    # An event whose start a correction moved was written anew: the latest row counts.
    return rows.join(events.lazy(), on=NAME, how="semi").collect().unique(NAME, keep="last")


def _sheet(row: dict[str, Any]) -> Sheet:
    return Sheet(
        records=_gone(row["records"]),
        events=_gone(row["events"]),
        seconds=_gone(row["seconds"]),
        volume=_gone(row["volume"]),
        partner_charge=_gone(row["partner_charge"]),
        known=[row["events"], *(row[name] for name in AMOUNTS), row["records"]],
        octets=Octets(
            size=row["octets"], records=row["framed"], unframed=row["octets"] - row["framed"]
        ),
        unframed_pieces=row["pieces"],
    )


def _gone(count: int) -> Flow:
    return Flow(read=count, discarded=Counter({RULE: count} if count else {}))


def _whole_files(chosen: Suspense) -> list[str]:
    """Returns the files of which nothing could be read; nobody has to look at them any more."""
    whole = chosen.table.filter(pl.col("sub_reason") == WHOLE_FILE)
    return sorted(whole["file_id"].to_list())


def _outputs(
    workspace: Workspace, ledger: Ledger, chosen: Suspense, folder: Path, name: str, reason: str
) -> list[Output]:
    table = chosen.table.with_columns(
        state=pl.lit(WRITTEN_OFF), detail=pl.lit(f"Written off: {reason}"), raw=pl.lit(None)
    )
    journal = table.select(SUSPENSE_SCHEMA.names).to_arrow().cast(SUSPENSE_SCHEMA)
    outputs = [write(journal, folder, f"suspense/{name}-00000.parquet")]
    events = table.filter(pl.col("stage").is_in(EVENT_STAGES)).select(NAME)
    if events.height:
        calls = suspended_calls(workspace, ledger, chosen)
        parts = [part for call in calls.values() for part in call.parts]
        names = pl.concat([events, pl.DataFrame(parts, schema=events.schema, orient="row")]).unique(
            NAME, maintain_order=True
        )
        withdrawn = names.to_arrow().cast(WITHDRAWN_SCHEMA)
        outputs.append(write(withdrawn, folder, f"withdrawn/cycle={ANY_CYCLE}/{name}.parquet"))
    return outputs
