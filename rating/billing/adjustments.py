"""Credit and debit notes on a bill: what somebody decided about a closed cycle, with its period and tax.

An adjustment is one line, exact as it was entered. It keeps the service period and the tax rate of the
cycle that it is for, and is on the bill of a later one. Discounts and commitments do not look at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rating.billing.charges import Names, make_charges
from rating.billing.partition import partition_of
from rating.billing.schema import ADJUSTMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rating.billing.charges import Charges
    from rating.billing.cycle import Cycle
    from rating.subscribers import Subscribers
    from tariffs.model import Book

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One credit (less than 0) or debit note.

    Attributes:
        number: Its number; tells notes of one account apart.
        account: The account.
        subscriber: Id of the subscriber that it is about, empty: the whole account.
        item: What the line is called.
        amount: 10^-6, without a tax that comes on top of prices.
        tax: Tax class.
        tax_rate: ppm, None: that of the class at the beginning of the cycle that it is for.
        gl: G/L code.
        cycle: The cycle that it is for.
    """

    number: int
    account: str
    subscriber: str
    item: str
    amount: int
    tax: str
    tax_rate: int | None
    gl: str
    cycle: Cycle


def adjustment_lines(notes: Sequence[Adjustment], book: Book) -> Charges:
    """Returns a line for each note, by number."""
    rates = {tax.name: tax.rate for tax in book.taxes}
    notes = sorted(notes, key=lambda one: one.number)

    def rate(one: Adjustment) -> int:
        if one.tax_rate is not None:
            return one.tax_rate
        dated = rates[one.tax]
        return dated.at(max(one.cycle.start_us, dated.starts[0])) or 0

    def names(texts: list[str]) -> Names:
        codes = [at if text else -1 for at, text in enumerate(texts)]
        return Names.of(np.asarray(codes, np.int32), texts)

    def numbers(values: list[int]) -> Int64:
        return np.asarray(values, np.int64)

    amount = numbers([one.amount for one in notes])
    return make_charges(
        len(notes),
        {
            "account_id": names([one.account for one in notes]),
            "subscriber_id": names([one.subscriber for one in notes]),
            "kind": ADJUSTMENT,
            "item": names([one.item for one in notes]),
            "tax": names([one.tax for one in notes]),
            "gl_code": names([one.gl for one in notes]),
        },
        {
            "service_from": numbers([one.cycle.first_number for one in notes]),
            "service_to": numbers([one.cycle.next_number for one in notes]),
            "tax_rate": numbers([rate(one) for one in notes]),
            "gross": amount,
            "net": amount,
        },
    )


def homes_of(notes: Sequence[Adjustment], data: Subscribers, home: Int32, n: int) -> list[int]:
    """Returns the partition in which the bill of each note's account is made.

    Args:
        notes: The notes.
        data: The subscriber data; an account that it does not know goes where its id says.
        home: int32[charge groups] partitions.
        n: How many there are.
    """
    accounts = pa.array([one.account for one in notes], pa.string())
    found = []
    own, paying = (
        pc.fill_null(pc.index_in(accounts, value_set=names), -1).to_pylist()
        for names in (data.accounts, data.payers.accounts)
    )
    for at, note in enumerate(notes):
        periods = np.flatnonzero(data.account == own[at])[:1]
        if own[at] < 0 and paying[at] >= 0:
            row = np.flatnonzero(data.payers.account == paying[at])[0]
            periods = np.flatnonzero(data.subscriber == data.payers.subscriber[row])[:1]
        known = len(periods) > 0
        found.append(int(home[data.group[periods[0]]]) if known else partition_of(note.account, n))
    return found
