"""The bill run: one partition of a cycle from EDRs to bills.

Balances start from nothing, all EDRs of the partition's charge groups are put together and rated
in event order, and lines, bills and balances are made from what comes out. No clock is read and
no order of arrival is seen: the same EDRs give the same tables, byte for byte, in whatever
batches they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.edr import DICTIONARY, DIRECTIONS, IDENTITY, KEY_COLUMNS, SERVICES, field
from rating.billing.adjustments import adjustment_lines, homes_of
from rating.billing.bills import Issue, bill_table, line_table
from rating.billing.charges import Names, join, make_charges
from rating.billing.closing import Rules, close, closing_rules
from rating.billing.columns import canonical, in_vocabulary, one_chunk, ranked
from rating.billing.cycle import Cycle, month_cycle
from rating.billing.duplicates import canonical_duplicates
from rating.billing.fees import charge_fees
from rating.billing.partition import UNGUIDED, partition_index
from rating.billing.payers import paid_by_others
from rating.billing.reductions import reductions
from rating.billing.schema import FEE
from rating.billing.taxes import cut_by_rate
from rating.billing.tenure import tenure_of
from rating.billing.usage import usage_charges
from rating.billing.use_fees import charge_use, fees_of_use
from rating.engine import Rater
from rating.schema import TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from rating.billing.adjustments import Adjustment
    from rating.billing.charges import Charges
    from rating.prepare import Prepared
    from rating.rated import Rated
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]

UNRATED_SCHEMA = pa.schema(
    [
        *IDENTITY,
        field("start_time", TIME, "us UTC", "Start of the event", nullable=False),
        field("stage", DICTIONARY, "name", "Stage at which it ended", nullable=False),
        field("reason", DICTIONARY, "name", "Why it was not rated", nullable=False),
        field("detail", pa.string(), "text", "One sentence for a person", nullable=False),
    ]
)
"""EDRs of the cycle that the bill run could not rate, or that a named rule does not charge."""

EDR_COLUMNS = tuple(
    dict.fromkeys(
        (
            *(column.name for column in IDENTITY),
            *("service", "direction", "served_imsi", "served_msisdn", "other_number"),
            *("other_text", "start_time", "utc_offset", "duration", "uplink", "downlink"),
            *("events", "visited_network", "area", "cell", "apn", "rat", "rating_group"),
            *("service_id", "partner_charge", "partner_currency"),
            *KEY_COLUMNS,
        )
    )
)
"""The columns of an EDR that the bill run reads; the others need not be loaded."""


@dataclass(frozen=True, slots=True)
class PartitionBill:
    """What the bill run makes of one partition.

    Attributes:
        rated: RATED_SCHEMA, by charge group and event order.
        unrated: UNRATED_SCHEMA, by name of the record.
        lines: BILL_LINE_SCHEMA, in the order of the bills.
        bills: BILL_SCHEMA, by account.
        balances: BALANCE_SCHEMA of the partition's charge groups.
        outside: EDRs that were given but start in another cycle.
    """

    rated: pa.Table
    unrated: pa.Table
    lines: pa.Table
    bills: pa.Table
    balances: pa.Table
    outside: int


class BillRun:
    """A bill run: what all partitions of one cycle have in common.

    Args:
        compiled: The tariff book, compiled.
        book: The same book as written; fees and tax rates are read from it.
        subscribers: The subscriber data, loaded with this book.
        cycle: The cycle, ``YYYY-MM``.
        partitions: Number of partitions, at least 1.
        state: Balances to begin with, made with these subscribers; those of the cycle's beginning
            if None.
        balances: Balances of the cycle before (BALANCE_SCHEMA), from which allowances roll over;
            None if it was not billed.
        adjustments: Credit and debit notes for the bills of this cycle, in any order.

    Attributes:
        cycle: The cycle.
        home: int32[charge groups] partition of each charge group.
        rater: The rater; its ``prepare`` guides EDRs to charge groups.
    """

    def __init__(
        self,
        compiled: CompiledBook,
        book: Book,
        subscribers: Subscribers,
        cycle: str,
        partitions: int,
        state: CycleState | None = None,
        balances: pa.Table | None = None,
        adjustments: Sequence[Adjustment] = (),
    ) -> None:
        self.cycle: Cycle = month_cycle(cycle, compiled.time_zone)
        self.home: Int32 = subscriber_partitions(subscribers, partitions)
        self.rater = Rater(compiled, subscribers)
        self._book = book
        self._notes = list(
            zip(adjustments, homes_of(adjustments, subscribers, self.home, partitions), strict=True)
        )
        self._subscribers = subscribers
        self._state: CycleState = state or self.rater.open_cycle(cycle, balances)
        self._use_fees = fees_of_use(book)
        self._tenure = tenure_of(subscribers, len(compiled.plans))
        self._rules: Rules = closing_rules(compiled, book, self.cycle)
        self._issue = Issue(self.cycle, compiled.currency, compiled.digest, subscribers.digest)

    def partition(
        self,
        number: int,
        edr: Iterable[pa.Table | pa.RecordBatch],
        duplicates: Iterable[pa.Table | pa.RecordBatch] = (),
    ) -> PartitionBill:
        """Bills one partition; threads may bill different ones side by side.

        Args:
            number: The partition.
            edr: Its EDRs (at least :data:`EDR_COLUMNS`), in any order and any batches.
            duplicates: EDRs of this partition that were dropped as duplicates.

        Raises:
            ValueError: If an EDR belongs to another partition.
            OverflowError: If amounts are too large to be summed.
        """
        table, outside = self._events(edr, duplicates)
        prepared = self.rater.prepare(_one_batch(table))
        self._check_home(prepared, number)
        state = self._state.copy()
        rated = self.rater.rate(prepared, state)
        mine, taxes = self.home == number, self._rules.taxes
        records, transfers = paid_by_others(
            canonical(pa.Table.from_batches([rated.table])),
            self._book.payments,
            self.rater.compiled,
            self._subscribers,
            self.cycle,
            taxes,
        )
        charges = join(
            [
                usage_charges(records, self.cycle, taxes),
                transfers,
                cut_by_rate(self._fees(mine), taxes, self.cycle),
                cut_by_rate(charge_use(state, self._use_fees, mine, self.cycle), taxes, self.cycle),
            ]
        )
        less, more = reductions(charges, self._book, self._subscribers, self.cycle, mine)
        notes = adjustment_lines([one for one, at in self._notes if at == number], self._book)
        charges = join([charges, less, cut_by_rate(more, taxes, self.cycle), notes])
        lines = close(charges, self._rules, self.cycle)
        return PartitionBill(
            rated=records,
            unrated=self._unrated(table, rated),
            lines=line_table(lines, self._issue),
            bills=bill_table(lines, self._issue),
            balances=canonical(pa.Table.from_batches([state.balances(mine)])),
            outside=outside,
        )

    def _events(
        self,
        edr: Iterable[pa.Table | pa.RecordBatch],
        duplicates: Iterable[pa.Table | pa.RecordBatch],
    ) -> tuple[pa.Table, int]:
        """Returns the EDRs of the cycle, one per event and by name, and how many are of others."""
        table = cycle_events(edr, duplicates)
        start = table.column("start_time").cast(pa.int64()).to_numpy()
        inside = (start >= self.cycle.start_us) & (start < self.cycle.end_us)
        if not inside.all():
            table = table.filter(pa.array(inside))
        # By name, so that nothing below can see the order of arrival.
        file_id, _ = ranked(table.column("file_id"))
        offset, container = (table.column(name).to_numpy() for name in ("offset", "container"))
        order = np.lexsort((container, offset, file_id))
        return table.take(pa.array(order)), int(np.count_nonzero(~inside))

    def _check_home(self, prepared: Prepared, number: int) -> None:
        """Checks that every EDR was brought to its partition."""
        home = np.append(self.home, np.int32(UNGUIDED))[charge_groups(prepared)]
        wrong = np.flatnonzero(home != number)
        if len(wrong):
            row = prepared.edr.slice(int(wrong[0]), 1).select(["file_id", "offset", "container"])
            message = (
                f"{len(wrong)} EDRs were brought to partition {number} and belong elsewhere; the "
                f"first is {row.to_pylist()[0]} of partition {int(home[wrong[0]])}"
            )
            raise ValueError(message)

    def _fees(self, mine: NDArray[np.bool_]) -> Charges:
        """Returns the fee lines of the partition's charge groups."""
        tenure = self._tenure.take(mine[self._tenure.group])
        fees = charge_fees((*self._book.plans, *self._book.options), tenure, self.cycle)
        owner = tenure.take(fees.tenure)
        data = self._subscribers
        amount = fees.amount
        first_day = np.int64(self.cycle.first_number)

        def of_fee(texts: list[str]) -> Names:
            return Names.of(fees.fee, texts)

        return make_charges(
            len(amount),
            {
                "account_id": Names.of(owner.account, data.accounts),
                "charge_group": Names.of(owner.group, data.groups),
                "subscriber_id": Names.of(owner.subscriber, data.names),
                "kind": FEE,
                "item": of_fee([fee.name for _, fee in fees.fees]),
                "plan": of_fee([giver.key for giver, _ in fees.fees]),
                "tax": of_fee([fee.tax for _, fee in fees.fees]),
                "gl_code": of_fee([fee.gl for _, fee in fees.fees]),
            },
            {
                "service_from": first_day + fees.first,
                "service_to": first_day + fees.after,
                "gross": amount,
                "net": amount,
            },
        )

    def _unrated(self, table: pa.Table, rated: Rated) -> pa.Table:
        """Returns the EDRs that were not rated, with stage, reason and a sentence."""
        why = rated.unrated.to_batch(self.rater.compiled, self._subscribers)
        rows = table.take(why.column("row"))
        columns = {
            **{name: rows.column(name) for name in ("file_id", "offset", "container")},
            "start_time": rows.column("start_time"),
            **{name: why.column(name) for name in ("stage", "reason", "detail")},
        }
        arrays = [columns[name] for name in UNRATED_SCHEMA.names]
        made = pa.Table.from_arrays(
            [
                array if array.type == wanted.type else array.cast(wanted.type)
                for array, wanted in zip(arrays, UNRATED_SCHEMA, strict=True)
            ],
            schema=UNRATED_SCHEMA,
        )
        return canonical(made)


def bill_partition(
    edr: Iterable[pa.Table | pa.RecordBatch],
    run: BillRun,
    number: int,
    duplicates: Iterable[pa.Table | pa.RecordBatch] = (),
) -> PartitionBill:
    """Bills one partition of a run; see :meth:`BillRun.partition`."""
    return run.partition(number, edr, duplicates)


def subscriber_partitions(subscribers: Subscribers, n: int) -> Int32:
    """Returns the partition of each charge group of the subscriber data, int32[groups].

    The groups of one subscriber are together, as if an account of its own had them: discounts and
    commitments look at all that he spends.
    """
    groups = subscribers.groups.to_pylist()
    payers = subscribers.payers
    whose, of = subscribers.subscriber, subscribers.group
    moves = np.flatnonzero((whose[1:] == whose[:-1]) & (of[1:] != of[:-1]))
    joint = np.arange(len(moves)) + len(subscribers.accounts) + len(payers.accounts)
    group = np.concatenate([of, of[moves], of[moves + 1]])
    account = np.concatenate([subscribers.account, joint, joint]).astype(np.int32)
    if len(payers.subscriber):
        # who pays for a subscriber has a bill with lines of all his charge groups
        known = pc.index_in(payers.accounts, value_set=subscribers.accounts)
        fresh = len(subscribers.accounts) + np.arange(len(payers.accounts))
        code = np.where(pc.is_valid(known), pc.fill_null(known, 0), fresh).astype(np.int32)
        row, period = _periods_of(subscribers, payers.subscriber)
        group = np.append(group, of[period])
        account = np.append(account, code[payers.account[row]])
    return partition_index(groups, group, account, n)


def _periods_of(data: Subscribers, subscriber: Int32) -> tuple[Int64, Int64]:
    """Returns (entry of ``subscriber``, period) of all periods of each."""
    first = np.searchsorted(data.subscriber, subscriber)
    count = np.searchsorted(data.subscriber, subscriber, side="right") - first
    row = np.repeat(np.arange(len(subscriber)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, np.repeat(first, count) + within


def charge_groups(prepared: Prepared) -> Int32:
    """Returns the charge group of each guided row, int32, -1 where nobody owns the event."""
    # The period stands in the high half of the place, and is -1 where nobody was found.
    return np.where(prepared.place >> 32 < 0, np.int32(-1), prepared.group)


def cycle_events(
    edr: Iterable[pa.Table | pa.RecordBatch], duplicates: Iterable[pa.Table | pa.RecordBatch]
) -> pa.Table:
    """Returns the columns that rating needs of all EDRs, of each event the row to be billed.

    Args:
        edr: EDRs with at least :data:`EDR_COLUMNS`.
        duplicates: EDRs that were dropped as duplicates.
    """
    return canonical_duplicates(_together(edr), _together(duplicates))


def _together(tables: Iterable[pa.Table | pa.RecordBatch]) -> pa.Table:
    """Returns the columns that the run needs of all tables, with one dictionary per column."""
    kinds = _edr_schema()
    parts = []
    for table in tables:
        whole = pa.Table.from_batches([table]) if isinstance(table, pa.RecordBatch) else table
        parts.append(_cast(whole.select(EDR_COLUMNS), kinds))
    return pa.concat_tables(parts).unify_dictionaries() if parts else kinds.empty_table()


def _edr_schema() -> pa.Schema:
    """Returns the schema of :data:`EDR_COLUMNS`."""
    from mediation.edr import EDR_SCHEMA  # noqa: PLC0415  only the shape is needed here

    return pa.schema([EDR_SCHEMA.field(name) for name in EDR_COLUMNS])


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Returns a table in the schema; fixed vocabularies become exactly those of the EDR."""
    vocabularies = {"service": SERVICES, "direction": DIRECTIONS}
    columns = []
    for wanted in schema:
        column = table.column(wanted.name)
        if wanted.name in vocabularies:
            column = in_vocabulary(column, vocabularies[wanted.name], wanted.type)
        elif column.type != wanted.type:
            column = column.cast(wanted.type)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    """Returns a table as one batch."""
    return pa.RecordBatch.from_arrays(
        [one_chunk(column) for column in table.columns], schema=table.schema
    )
