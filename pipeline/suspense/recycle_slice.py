"""What recycling does with a slice of a file, and the journal of what became of each item."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from mediation.duplicates import record_keys
from mediation.edr import EDR_SCHEMA, IDENTITY, KEY_COLUMNS, SUSPENSE_SCHEMA, field
from pipeline.arrow import joined
from pipeline.batch.accounting import NOT_CHARGED_RULES, account, destinations
from pipeline.batch.chain import UnitResult, parts_of
from pipeline.batch.sheet import Sheet
from pipeline.batch.tally import DUPLICATE, MERGED, NOT_CHARGED, RATED, WAITING, weigh
from pipeline.batch.tally import SUSPENDED as STAYS
from pipeline.billing.cycle_files import PARTS
from pipeline.high_usage.usage import usage_of
from pipeline.parquet import write
from pipeline.published import item_name
from pipeline.suspense.again import EVENT_STAGES
from pipeline.suspense.journal import RECYCLED, SUSPENDED
from pipeline.suspense.rows import WHOLE_FILE
from pipeline.suspense.withdrawn import ANY_CYCLE, names_of, withdrawn_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.batch.accounting import Account
    from pipeline.batch.chain import Chain
    from pipeline.batch.units import Slice
    from pipeline.ledger.model import Output
    from pipeline.published import Name
    from pipeline.suspense.again import Again, Changed, Items

    Mask = NDArray[np.bool_]

ENDS: Final = {
    DUPLICATE: "duplicate",
    MERGED: "merged",
    WAITING: "waiting",
    NOT_CHARGED: "not_charged",
    RATED: "rated",
}
DISCARDED: Final = "discarded"
FRAMED: Final = "framed"
"""What became of octets that no record was found in, and that hold nothing but filler now."""

CORRECTED_SCHEMA: Final = pa.schema(
    [
        *IDENTITY,
        field("correction", pa.int64(), "number", "Correction in the ledger", nullable=False),
        field("field", pa.string(), "name", "Column of the event", nullable=False),
        field("before", pa.string(), "text", "Value as it was decoded"),
        field("after", pa.string(), "text", "Value as it was set"),
    ]
)
"""What corrections changed, value by value."""


def recycle_slice(
    chain: Chain, number: int, again: Again, items: Items, results: Results
) -> UnitResult:
    """Takes a slice through the rest of the road and writes what it became.

    Events that are in ``edr/`` already keep their key there; those that leave suspense are written
    anew and withdrawn from the earlier batch's file.
    """
    part, decoded = again.part, again.decoded
    parts = [] if decoded is None else [(part, decoded)]
    edr = pa.RecordBatch.from_pylist([], EDR_SCHEMA) if decoded is None else decoded.edr
    stages = np.array([row["stage"] in EVENT_STAGES for row in items.rows])
    known: Mask = stages[again.owner] if len(again.owner) else np.zeros(0, np.bool_)
    high, low = record_keys(edr)
    seen = np.zeros(edr.num_rows, np.bool_)
    asked = ~known | _named(edr, [c for c in again.changes if c.field in KEY_COLUMNS])
    seen[asked] = chain.keys.add(high[asked], low[asked], _where(edr, asked))
    fresh = np.flatnonzero(~seen)
    kept = edr.take(pa.array(fresh))
    prepared = chain.rater.prepare(kept, (high[fresh], low[fresh]))
    partial = parts_of(kept)
    put_together = np.isin(edr.column("offset").to_numpy(), [c.name[1] for c in items.calls])
    partial = partial[~put_together[fresh[partial]]]
    waiting = partial[prepared.status[partial] == 0]
    chain.rater.hold(prepared, waiting)
    cycles = chain.rater.cycles(prepared)
    rated = [chain.rater.rate(prepared, chain.state_of(name)) for name in cycles]
    accounted = account((part,), parts, edr, fresh, waiting, rated, chain.rater)
    place, _ = destinations(edr.num_rows, fresh, waiting, rated)
    _note(accounted, part, items, edr, place, known)
    leaves = place < STAYS
    is_part = np.zeros(edr.num_rows, np.bool_)
    is_part[fresh[partial]] = True
    outputs: list[Output] = []
    for ending, rows in (("", ~is_part), (PARTS, is_part)):
        told = rows & ~seen & (~known | leaves)
        outputs += chain.write_cycles("edr", number, _where(edr, told), ending)
        outputs += chain.write_cycles("duplicates", number, _where(edr, rows & seen), ending)
    for name, one in zip(cycles, rated, strict=True):
        outputs += chain.write_rows(f"rated/cycle={name}", number, one.table)
    outputs += _withdraw(chain, number, again, items, _where(edr, known & leaves))
    results.add(again, place, accounted.suspense)
    part.file.done(part.records)
    return UnitResult(
        outputs,
        accounted,
        kept.take(pa.array(waiting)) if len(waiting) else None,
        usage_of([(n, one.table) for n, one in zip(cycles, rated, strict=True)], chain.limits),
        int(np.median(prepared.start)) if prepared.n_rows else None,
    )


def _note(
    accounted: Account,
    part: Slice,
    items: Items,
    edr: pa.RecordBatch,
    place: NDArray[np.int8],
    known: Mask,
) -> None:
    """Notes in the sheet what of it an earlier batch's sheet has read already.

    A file or a piece of it that could not be framed was read as one record.
    """
    [(_, sheet)] = accounted.sheets
    if items.calls:
        sheet.seconds, sheet.volume, sheet.partner_charge = _weighed(edr, place, items).amounts
    before = _weighed(_where(edr, known), place[known], items)
    records = len({row["offset"] for row in items.rows}) if part.first else 0
    sheet.known = [int(known.sum()), *(flow.read for flow in before.amounts), records]


def _weighed(events: pa.RecordBatch, place: NDArray[np.int8], items: Items) -> Sheet:
    """Weighs events; of a call its first part, because earlier sheets have the others as merged."""
    firsts = {call.name: call.first for call in items.calls}
    mine = np.zeros(events.num_rows, np.bool_)
    if firsts:
        mine[:] = [name in firsts for name in names_of(events)]
    sheet, rule = Sheet(), NOT_CHARGED_RULES[0]
    weigh(sheet, _where(events, ~mine), place[~mine], rule)
    if mine.any():
        told = [firsts[name] for name in names_of(_where(events, mine))]
        weigh(sheet, joined(told, EDR_SCHEMA), place[mine], rule)
    return sheet


def _withdraw(
    chain: Chain, number: int, again: Again, items: Items, left: pa.RecordBatch
) -> list[Output]:
    """Withdraws the earlier rows of events that left suspense, from the cycle that they stand in."""
    moved = _named(left, [change for change in again.changes if change.field == "start_time"])
    outputs: list[Output] = []
    for cycle, rows in chain.by_cycle(_where(left, ~moved)):
        names = withdrawn_rows(items.with_parts(names_of(rows)))
        outputs += chain.write_rows(f"withdrawn/cycle={cycle}", number, names)
    gone = [item_name(row) for row in items.events if row["offset"] in again.discarded]
    names = withdrawn_rows(items.with_parts([*gone, *names_of(_where(left, moved))]))
    return [*outputs, *chain.write_rows(f"withdrawn/cycle={ANY_CYCLE}", number, names)]


def _where(events: pa.RecordBatch, mask: Mask) -> pa.RecordBatch:
    return events if mask.all() else events.filter(pa.array(mask))


def _named(events: pa.RecordBatch, changes: Sequence[Changed]) -> Mask:
    """Returns the events that some changes are of."""
    mask = np.zeros(events.num_rows, np.bool_)
    if changes:
        wanted = {(change.offset, change.container) for change in changes}
        names = zip(*(events.column(n).to_pylist() for n in ("offset", "container")), strict=True)
        mask[:] = [name in wanted for name in names]
    return mask


class Results:
    """The journal of a batch that recycles: what became of each item, and what goes back."""

    def __init__(self, batch: str) -> None:
        self.batch = batch
        self.taken = 0
        self.ends: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._rows: list[dict[str, Any]] = []
        self._journal = [SUSPENSE_SCHEMA.empty_table()]
        self._changes: list[dict[str, Any]] = []
        self._places: list[int] = []
        self._discarded: set[int] = set()
        self._back: list[dict[str, Any]] = []
        self._open: Items | None = None
        self.files_read: list[str] = []
        """Files that can be read at last."""

    @property
    def corrected(self) -> int:
        """Returns how many values corrections changed."""
        return len(self._changes)

    def begin(self, items: Items) -> None:
        """Begins with the items of a file."""
        self._open = items
        self._places = [-1] * len(items.rows)
        self._discarded, self._back = set(), []

    def add(self, again: Again, place: NDArray[np.int8], suspense: pa.RecordBatch) -> None:
        """Adds what became of a slice of the file."""
        for item, destination in zip(again.owner.tolist(), place.tolist(), strict=True):
            self._places[item] = max(self._places[item], destination)
        self._discarded |= again.discarded.keys()
        self._back += suspense.to_pylist()
        file_id = again.part.file.entry.file_id
        self._changes += [
            {
                "file_id": file_id,
                "offset": change.offset,
                "container": change.container,
                "correction": change.correction,
                "field": change.field,
                "before": None if change.before is None else str(change.before),
                "after": None if change.after is None else str(change.after),
            }
            for change in again.changes
        ]

    def end(self) -> None:
        """Ends with a file: says of each of its items where it is now."""
        items = self._open
        if items is None:
            return
        back = self._going_back(items)
        self._rows += back.values()
        if items.whole_file and all(row["sub_reason"] != WHOLE_FILE for row in back.values()):
            self.files_read.append(items.rows[0]["file_id"])
        self.reasons.update(row["reason"] for row in back.values())
        for at, item in enumerate(items.rows):
            self.taken += 1
            if item_name(item) in back:
                self.ends[SUSPENDED] += 1
                continue
            end = self._end(item, self._places[at])
            self.ends[end] += 1
            row = {name: item.get(name) for name in SUSPENSE_SCHEMA.names}
            detail = f"Recycled: {end.replace('_', ' ')}."
            self._rows.append({**row, "state": RECYCLED, "detail": detail})
        self._journal.append(pa.Table.from_pylist(self._rows, SUSPENSE_SCHEMA))
        self._rows.clear()  # as objects, a million of them are a gigabyte
        self._open = None

    def _end(self, item: dict[str, Any], place: int) -> str:
        if place >= STAYS:
            return ENDS[RATED]  # of its events, others stay under names of their own
        if place >= 0:
            return ENDS[place]
        return DISCARDED if item["offset"] in self._discarded else FRAMED

    def _going_back(self, items: Items) -> dict[Name, dict[str, Any]]:
        """Returns the rows that stay in suspense, by name."""
        of_record: dict[int, list[dict[str, Any]]] = {}
        for item in items.rows:
            of_record.setdefault(item["offset"], []).append(item)
        pieces = [item for item in items.rows if item["stage"] == "frame"]

        def covering(offset: int) -> list[dict[str, Any]]:
            around = [i for i in pieces if i["offset"] <= offset < i["offset"] + i["length"]]
            return of_record.get(offset, []) + around

        out: dict[Name, dict[str, Any]] = {}
        for row in self._back:
            events = [i for i in of_record.get(row["offset"], []) if i["stage"] in EVENT_STAGES]
            whole = row["stage"] not in EVENT_STAGES and row["stage"] != "frame"
            # A record that stops earlier than its events did stays under their names.
            names = [i["container"] for i in events] if whole and events else [row["container"]]
            attempts = 1 + max((max(i["attempts"], 1) for i in covering(row["offset"])), default=0)
            for container in names:
                made = {**row, "container": container, "attempts": attempts}
                out[item_name(made)] = made
        return out

    def write(self, folder: Path) -> list[Output]:
        """Writes the journal, and what corrections changed."""
        journal = pa.concat_tables(self._journal).unify_dictionaries().combine_chunks()
        outputs = [write(journal, folder, f"suspense/{self.batch}-00000.parquet")]
        if self._changes:
            table = pa.Table.from_pylist(self._changes, CORRECTED_SCHEMA)
            outputs.append(write(table, folder, f"corrected/{self.batch}.parquet"))
        return outputs
