"""``huadan suspense write-off``: items that nobody will charge leave suspense, with a reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from mediation.edr import SUSPENSE_SCHEMA
from pipeline.batch.audit import audit_table, require_closed
from pipeline.batch.sheet import Flow, Octets, Sheet
from pipeline.commit import commit_batch, recover, staged
from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Commit, Ledger
from pipeline.ledger.store import Sheet as LedgerSheet
from pipeline.lock import locked
from pipeline.parquet import write
from pipeline.published import item_name
from pipeline.suspense.again import EVENT_STAGES
from pipeline.suspense.calls import suspended_calls
from pipeline.suspense.journal import WRITTEN_OFF, Filter, read_items, whole_records
from pipeline.suspense.withdrawn import ANY_CYCLE, withdrawn_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.ledger.store import LedgerFile
    from pipeline.parquet import Output
    from pipeline.suspense.journal import Suspense
    from pipeline.workspace import Workspace

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
        raise UsageError(message, "write --reason TEXT")
    load_config(workspace)
    command = "suspense write-off"
    with locked(workspace.lock_file, command), Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        found = read_items(workspace, ledger).open
        chosen = whole_records(found, found.where(wanted))
        if not chosen.count:
            return None, 0
        on_start(ledger)
        name = f"batch-{ledger.next_run_number():06d}"
        files, sheets = _sheets(ledger, chosen)
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
            sheets=[
                LedgerSheet(f.source, f.name, f.file_id, sheets[f.file_id].to_dict()) for f in files
            ],
        )
        commit_batch(workspace, ledger, folder, commit)
        on_end(ledger, name)
        return name, chosen.count


def _sheets(ledger: Ledger, chosen: Suspense) -> tuple[list[LedgerFile], dict[str, Sheet]]:
    """Returns the files of items, and of each what leaves suspense."""
    sheets: dict[str, Sheet] = {}
    seen: set[tuple[str, int]] = set()
    for row in chosen.table.to_dicts():
        sheet = sheets.setdefault(row["file_id"], Sheet())
        event = row["stage"] in EVENT_STAGES
        sheet.events.add(_gone(int(event)))
        sheet.known[0] += event
        if (row["file_id"], row["offset"]) in seen:
            continue
        seen.add((row["file_id"], row["offset"]))
        sheet.records.add(_gone(1))
        framed = row["stage"] != "frame"
        length = row["length"]
        sheet.octets.add(
            Octets(size=length, records=length * framed, unframed=length * (not framed))
        )
        sheet.unframed_pieces += not framed
    return [file for file in ledger.files() if file.file_id in sheets], sheets


def _gone(count: int) -> Flow:
    return Flow(read=count, discarded=Counter({RULE: count} if count else {}))


def _outputs(
    workspace: Workspace, ledger: Ledger, chosen: Suspense, folder: Path, name: str, reason: str
) -> list[Output]:
    rows: list[dict[str, Any]] = [
        {
            **{column: row.get(column) for column in SUSPENSE_SCHEMA.names},
            "state": WRITTEN_OFF,
            "detail": f"Written off: {reason}",
        }
        for row in chosen.table.to_dicts()
    ]
    journal = pa.Table.from_pylist(rows, SUSPENSE_SCHEMA)
    outputs = [write(journal, folder, f"suspense/{name}-00000.parquet")]
    calls = suspended_calls(workspace, ledger, chosen)
    names = []
    for row in rows:
        if row["stage"] in EVENT_STAGES:
            call = calls.get(item_name(row))
            names += [item_name(row)] if call is None else list(call.parts)
    if names:
        table = pa.Table.from_batches([withdrawn_rows(names)])
        outputs.append(write(table, folder, f"withdrawn/cycle={ANY_CYCLE}/{name}.parquet"))
    return outputs
