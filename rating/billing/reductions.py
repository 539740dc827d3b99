"""What is taken off the lines of a cycle, and the top-up to what must be spent at least.

Tier, plan and contract are those at the end of the cycle (of a subscriber's last period in it), the
tier of a VPMN group its first in the cycle. Every discount is a share of the sums as charged, of a subscriber
(whoever pays them) or of all who are meant of an account; together discounts take no more than there is. The
commitment compares what is left with its amount; what is missing goes to the subscriber's own account. Who spent
nothing at all owes all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rating.billing.charges import Names, join, make_charges
from rating.billing.columns import combine
from rating.billing.schema import DISCOUNT, FEE
from rating.billing.sharing import SPENDER, Cells, sums
from rating.tiers import tier_masks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.billing.charges import Charges
    from rating.billing.cycle import Cycle
    from rating.subscribers import Subscribers
    from tariffs.model import BillDiscount, Book, Commitment

    Int64 = NDArray[np.int64]


def reductions(
    charges: Charges, book: Book, data: Subscribers, cycle: Cycle, mine: NDArray[np.bool_]
) -> tuple[Charges, Charges]:
    """Returns the lines of bill discounts, and of minimum commitments (without a tax rate yet).

    Args:
        charges: Usage and fee lines of the cycle.
        book: The book as written.
        data: The subscriber data.
        cycle: The cycle.
        mine: bool[charge groups] whose lines these are.
    """
    nothing = make_charges(0, {}, {})
    if not (book.bill_discounts or book.commitments):
        return nothing, nothing
    last = _last_periods(data, cycle)
    if book.commitments and len(silent := _silent(charges, data, last, mine)):
        charges = join([charges, silent])
    if not len(charges):
        return nothing, nothing
    made = _Spenders(charges, book, data, cycle, last)
    discounts = [made.discount(one) for one in book.bill_discounts]
    return join([nothing, *discounts]), join([nothing, *map(made.top_up, book.commitments)])


def _silent(charges: Charges, data: Subscribers, last: Int64, mine: NDArray[np.bool_]) -> Charges:
    """Returns a line of nothing for each subscriber of the cycle who has no line."""
    spent = np.zeros(len(last) + 1, np.bool_)
    spent[_subscribers(charges, data)] = True  # a line of nobody's marks the entry behind the last
    rows = last[(last >= 0) & ~spent[:-1]]
    rows = rows[mine[data.group[rows]]]
    return make_charges(len(rows), {**_own(data, rows), "kind": FEE}, {})


def _own(data: Subscribers, periods: Int64) -> dict[str, Names]:
    """Returns the subscribers of some periods, with the account and charge group that they have."""
    return {
        "account_id": Names.of(data.account[periods], data.accounts),
        "charge_group": Names.of(data.group[periods], data.groups),
        "subscriber_id": Names.of(data.subscriber[periods], data.names),
    }


def _subscribers(charges: Charges, data: Subscribers) -> Int64:
    """Returns int64[lines] the subscriber of each line, -1 where it has none."""
    names = charges.texts["subscriber_id"]
    at = pc.fill_null(pc.index_in(pa.array(names.texts, pa.string()), value_set=data.names), -1)
    found: Int64 = np.append(at.to_numpy(), -1)[names.codes].astype(np.int64)
    return found


def _last_periods(data: Subscribers, cycle: Cycle) -> Int64:
    """Returns int64[subscribers] each one's last period in the cycle, -1 if he has none."""
    rows = np.flatnonzero((data.valid_from < cycle.end_us) & (data.valid_to > cycle.start_us))
    last = np.full(len(data.names), -1, np.int64)
    last[data.subscriber[rows]] = rows  # ascending in time: the last one stays
    return last


class _Spenders:
    """The subscribers of some lines, and what discounts have left of what they spent."""

    def __init__(
        self, charges: Charges, book: Book, data: Subscribers, cycle: Cycle, last: Int64
    ) -> None:
        self.charges, self.book, self.data, self.cycle = charges, book, data, cycle
        self.cells = Cells(charges)
        who = _subscribers(charges, data)[self.cells.heads]
        self.period: Int64 = np.append(last, -1)[who]
        """Each spender's last period in the cycle, -1 if he has none."""
        self.tiers = tier_masks(data, cycle.start_us, cycle.end_us)
        names = charges.texts["subscriber_id"].codes[self.cells.heads]
        self.subscriber: Int64 = names.astype(np.int64)

    def discount(self, one: BillDiscount) -> Charges:
        """Returns the lines of a discount, and takes it off."""
        cells, start = self.cells, self.cycle.start_us
        rows = cells.of(one.of, self._meant(one))
        spender = cells.spender[rows]
        together = cells.account if one.per_account else self.subscriber
        off = cells.take_off(
            rows, together[spender], one.percent.at(start) or 0, one.least.at(start) or 0
        )
        payer = cells.account[spender] if one.per_account else spender
        rows, payer, off = rows[off > 0], payer[off > 0], off[off > 0]
        example = cells.example[rows]
        # What has one line: a payer's tax class and rate; without a G/L code of its own, also
        # the service and G/L code that the discount is taken off.
        apart = ("tax",) if one.gl else ("tax", "service", "gl_code")
        digits = [(payer, int(payer.max(initial=0)) + 1)]
        for name in apart:
            names = self.charges.texts[name]
            digits.append((names.codes[example].astype(np.int64) + 1, len(names.texts) + 1))
        rates, rate = np.unique(self.charges.numbers["tax_rate"][example], return_inverse=True)
        _, first, line = np.unique(
            combine([*digits, (rate, len(rates))]), return_index=True, return_inverse=True
        )
        amount = -sums(off, line, len(first))
        heads = self.charges.take(example[first])
        lines = self._made(example[first], amount, DISCOUNT, one)
        lines = lines.named(**{name: heads.texts[name] for name in apart})
        return lines.replace(tax_rate=heads.numbers["tax_rate"])

    def top_up(self, one: Commitment) -> Charges:
        """Returns the lines of what is missing to a commitment."""
        cells = self.cells
        spender = np.flatnonzero(self._meant(one))
        left = sums(cells.left, cells.spender, len(cells.heads))[spender]
        payer = cells.account[spender] if one.per_account else self.subscriber[spender]
        _, first, who = np.unique(payer, return_index=True, return_inverse=True)
        missing = (one.amount.at(self.cycle.start_us) or 0) - sums(left, who, len(first))
        short = spender[first[missing > 0]]
        lines = self._made(cells.heads[short], missing[missing > 0], FEE, one)
        if not one.per_account:
            lines = lines.named(**_own(self.data, self.period[short]))
        return lines.named(tax=Names.same(one.tax, len(lines)))

    def _meant(self, one: BillDiscount | Commitment) -> NDArray[np.bool_]:
        """Returns for which spenders a discount or commitment is meant."""
        data, book, period = self.data, self.book, self.period
        meant = period >= 0
        if one.tiers is not None:
            wanted = sum(1 << book.tiers.index(name) for name in one.tiers)
            meant &= self.tiers[period] & wanted != 0
        if one.plans is not None:
            plans = [number for number, plan in enumerate(book.plans) if plan.id in one.plans]
            meant &= np.isin(data.plan[period], plans)
        if one.contracts is not None:
            meant &= np.array([self._contract(int(at)) in one.contracts for at in period])
        if one.accounts is not None:
            texts = self.charges.texts["account_id"].texts
            named = [code for code, text in enumerate(texts) if text in one.accounts]
            meant &= np.isin(self.cells.account, named)
        return meant

    def _contract(self, period: int) -> str:
        """Returns the contract of a period's group at the end of the cycle, empty if none."""
        terms, group = self.data.group_terms, int(self.data.vpmn[period])
        row = terms.at(group, self.cycle.end_us - 1) if group else None
        return "" if row is None else str(terms.contracts[int(terms.contract[row])].as_py())

    def _made(
        self, rows: Int64, amount: Int64, kind: str, one: BillDiscount | Commitment
    ) -> Charges:
        """Returns lines of the subscribers, or accounts, of some lines."""
        texts = self.charges.texts
        whose = SPENDER[:1] if one.per_account else SPENDER
        return make_charges(
            len(rows),
            {
                **{key: texts[key].take(rows) for key in whose},
                "kind": kind,
                "item": one.name,
                "gl_code": one.gl or None,
            },
            {
                "service_from": self.cycle.first_number,
                "service_to": self.cycle.next_number,
                "gross": amount,
                "net": amount,
            },
        )
