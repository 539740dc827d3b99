"""Who pays what of a subscriber's usage: decided by the book's payments after pricing.

A rated record has one account that pays. Records of subscribers for whom somebody pays
(``payers.csv``) are looked at here, in event order, after they were priced; whoever has no payer is
not looked at. Where an event passes the limit of its payer, what is above it goes on to the
subscriber's own account as a pair of transfer lines, which add up to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rating.billing.charges import Names, join, make_charges
from rating.billing.columns import codes, combine, guard_sum, micros, names_array, ranked
from rating.billing.schema import TRANSFER
from rating.billing.taxes import rates_of
from tariffs.compiled import CALL_CLASSES, CLOCKS, DIRECTIONS, FOREVER, SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rating.billing.charges import Charges
    from rating.billing.cycle import Cycle
    from rating.billing.taxes import TaxClass
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.payments import PaidUsage, Payment

    Bool = NDArray[np.bool_]
    Int64 = NDArray[np.int64]

MINUTE = 60_000_000
_DAY = 1440
_BOOK = CLOCKS.index("book")


@dataclass(frozen=True, slots=True)
class Paid:
    """Who pays some rated records.

    Attributes:
        payment: int64[n] index in the book's payments, -1: the subscriber's own account.
        account: int64[n] index in the payers' accounts, -1 likewise.
        over: int64[n] what is above the payer's limit, 10^-6; the own account pays it.
    """

    payment: Int64
    account: Int64
    over: Int64


def paid_by_others(
    rated: pa.Table,
    payments: Sequence[Payment],
    compiled: CompiledBook,
    data: Subscribers,
    cycle: Cycle,
    taxes: Mapping[str, TaxClass],
) -> tuple[pa.Table, Charges]:
    """Returns rated records with the accounts that pay, and transfers where a limit is passed.

    Args:
        rated: RATED_SCHEMA of one cycle, canonical, in event order.
        payments: Of the book.
        compiled: The book, compiled.
        data: The subscriber data.
        cycle: The cycle.
        taxes: Tax classes by name.
    """
    nothing = make_charges(0, {}, {})
    if not payments or not len(data.payers.subscriber) or not rated.num_rows:
        return rated, nothing
    who, names = ranked(rated.column("subscriber_id"))
    index = pc.fill_null(pc.index_in(names, value_set=data.names), -1).to_numpy()
    subscriber = index[who]
    rows = np.flatnonzero(np.isin(subscriber, data.payers.subscriber))
    some = rated.take(pa.array(rows))
    found = decide(some, subscriber[rows], payments, compiled, data, cycle)
    if (found.payment < 0).all():
        return rated, nothing
    transfers = _transfers(some, found, payments, data, cycle, taxes)
    account, accounts = ranked(rated.column("account_id"))
    paid = found.payment >= 0
    account[rows[paid]] = len(accounts) + found.account[paid]
    every = [*accounts.to_pylist(), *data.payers.accounts.to_pylist()]
    field = rated.schema.field("account_id")
    column = names_array(*ranked(names_array(account, every, field.type)), field.type)
    return rated.set_column(rated.schema.names.index("account_id"), field, column), transfers


def decide(
    rated: pa.Table,
    subscriber: NDArray[np.int32] | Int64,
    payments: Sequence[Payment],
    compiled: CompiledBook,
    data: Subscribers,
    cycle: Cycle,
) -> Paid:
    """Decides who pays records.

    The first payment of the book counts that is for the event, that somebody pays for the
    subscriber when it begins, and of whose limit something is left before it.

    Args:
        rated: Rated records of one cycle; of each subscriber in event order.
        subscriber: int[n] index in the subscribers' names.
        payments: Of the book.
        compiled: The book, compiled.
        data: The subscriber data.
        cycle: The cycle.
    """
    events = _Events(rated, compiled)
    net = micros(rated.column("net"))
    guard_sum("net", net)
    group, groups = ranked(rated.column("charge_group"))
    member = combine([(group, len(groups)), (subscriber.astype(np.int64), len(data.names))])
    paid = Paid(*(np.full(rated.num_rows, value, np.int64) for value in (-1, -1, 0)))
    for number, payment in enumerate(payments):
        limit = payment.limit_at(cycle.start_us)
        row = data.payers.at(number, subscriber.astype(np.int32), events.start)
        if limit is None or not (row >= 0).any():
            continue
        meant = (row >= 0) & (paid.payment < 0)
        meant &= np.any([events.of(one) for one in payment.usage], axis=0)
        chosen = np.flatnonzero(meant)
        before = _before(net[chosen], member[chosen])
        left = before < limit
        chosen, before = chosen[left], before[left]
        paid.payment[chosen] = number
        paid.account[chosen] = data.payers.account[row[chosen]]
        if limit < FOREVER:
            paid.over[chosen] = np.maximum(before + net[chosen] - limit, 0)
    return paid


def _before(amounts: Int64, owner: Int64) -> Int64:
    """Returns for each amount the sum of the earlier ones of its owner."""
    order = np.argsort(owner, kind="stable")
    sums = np.cumsum(amounts[order]) - amounts[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = owner[order][1:] != owner[order][:-1]
    heads = np.flatnonzero(fresh)
    found = np.empty(len(order), np.int64)
    found[order] = sums - sums[heads][np.cumsum(fresh) - 1]
    return found


class _Events:
    """What payments look at of rated records: class, start, and the band of a time model."""

    def __init__(self, rated: pa.Table, compiled: CompiledBook) -> None:
        self.compiled = compiled
        self.start: Int64 = rated.column("start_time").cast(pa.int64()).to_numpy()
        offset = rated.column("utc_offset")
        self._offset = pc.fill_null(offset, 0).to_numpy().astype(np.int64)
        self._silent = pc.is_null(offset).to_numpy()
        vocabularies = (
            ("service", SERVICES),
            ("direction", DIRECTIONS),
            ("call_class", CALL_CLASSES),
            ("zone", compiled.zones),
            ("roaming", compiled.roaming_classes),
        )
        columns = []
        for name, allowed in vocabularies:
            index, texts = codes(rated.column(name))
            place = np.asarray([allowed.index(text) for text in texts], np.int64)
            columns.append((place[index], len(allowed)))
        _, first, self._class = np.unique(combine(columns), return_index=True, return_inverse=True)
        self._classes = np.stack([column[first] for column, _ in columns], axis=1).tolist()

    def of(self, usage: PaidUsage) -> Bool:
        """Returns which records are meant."""
        holds = [usage.when.holds(*one) for one in self._classes]
        meant: Bool = np.asarray(holds, np.bool_)[self._class]
        if usage.bands is not None:
            meant &= np.isin(self._bands(usage), list(usage.bands))
        return meant

    def _bands(self, usage: PaidUsage) -> NDArray[np.int8]:
        """Returns the band of a usage's time model in which each record starts."""
        book = self.compiled
        zone = np.searchsorted(book.tz_utc_us, self.start, side="right") - 1
        by_book = self._silent | (usage.clock == _BOOK)
        minutes = self.start // MINUTE + np.where(by_book, book.tz_offset_min[zone], self._offset)
        day = minutes // _DAY
        known = day - book.day0
        inside = (known >= 0) & (known < len(book.day_type))
        # 1970-01-01 was a Thursday, and 0 is Monday
        kind = np.where(inside, book.day_type[np.where(inside, known, 0)], (day + 3) % 7)
        slot = (usage.time_model * len(book.day_types) + kind) * _DAY + minutes - day * _DAY
        found: NDArray[np.int8] = book.tm_band[slot]
        return found


def _transfers(
    rated: pa.Table,
    paid: Paid,
    payments: Sequence[Payment],
    data: Subscribers,
    cycle: Cycle,
    taxes: Mapping[str, TaxClass],
) -> Charges:
    """Returns the pairs of lines that bring what is above limits to the own accounts."""
    rows = np.flatnonzero(paid.over > 0)
    some = rated.take(pa.array(rows))
    start = some.column("start_time").cast(pa.int64()).to_numpy()
    texts = {
        name: Names(*codes(some.column(name)))
        for name in ("account_id", "charge_group", "subscriber_id", "plan", "service", "tax")
    }
    texts["gl_code"] = Names(*codes(some.column("gl_code")))
    texts["item"] = Names.of(
        paid.payment[rows].astype(np.int32), [payment.name for payment in payments]
    )
    payer = Names.of(paid.account[rows].astype(np.int32), data.payers.accounts)
    parts = []
    for account, amount in ((payer, -paid.over[rows]), (texts["account_id"], paid.over[rows])):
        parts.append(
            make_charges(
                len(rows),
                {**texts, "account_id": account, "kind": TRANSFER},
                {
                    "service_from": cycle.first_number,
                    "service_to": cycle.next_number,
                    "tax_rate": rates_of(texts["tax"], start, taxes),
                    "gross": amount,
                    "net": amount,
                },
            )
        )
    return join(parts)
