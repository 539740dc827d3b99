"""Finds a record by its name and explains its charge."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.batch.running import load_rater, read_balances
from pipeline.billing.cycle_files import cycle_files
from pipeline.billing.parts import read_calls
from pipeline.billing.retold import TOLD_COLUMNS, without_retold
from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.suspense.withdrawn import Withdrawn
from rating.billing.run import EDR_COLUMNS, charge_groups
from rating.billing.wording import masked_number
from rating.cycles import cycle_before, cycle_of, to_us
from rating.explain import RecordName, explain_record, group_numbers
from rating.explain import explain as explain_one
from rating.state import CycleState
from rating.trial.world import batch_of, people, record
from tariffs import compile_book, load_book
from tariffs.cases import FIRST_SUBSCRIBER, Case, read_usage
from tariffs.dated import Dated
from tariffs.errors import Source, nearest

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.billing.parts import CycleCalls
    from pipeline.ledger.model import Output
    from pipeline.workspace import Workspace
    from rating.engine import Rater
    from rating.explain import Explanation
    from tariffs.cases import Usage
    from tariffs.model import Book

RATED_SHOWN = (
    "start_time", "service", "call_class", "zone", "roaming", "quantity", "discount", "net",
)  # fmt: skip

MOST_DIGITS = 18
"""Of an offset or a container: with more no int64 holds it, and no file is so long."""


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
    if (
        not file_id
        or len(numbers) > 2
        or not all(number.isdecimal() and len(number) <= MOST_DIGITS for number in numbers)
    ):
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
        edr, again, calls = _events_of(workspace, ledger, rater, place.cycle, wanted)
        if calls is not None:
            _require_named(calls, place.name)
        stored = _stored(workspace, ledger, place, rater.compiled.digest)
        balances = _opening(workspace, ledger, place.cycle)
        book = load_book(workspace.root / config.paths.book)
    try:
        return explain_record(
            edr,
            place.name,
            rater.compiled,
            rater.subscribers,
            duplicates=again,
            balances=balances,
            stored=stored,
            masked=not unmask,
            book=book,
        )
    except LookupError:
        message = f"{place.name} tells an event that another record already told"
        raise UsageError(message, "it is a duplicate and not charged") from None


def explain_usage(
    workspace: Workspace, text: str, *, number: int | None, plan: str | None, unmask: bool
) -> Explanation:
    """Explains what a usage would cost.

    Args:
        workspace: Where.
        text: The usage, as a test case of the tariff book writes it.
        number: The subscriber who would use, with all that his charge group did in the cycle
            before; None: somebody who has done nothing yet.
        plan: His plan, where there is no number.
        unmask: Whether phone numbers are shown in full.

    Raises:
        tariffs.errors.BookError: the usage is not written as it should be.
        UsageError: there is no such subscriber or plan.
    """
    config = load_config(workspace)
    usage = read_usage(text, "--usage")
    book = load_book(workspace.root / config.paths.book)
    if number is None:
        return _of_nobody(usage, plan or "", book, unmask=unmask)
    if usage.friend or usage.on_net or usage.group:
        message = "friend, on_net and group are for a usage with --plan"
        raise UsageError(message, "of a subscriber they are in the subscriber data")
    rater = load_rater(workspace, config)
    data, compiled = rater.subscribers, rater.compiled
    period = data.period_of_number(number, to_us(usage.at))
    if period is None:
        message = f"no subscriber has the number {masked_number(number)} at {usage.at.isoformat()}"
        raise UsageError(message, "write it with its country code, without + or 00")
    row = batch_of([record(usage, int(data.imsi[period]), number)])
    cycle = cycle_of(to_us(usage.at), compiled.time_zone)
    edr: list[pa.Table | pa.RecordBatch] = [row.select(EDR_COLUMNS)]
    again: list[pa.Table] = []
    balances = None
    if workspace.ledger_file.exists():
        with _ledger(workspace) as ledger:
            wanted = _group_filter(rater, row)
            before, again, _ = _events_of(workspace, ledger, rater, cycle, wanted)
            edr += before
            balances = _opening(workspace, ledger, cycle)
    return explain_record(
        edr,
        RecordName("0" * 32, 0),
        compiled,
        data,
        duplicates=again,
        balances=balances,
        masked=not unmask,
        book=book,
    )


def _of_nobody(usage: Usage, plan: str, book: Book, *, unmask: bool) -> Explanation:
    """Explains a usage of somebody who has the plan and has not used anything yet."""
    names = [one.id for one in book.plans]
    if plan not in names:
        message = f"there is no plan {plan!r}"
        raise UsageError(message, nearest(plan, names))
    source = Source("--usage", 1)
    case = Case(
        name="",
        source=source,
        plan=Dated.always(plan),
        subscriber={},
        others=(),
        tables={},
        left={},
        spent={},
        counted={},
        usages=(usage,),
        expect=(),
    )
    compiled = compile_book(book)
    data = people(case, compiled)
    [period] = data.periods_of(FIRST_SUBSCRIBER)
    edr = record(usage, int(data.imsi[period]), int(data.msisdn[period]))
    state = CycleState(cycle_of(to_us(usage.at), compiled.time_zone), compiled, data)
    return explain_one(edr, compiled, data, state, masked=not unmask, book=book)


def _events_of(
    workspace: Workspace,
    ledger: Ledger,
    rater: Rater,
    cycle: str,
    wanted: pc.Expression | None,
) -> tuple[list[pa.Table], list[pa.Table], CycleCalls | None]:
    """Returns the cycle's EDRs that a filter lets through, duplicates, and calls in parts."""
    files = cycle_files(ledger, cycle)
    withdrawn = Withdrawn(workspace.root, files.withdrawn)
    edr, _ = without_retold(_events(workspace, files.whole, wanted, withdrawn))
    again = _events(workspace, files.again, wanted, withdrawn)
    again = [table.select(EDR_COLUMNS) for table in again]
    if not files.near:
        return edr, again, None
    calls = read_calls(workspace.root, files, cycle, rater.compiled.time_zone)
    events = calls.events.select(EDR_COLUMNS)
    edr.append(events if wanted is None else events.filter(wanted))
    return edr, again, calls


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
        pq.read_table(workspace.root / output.path, columns=list(TOLD_COLUMNS), filters=wanted)
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


def _opening(workspace: Workspace, ledger: Ledger, cycle: str) -> pa.Table | None:
    """Returns what the bill run of the cycle before left, None if it has not been billed."""
    outputs = ledger.outputs(f"billed/cycle={cycle_before(cycle)}/balances/")
    return read_balances([workspace.root / output.path for output in outputs])


def _stored(workspace: Workspace, ledger: Ledger, place: Place, book_digest: str) -> Decimal | None:
    """Returns the final charge, None if the cycle is not billed with what there is now.

    That is the book, and what the cycle before left of allowances.
    """
    own, earlier = (ledger.bill_of(name) for name in (place.cycle, cycle_before(place.cycle)))
    if own is None or (earlier is not None and earlier.id > own.id):
        return None
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
        raise UsageError(message, "write it with its country code, without + or 00")
    found.sort(key=lambda row: (row["start_time"], row["file_id"], row["offset"]))
    return [
        {
            "record": f"{row['file_id']}:{row['offset']}:{row['container']}",
            **{name: row[name] for name in RATED_SHOWN},
        }
        for row in found[:limit]
    ]
