"""Finds a record by its name and explains its charge."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.bill_parts import read_calls
from pipeline.config import load_config
from pipeline.cycle_files import cycle_files
from pipeline.errors import UsageError
from pipeline.ledger import Ledger
from pipeline.running import load_rater
from pipeline.withdrawn import Withdrawn
from rating.billing.run import EDR_COLUMNS, charge_groups
from rating.explain import RecordName, explain_record, group_numbers

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.bill_parts import CycleCalls
    from pipeline.parquet import Output
    from pipeline.workspace import Workspace
    from rating.engine import Rater
    from rating.explain import Explanation

RATED_SHOWN = (
    "start_time", "service", "call_class", "zone", "roaming", "quantity", "discount", "net",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: its name, the cycle, and its row."""

    name: RecordName
    cycle: str
    row: pa.RecordBatch


def parse_name(text: str) -> tuple[str, int, int]:
    """Returns (beginning of the file id, offset, container) of ``FILE:OFFSET[:CONTAINER]``.

    Raises:
        UsageError: it is not a record's name.
    """
    file_id, _, rest = text.partition(":")
    numbers = rest.split(":")
    if not file_id or len(numbers) > 2 or not all(number.isdigit() for number in numbers):
        message = f"{text!r} is not the name of a record"
        raise UsageError(message, "write FILE_ID:OFFSET or FILE_ID:OFFSET:CONTAINER")
    return file_id, int(numbers[0]), int(numbers[1]) if len(numbers) == 2 else 0


def explain(workspace: Workspace, text: str, *, unmask: bool) -> Explanation:
    """Explains the charge of a record as the bill run rates it.

    Raises:
        UsageError: there is no such record, or it did not come to be rated; says why.
    """
    config = load_config(workspace)
    with _ledger(workspace) as ledger:
        place = _find(workspace, ledger, text)
        rater = load_rater(workspace, config)
        wanted = _group_filter(rater, place.row)
        files = cycle_files(ledger, place.cycle)
        withdrawn = Withdrawn(workspace.root, files.withdrawn)
        edr = _events(workspace, files.whole, wanted, withdrawn)
        again = _events(workspace, files.again, wanted, withdrawn)
        if files.near:
            zone = rater.compiled.time_zone
            calls = read_calls(workspace.root, files, place.cycle, zone)
            _require_named(calls, place.name)
            events = calls.events.select(EDR_COLUMNS)
            edr.append(events if wanted is None else events.filter(wanted))
        stored = _stored(workspace, ledger, place, rater.compiled.digest)
    try:
        return explain_record(
            edr,
            place.name,
            rater.compiled,
            rater.subscribers,
            duplicates=again,
            stored=stored,
            masked=not unmask,
        )
    except LookupError:
        message = f"{place.name} tells an event that another record already told"
        raise UsageError(message, "it is a duplicate and not charged") from None


def _ledger(workspace: Workspace) -> Ledger:
    workspace.require()
    if not workspace.ledger_file.exists():
        message = "no batch has been committed yet"
        raise UsageError(message, "start with `huadan run`")
    return Ledger(workspace.ledger_file)


def _find(workspace: Workspace, ledger: Ledger, text: str) -> Place:
    """Returns the record, looked for in what its file's batch published."""
    beginning, offset, container = parse_name(text)
    files = [file for file in ledger.files() if file.file_id.startswith(beginning)]
    if len(files) != 1:
        message = f"{len(files)} files have an id that begins with {beginning!r}"
        raise UsageError(message, "`huadan suspense list` and the audit name files by id")
    file_id, batch = files[0].file_id, files[0].batch
    name = RecordName(file_id, offset, container)
    recycled = [one.id for one in reversed(ledger.batches("recycle"))]
    for folder, by in itertools.product(("edr/", "duplicates/"), (*recycled, batch)):
        for output in ledger.outputs(folder, by):
            rows = _rows_of(workspace, output.path, name)
            if rows.num_rows:
                cycle = output.path.split("/")[1].removeprefix("cycle=")
                return Place(name, cycle, rows.combine_chunks().to_batches()[0])
    for output in reversed(ledger.outputs("suspense/")):
        for row in _rows_of(workspace, output.path, name).to_pylist():
            message = f"{name} is {row['state']} in suspense: {row['stage']}, {row['reason']}"
            raise UsageError(message, row["detail"] or "")
    message = f"there is no record {name}"
    raise UsageError(message, f"the file is {files[0].source}/{files[0].name}")


def _rows_of(workspace: Workspace, path: str, name: RecordName) -> pa.Table:
    wanted = (pc.field("offset") == name.offset) & (pc.field("container") == name.container)
    rows = pq.read_table(workspace.root / path, filters=wanted)
    return rows.filter(pc.equal(rows.column("file_id").cast(pa.string()), name.file_id))


def _group_filter(rater: Rater, row: pa.RecordBatch) -> pc.Expression | None:
    """Returns a filter that lets all events of the record's charge group through."""
    group = int(charge_groups(rater.prepare(row))[0])
    if group < 0:
        return None
    imsis, numbers = group_numbers(rater.subscribers, rater.subscribers.groups[group].as_py())
    return pc.field("served_imsi").isin(imsis) | pc.field("served_msisdn").isin(numbers)


def _events(
    workspace: Workspace,
    files: list[Output],
    wanted: pc.Expression | None,
    withdrawn: Withdrawn,
) -> list[pa.Table]:
    tables = [
        pq.read_table(workspace.root / output.path, columns=list(EDR_COLUMNS), filters=wanted)
        for output in files
    ]
    return [
        withdrawn.rows_left(table, output.path) for table, output in zip(tables, files, strict=True)
    ]


def _require_named(calls: CycleCalls, name: RecordName) -> None:
    """Refuses a part of a call that is charged under another name.

    Raises:
        UsageError: says which.
    """
    here = pc.and_(
        pc.equal(calls.parts.column("offset"), name.offset),
        pc.equal(calls.parts.column("file_id").cast(pa.string()), name.file_id),
    )
    for row in np.flatnonzero(here.to_numpy()).tolist():
        if calls.calls.place[row] != 0:
            message = f"{name} is a part of a call"
            raise UsageError(message, calls.sentence(row))


def _stored(workspace: Workspace, ledger: Ledger, place: Place, book_digest: str) -> Decimal | None:
    """Returns the final charge, None if the cycle is not billed with the book as it is now."""
    for output in ledger.outputs(f"billed/cycle={place.cycle}/rated/"):
        for row in _rows_of(workspace, output.path, place.name).to_pylist():
            net: Decimal = row["net"]
            return net if row["book_digest"] == book_digest else None
    return None


def events_of(workspace: Workspace, number: int, limit: int) -> list[dict[str, Any]]:
    """Returns rated events of a number with their names, final ones if billed, else provisional.

    Raises:
        UsageError: nothing is rated for the number.
    """
    found: list[dict[str, Any]] = []
    with _ledger(workspace) as ledger:
        for prefix in ("billed/", "rated/"):
            outputs = [
                o for o in ledger.outputs(prefix) if "/rated/" in o.path or prefix == "rated/"
            ]
            for output in outputs:
                rows = pq.read_table(
                    workspace.root / output.path, filters=pc.field("served_msisdn") == number
                )
                found += rows.to_pylist()
            if found:
                break
    if not found:
        message = "nothing is rated for this number"
        raise UsageError(message, "write it with country code, such as 8619910000001")
    found.sort(key=lambda row: (row["start_time"], row["file_id"], row["offset"]))
    return [
        {
            "record": f"{row['file_id']}:{row['offset']}:{row['container']}",
            **{name: row[name] for name in RATED_SHOWN},
        }
        for row in found[:limit]
    ]
