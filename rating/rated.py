"""What rating returns: the table of rated records, and the rows that were not rated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rating.kernels import columns as kernel
from rating.kernels.arrays import BLOCK, BLOCK_WORDS, CHARGE_WORDS, ChargeArrays
from rating.kernels.guide import EVENT_WORDS
from rating.names import distinct
from rating.reasons import NOT_CHARGED, REASONS
from rating.schema import MONEY, RATED_SCHEMA, RUMS
from rating.wholesale import cost_column, wholesale_costs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.prepare import Prepared
    from rating.room import Block
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int8, Int32, Int64

UNRATED_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("stage", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("reason", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)
"""Unrated rows: row of the batch, and stage, reason and sentence for suspense."""

MOST_DISCOUNTS = 40
"""Discounts in one plan at most: which of them applied is one bit each."""

_LOW = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Unrated:
    """Rows of a batch that were not rated.

    Attributes:
        row: int64[u], rows of the EDR batch, ascending.
        status: int8[u], keys of ``rating.reasons.REASONS``.
        place: int64[u], ``period << 32 | class`` as far as known.
    """

    row: Int64
    status: Int8
    place: Int64

    def __len__(self) -> int:
        return len(self.row)

    @property
    def suspended(self) -> Unrated:
        """The rows that go to suspense."""
        return self._where(self.status != NOT_CHARGED)

    @property
    def not_charged(self) -> Unrated:
        """The rows that a named rule discards: direction_not_charged."""
        return self._where(self.status == NOT_CHARGED)

    def _where(self, mask: NDArray[np.bool_]) -> Unrated:
        return Unrated(self.row[mask], self.status[mask], self.place[mask])

    def counts(self) -> dict[str, int]:
        """Returns how many rows each reason has, by name."""
        found = np.bincount(self.status, minlength=1)
        return {REASONS[at].name: int(found[at]) for at in np.flatnonzero(found).tolist()}

    def reasons(self) -> list[str]:
        """Returns the reason's name of each row."""
        return [REASONS[int(code)].name for code in self.status]

    def to_batch(self, book: CompiledBook, subscribers: Subscribers) -> pa.RecordBatch:
        """Returns the rows with stage, reason and a sentence (:data:`UNRATED_SCHEMA`)."""
        statuses = list(REASONS)
        code = np.zeros(max(statuses) + 1, np.int8)
        code[statuses] = np.arange(len(statuses))
        stages = sorted({reason.stage for reason in REASONS.values()})
        stage = np.array([stages.index(REASONS[at].stage) for at in statuses], np.int8)
        sentences, which = self._sentences(book, subscribers)
        at = code[self.status]
        names = [REASONS[status].name for status in statuses]
        columns = [
            pa.array(self.row),
            pa.DictionaryArray.from_arrays(pa.array(stage[at]), pa.array(stages)),
            pa.DictionaryArray.from_arrays(pa.array(at), pa.array(names)),
            pa.array(sentences, pa.string()).take(pa.array(which)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=UNRATED_SCHEMA)

    def _sentences(self, book: CompiledBook, data: Subscribers) -> tuple[list[str], Int64]:
        """Returns the distinct sentences and the index of each row's."""
        period = self.place >> 32
        plan = np.where(period >= 0, data.plan[np.maximum(period, 0)] if data.n_periods else 0, -1)
        key = (plan.astype(np.int64) << 39) | ((self.place & _LOW) << 8) | self.status
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
        sentences = []
        for at in first:
            reason = REASONS[int(self.status[at])]
            what = ""
            if "{what}" in reason.sentence:
                what = class_name(book, int(self.place[at]) & _LOW, int(plan[at]))
            sentences.append(reason.sentence.format(what=what))
        return sentences, which


@dataclass(frozen=True, slots=True)
class Rated:
    """One batch, rated.

    Attributes:
        table: Rated records (``rating.schema.RATED_SCHEMA``) in event order.
        unrated: The rows that were not rated, in order of rows.
        row: int64[m], row of the EDR batch of each rated record.
    """

    table: pa.RecordBatch
    unrated: Unrated
    row: Int64


def class_name(book: CompiledBook, class_id: int, plan: int) -> str:
    """Returns a class in words, such as ``voice.originating, local, north, home in plan easy``."""
    rest, roaming = divmod(class_id, len(book.roaming_classes))
    rest, zone = divmod(rest, len(book.zones))
    usage, call_class = divmod(rest, len(book.call_classes))
    return (
        f"{book.usages[usage]}, call class {book.call_classes[call_class]}, zone "
        f"{book.zones[zone]}, roaming {book.roaming_classes[roaming]} in plan {book.plans[plan]}"
    )


def charge_words(m: int, held: int, counts: int) -> int:
    """Returns the words of :func:`charge_arrays` in its block, with ``row`` and ``take_first``."""
    return (EVENT_WORDS + CHARGE_WORDS + 4) * m + held + 2 * counts + BLOCK * BLOCK_WORDS + 3


def charge_arrays(m: int, held: int, counts: int, block: Block, kept: Block) -> ChargeArrays:
    """Returns uninitialised output of the pricing kernel.

    Args:
        m: Number of events.
        held: Instances that one account holds at most.
        counts: Counts of the book.
        block: Memory.
        kept: Memory for ``row`` and ``take_first``, which become part of the rated records.
    """
    first = kept.array(m + 1, np.int32)
    first[0] = 0
    return ChargeArrays(
        event=block.array(EVENT_WORDS * m, np.int64),
        row=kept.array(m, np.int64),
        line=block.array(CHARGE_WORDS * m, np.int64),
        take_first=first,
        failed=block.array(m, np.int32),
        failed_status=block.array(m, np.int8),
        held=block.array(held, np.int64),
        counted=block.array(2 * (counts + 1), np.int64),
        block=block.array(BLOCK * BLOCK_WORDS, np.int64),
        cursor=np.zeros(3, np.int64),
    )


def without_failed(charge: ChargeArrays) -> ChargeArrays:
    """Returns the charges without those of failed events; nothing is copied if there are none."""
    failed = charge.failed[: charge.cursor[2]]
    if not len(failed):
        return charge
    keep = np.ones(len(charge.row), np.bool_)
    keep[failed] = False
    # a failed event takes nothing: where the next one's takes begin, its own begin
    return charge._replace(
        event=charge.event.reshape(-1, EVENT_WORDS)[keep].reshape(-1),
        row=charge.row[keep],
        line=charge.line.reshape(-1, CHARGE_WORDS)[keep].reshape(-1),
        take_first=charge.take_first[np.append(keep, [True])],
    )


class Names:
    """Name tables of the rated records, made once per rater: a column is only its codes.

    Args:
        book: The tariff book.
        subscribers: The subscriber data.
    """

    def __init__(self, book: CompiledBook, subscribers: Subscribers) -> None:
        def table(names: tuple[str, ...]) -> pa.Array:
            return pa.array(names, pa.string())

        self.book = book
        self.subscribers = subscribers
        self.plans = table(book.plans)
        self.call_classes = table(book.call_classes)
        self.zones = table(book.zones)
        self.roaming = table(book.roaming_classes)
        self.bands = table(book.bands)
        self.taxes = table(book.taxes)
        self.gl_codes = table(book.gl_codes)
        self.rums = table(RUMS)
        self.allowances = table(book.allowances)
        self.digest = table((book.digest,))
        self.rules, rule_code = distinct(book.rules)
        self.rule_codes = np.stack(
            [rule_code, book.rule_rum, book.rule_tax, book.rule_gl], axis=1, dtype=np.int32
        ).reshape(-1)
        self.sizes = np.array(
            [len(book.call_classes), len(book.zones), len(book.roaming_classes)], np.int64
        )

    def discounts(self, plan: Int32, hits: Int64) -> pa.Array:
        """Returns the dictionary column of discounts: names that took something, joined by +."""
        code = np.zeros(len(hits), np.int32)
        some = np.flatnonzero(hits)
        if not len(some):
            return pa.DictionaryArray.from_arrays(
                pa.array(code, mask=np.ones(len(hits), np.bool_)), pa.array([], pa.string())
            )
        keys, which = np.unique(
            (hits[some] << 20) | plan[some].astype(np.int64), return_inverse=True
        )
        texts = [self._joined(int(key) & ((1 << 20) - 1), int(key) >> 20) for key in keys]
        table, table_code = distinct(tuple(texts))
        code[some] = table_code[which]
        return pa.DictionaryArray.from_arrays(pa.array(code, mask=hits == 0), table)

    def _joined(self, plan: int, hits: int) -> str:
        """Returns the names of a plan's discounts whose bit is set."""
        first, last = self.book.plan_disc_first[plan], self.book.plan_disc_first[plan + 1]
        names = [self.book.discounts[at] for at in self.book.plan_disc[first:last]]
        return "+".join(name for k, name in enumerate(names) if hits >> k & 1)


def rated_table(
    prepared: Prepared,
    state: CycleState,
    names: Names,
    charge: ChargeArrays,
    takes: tuple[Int32, Int64],
    kept: Block,
) -> tuple[pa.RecordBatch, Int64]:
    """Returns the rated records and their rows.

    Args:
        prepared: The batch.
        state: The cycle's state: its name, and the allowance of each counter.
        names: Name tables.
        charge: What the kernel wrote.
        takes: (counter, units) in event order.
        kept: Memory for the columns, :data:`RATED_WORDS` of it for each event.
    """
    charge = without_failed(charge)
    rows, n_takes = charge.row, int(charge.cursor[1])
    m = len(rows)
    data = names.subscribers
    codes = kernel.CodeColumns(
        subscriber=kept.array(m, np.int32),
        account=kept.array(m, np.int32),
        group=kept.array(m, np.int32),
        plan=kept.array(m, np.int32),
        msisdn=kept.array(m, np.int64),
        quantity=kept.array(m, np.int64),
        rule=kept.array(m, np.int32),
        rum=kept.array(m, np.int8),
        tax=kept.array(m, np.int32),
        gl_code=kept.array(m, np.int32),
        call_class=kept.array(m, np.int8),
        zone=kept.array(m, np.int32),
        roaming=kept.array(m, np.int32),
    )
    kernel.code_columns(
        charge.event, data.arrays.period, data.account, names.rule_codes, names.sizes, codes
    )
    taken = pa.array(rows)

    def coded(index: NDArray[Any], table: pa.Array) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(index), table, safe=False)

    def carried(name: str) -> pa.Array:
        return prepared.edr.column(name).take(taken)

    def money(words: Int64) -> pa.Array:
        return pa.Array.from_buffers(MONEY, m, [None, pa.py_buffer(words)])

    sums = kernel.SumColumns(
        kept.array(m, np.int64),
        kept.array(m, np.int64),
        kept.array(m, np.int32),
        kept.array(m, np.int64),
        kept.array(m, np.bool_),
        *(kept.array(2 * m, np.int64) for _ in kernel.SumColumns._fields[5:]),
    )
    kernel.sum_columns(charge.line, sums)
    zeros = kept.array(m, np.int32)
    zeros[:] = 0
    columns = {
        **{name: carried(name) for name in _CARRIED},
        "subscriber_id": coded(codes.subscriber, data.names),
        "account_id": coded(codes.account, data.accounts),
        "charge_group": coded(codes.group, data.groups),
        "served_msisdn": _number(codes.msisdn, prepared, taken),
        "plan": coded(codes.plan, names.plans),
        "call_class": coded(codes.call_class, names.call_classes),
        "zone": coded(codes.zone, names.zones),
        "roaming": coded(codes.roaming, names.roaming),
        "band": coded(sums.band, names.bands),
        "cycle": coded(zeros, pa.array([state.cycle])),
        "rum": coded(codes.rum, names.rums),
        "quantity": pa.array(codes.quantity),
        "charged_units": pa.array(sums.charged),
        "allowance_units": pa.array(sums.covered),
        "allowances": _taken(charge.take_first, takes, n_takes, state, names),
        "throttled": pa.array(sums.throttled),
        "rule": coded(codes.rule, names.rules),
        "connect_fee": money(sums.connect),
        "usage_charge": money(sums.usage),
        "gross": money(sums.gross),
        "discount": names.discounts(codes.plan, sums.hits),
        "discount_amount": money(sums.discount),
        "cap_reduction": money(sums.cap),
        "rounding": money(sums.rounding),
        "net": money(sums.net),
        "wholesale_cost": _cost(prepared, rows, codes.zone, names.book),
        "tax": coded(codes.tax, names.taxes),
        "gl_code": coded(codes.gl_code, names.gl_codes),
        "book_digest": coded(zeros, names.digest),
    }
    table = pa.RecordBatch.from_arrays(
        [columns[name] for name in RATED_SCHEMA.names], schema=RATED_SCHEMA
    )
    return table, rows


RATED_WORDS, RATED_ARRAYS = 26, 26
"""Words of memory that :func:`rated_table` takes for each event, and arrays in all."""

_CARRIED = (
    "file_id",
    "offset",
    "container",
    "service",
    "direction",
    "other_number",
    "start_time",
    "utc_offset",
)
"""Columns that a rated record has from its EDR as they are."""


def _cost(prepared: Prepared, rows: Int64, zone: Int32, book: CompiledBook) -> pa.Array:
    """Returns what the events cost us, null where nobody says."""
    edr = prepared.edr
    if not book.wholesale and edr.column("partner_charge").null_count == edr.num_rows:
        return pa.nulls(len(rows), MONEY)
    return cost_column(wholesale_costs(edr, rows, zone, book))


def _number(msisdn: Int64, prepared: Prepared, taken: pa.Array) -> pa.Array:
    """Returns the subscriber's number; of a card without one what the switch wrote."""
    missing = msisdn == -(2**63)
    if not missing.any():
        return pa.array(msisdn)
    written = prepared.edr.column("served_msisdn").take(taken)
    return pa.compute.coalesce(pa.array(msisdn, mask=missing), written)


def _taken(
    first: Int32, takes: tuple[Int32, Int64], n_takes: int, state: CycleState, names: Names
) -> pa.Array:
    """Returns the list column of allowances taken from."""
    kind = RATED_SCHEMA.field("allowances").type
    allowance = state.counter_allowance[takes[0][:n_takes]]
    items = pa.StructArray.from_arrays(
        [names.allowances.take(pa.array(allowance)), pa.array(takes[1][:n_takes])],
        fields=list(kind.value_type),
    )
    return pa.Array.from_buffers(
        kind, len(first) - 1, [None, pa.py_buffer(first)], children=[items]
    )
