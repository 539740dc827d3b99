"""What is taken off a subscriber's lines of a cycle, and the top-up to what he must spend at least.

Tier, plan and contract are those at the end of the cycle (of his last period in it). Every discount
is a share of the sums as charged, for each tax class on its own; together they take no more than
there is. The commitment compares what is left with its amount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rating.billing.charges import Names, join, make_charges
from rating.billing.columns import combine
from rating.billing.rounding import PPM, share_of
from rating.billing.schema import DISCOUNT, FEE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.billing.charges import Charges
    from rating.billing.cycle import Cycle
    from rating.subscribers import Subscribers
    from tariffs.model import BillDiscount, Book, Commitment

    Int64 = NDArray[np.int64]


def reductions(charges: Charges, book: Book, data: Subscribers, cycle: Cycle) -> Charges:
    """Returns the lines of bill discounts and of minimum commitments.

    Args:
        charges: Usage and fee lines of the cycle.
        book: The book as written.
        data: The subscriber data.
        cycle: The cycle.
    """
    if not len(charges) or not (book.bill_discounts or book.commitments):
        return make_charges(0, {}, {})
    return _Spenders(charges, book, data, cycle).lines()


class _Spenders:
    """The subscribers of some lines, by account, and what they spent by tax class and kind."""

    def __init__(self, charges: Charges, book: Book, data: Subscribers, cycle: Cycle) -> None:
        self.charges, self.book, self.data, self.cycle = charges, book, data, cycle
        texts = charges.texts
        keys = ("account_id", "charge_group", "subscriber_id")
        spender = combine([(texts[key].codes, len(texts[key].texts) + 1) for key in keys])
        _, self.example, self.of = np.unique(spender, return_index=True, return_inverse=True)
        self.taxes = texts["tax"]
        self.sums: dict[str, Int64] = {}
        kind = texts["kind"]
        for name in kind.texts:
            mine = kind.codes == kind.texts.index(name)
            sums = np.zeros((len(self.example), len(self.taxes.texts)), np.int64)
            np.add.at(sums, (self.of[mine], self.taxes.codes[mine]), charges.numbers["net"][mine])
            self.sums[name] = sums
        self.period = self._periods()

    def _periods(self) -> Int64:
        """Returns the last period in the cycle of each spender, -1 if he has none."""
        data = self.data
        names = self.charges.texts["subscriber_id"]
        index = pc.fill_null(pc.index_in(pa.array(names.texts), value_set=data.names), -1)
        who = np.append(index.to_numpy(), -1)[names.codes[self.example]]
        rows = np.flatnonzero(
            (data.valid_from < self.cycle.end_us) & (data.valid_to > self.cycle.start_us)
        )
        last = np.full(len(data.names) + 1, -1, np.int64)
        last[data.subscriber[rows]] = rows  # ascending in time: the last one stays
        found: Int64 = last[who]
        return found

    def lines(self) -> Charges:
        """Returns all lines."""
        parts = [make_charges(0, {}, {})]
        start = self.cycle.start_us
        left: Int64 = sum(self.sums.values(), np.zeros_like(next(iter(self.sums.values()))))
        for one in self.book.bill_discounts:
            base = sum((self.sums[kind] for kind in one.of if kind in self.sums), left * 0)
            meant = self._meant(one) & (base.sum(axis=1) >= (one.least.at(start) or 0))
            off = share_of(base.reshape(-1), one.percent.at(start) or 0, PPM, 1, 0)
            off = np.minimum(off.reshape(base.shape), left) * meant[:, None]
            left = left - off
            spender, tax = np.nonzero(off > 0)
            names = Names.of(tax.astype(np.int32), self.taxes.texts)
            parts.append(self._made(spender, -off[spender, tax], DISCOUNT, one, names))
        for least in self.book.commitments:
            missing = (least.amount.at(start) or 0) - left.sum(axis=1)
            spender = np.flatnonzero(self._meant(least) & (missing > 0))
            names = Names.same(least.tax, len(spender))
            parts.append(self._made(spender, missing[spender], FEE, least, names))
        return join(parts)

    def _meant(self, one: BillDiscount | Commitment) -> NDArray[np.bool_]:
        """Returns for which spenders a discount or commitment is meant."""
        data, book, period = self.data, self.book, self.period
        meant = period >= 0
        if one.tiers is not None:
            codes = [book.tiers.index(name) for name in one.tiers]
            meant &= np.isin(data.tier[period], codes)
        if one.plans is not None:
            plans = [number for number, plan in enumerate(book.plans) if plan.id in one.plans]
            meant &= np.isin(data.plan[period], plans)
        if one.contracts is not None:
            meant &= np.array([self._contract(int(at)) in one.contracts for at in period])
        return meant

    def _contract(self, period: int) -> str:
        """Returns the contract of a period's group at the end of the cycle, empty if none."""
        terms, group = self.data.group_terms, int(self.data.vpmn[period])
        row = terms.at(group, self.cycle.end_us - 1) if group else None
        return "" if row is None else str(terms.contracts[int(terms.contract[row])].as_py())

    def _made(
        self,
        spender: Int64,
        amount: Int64,
        kind: str,
        one: BillDiscount | Commitment,
        tax: Names,
    ) -> Charges:
        """Returns lines of some spenders."""
        texts = self.charges.texts
        rows = self.example[spender]
        return make_charges(
            len(rows),
            {
                **{
                    key: texts[key].take(rows)
                    for key in ("account_id", "charge_group", "subscriber_id")
                },
                "kind": kind,
                "item": one.name,
                "tax": tax,
                "gl_code": one.gl,
            },
            {
                "service_from": self.cycle.first_number,
                "service_to": self.cycle.next_number,
                "gross": amount,
                "net": amount,
            },
        )
