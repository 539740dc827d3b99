"""Explains a charge of a closed cycle: replays the charge group's events up to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from mediation.edr import MISSING
from rating.billing.columns import codes
from rating.billing.run import charge_groups, cycle_events
from rating.cycles import cycle_bounds, cycle_of
from rating.engine import Rater
from rating.explain.one import explain
from rating.explain.payer import with_payer
from rating.order import event_order

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from rating.explain.explanation import Explanation
    from rating.prepare import Prepared
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book


class RecordName(NamedTuple):
    """A record's name: where it came from."""

    file_id: str
    offset: int
    container: int = 0

    def __str__(self) -> str:
        return f"{self.file_id}:{self.offset}:{self.container}"


def explain_record(
    edr: Iterable[pa.Table | pa.RecordBatch],
    name: RecordName,
    compiled: CompiledBook,
    subscribers: Subscribers,
    *,
    duplicates: Iterable[pa.Table | pa.RecordBatch] = (),
    balances: pa.Table | None = None,
    stored: Decimal | None = None,
    masked: bool = True,
    book: Book | None = None,
) -> Explanation:
    """Explains one record as the bill run rated it.

    Args:
        edr: EDRs with at least those of the record's charge group and cycle, in any order; others
            do no harm.
        name: The record.
        compiled: The tariff book of the bill run.
        subscribers: Its subscriber data.
        duplicates: EDRs that were dropped as duplicates.
        balances: Balances of the cycle before (BALANCE_SCHEMA), as the bill run had them.
        stored: The net charge on the rated record; the explanation must come to it.
        masked: Whether the middle of phone numbers is hidden.
        book: The same book as written, to tell the rows that decided.

    Raises:
        LookupError: If the record is not among the EDRs.
        ExplanationError: If the steps do not add up to the charge, or not to the stored one.
    """
    events = cycle_events(edr, duplicates)
    row = _find(events, name)
    batch = events.combine_chunks().to_batches()[0]
    rater = Rater(compiled, subscribers)
    prepared = rater.prepare(batch)
    target = batch.slice(row, 1).to_pylist()[0]
    cycle = cycle_of(int(prepared.start[row]), compiled.time_zone)
    state = rater.open_cycle(cycle, balances)
    before = _replay(rater, prepared, row, state) if prepared.status[row] == 0 else None
    found = explain(target, compiled, subscribers, state, stored=stored, masked=masked, book=book)
    if book is None or found.total is None:
        return found
    return with_payer(found, target, before, book, subscribers, state.begin_us)


def _replay(rater: Rater, prepared: Prepared, row: int, state: CycleState) -> pa.RecordBatch | None:
    """Rates what the charge group did in the cycle before an event; returns the rated records."""
    begin, end = cycle_bounds(state.cycle, rater.compiled.time_zone)
    together = charge_groups(prepared) == prepared.group[row]
    mine = together & (prepared.start >= begin) & (prepared.start < end) & (prepared.status == 0)
    order = event_order(prepared, (~mine).astype(np.int8), len(rater.subscribers.groups))
    before = order[: int(np.flatnonzero(order == row)[0])]
    if len(before):
        keys = prepared.high[before], prepared.low[before]
        earlier = rater.prepare(prepared.edr.take(pa.array(before)), keys)
        table: pa.RecordBatch = rater.rate(earlier, state).table
        return table
    return None


def _find(events: pa.Table, name: RecordName) -> int:
    """Returns the row of a record."""
    files, known = codes(events.column("file_id"))
    wanted = known.index(name.file_id) if name.file_id in known else -1
    found = np.flatnonzero(
        (files == wanted)
        & (events.column("offset").to_numpy() == name.offset)
        & (events.column("container").to_numpy() == name.container)
    )
    if not len(found):
        message = f"record {name} is not among the events"
        raise LookupError(message)
    return int(found[0])


def group_numbers(subscribers: Subscribers, charge_group: str) -> tuple[list[int], list[int]]:
    """Returns the IMSIs and the numbers that ever belonged to a charge group.

    A reader can take the EDRs with one of them and has all that :func:`explain_record` needs.
    """
    index = subscribers.group_index(charge_group)
    if index is None:
        return [], []
    mine = subscribers.group == index
    imsi, number = subscribers.imsi[mine], subscribers.msisdn[mine]
    return (
        sorted(set(imsi[imsi != MISSING].tolist())),
        sorted(set(number[number != MISSING].tolist())),
    )
