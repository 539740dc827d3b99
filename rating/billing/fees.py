"""Recurring fees of a cycle: who pays which fee of his plan, for which days, and how much.

A subscriber's validity periods are first joined where nothing that a fee depends on changes, so
that a new SIM card in the middle of the month does not make two fees of one. Then

- a fee prorated ``daily`` costs amount * days / days of the cycle, rounded half up to 10^-6, for
  the days that the plan was had; where its amount changes inside the cycle, each amount for its
  own days;
- a fee that is not prorated costs its full amount, once per subscriber and plan and cycle, at the
  amount of its first day.

Whether a fee is charged in advance or in arrears, it is billed in the cycle it is for; the line
names the days that it pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rating.billing.proration import prorate
from tariffs.model import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rating.billing.cycle import Cycle
    from tariffs.model import Fee, Plan

    Int8 = NDArray[np.int8]
    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tenure:
    """Validity periods of subscribers: who has which plan, from when to when.

    Attributes:
        subscriber: int32[n] index.
        account: int32[n] index of the account that pays.
        group: int32[n] index of the charge group.
        plan: int32[n] index of the plan.
        role: int32[n] index in ``tariffs.model.ROLES``.
        from_us: int64[n] first instant, UTC µs.
        to_us: int64[n] first instant after, UTC µs.
    """

    subscriber: Int32
    account: Int32
    group: Int32
    plan: Int32
    role: Int32
    from_us: Int64
    to_us: Int64

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Tenure:
        """Returns some of the periods."""
        return Tenure(
            self.subscriber[rows],
            self.account[rows],
            self.group[rows],
            self.plan[rows],
            self.role[rows],
            self.from_us[rows],
            self.to_us[rows],
        )

    def joined(self) -> Tenure:
        """Returns the periods ordered by subscriber and time, joined where nothing changes."""
        order = np.lexsort((self.from_us, self.subscriber))
        ordered = self.take(order)
        if not len(order):
            return ordered
        same = ordered.to_us[:-1] == ordered.from_us[1:]
        for column in (
            ordered.subscriber,
            ordered.account,
            ordered.group,
            ordered.plan,
            ordered.role,
        ):
            same &= column[1:] == column[:-1]
        begins = np.concatenate(([True], ~same))
        ends = np.concatenate((~same, [True]))
        first = ordered.take(begins)
        return Tenure(
            first.subscriber,
            first.account,
            first.group,
            first.plan,
            first.role,
            first.from_us,
            ordered.to_us[ends],
        )


@dataclass(frozen=True, slots=True)
class FeeCharges:
    """Fees to bill; one row is one line.

    Attributes:
        tenure: int64[n] row of the joined tenure that pays.
        fee: int32[n] index in ``fees``.
        first: int64[n] first day of the cycle that is paid, 0 is the cycle's first.
        after: int64[n] first day that is no longer paid.
        amount: int64[n] in 10^-6.
        fees: The fees that occur, with the plan that asks for them.
    """

    tenure: Int64
    fee: Int32
    first: Int64
    after: Int64
    amount: Int64
    fees: tuple[tuple[Plan, Fee], ...]


def charge_fees(plans: Sequence[Plan], tenure: Tenure, cycle: Cycle) -> FeeCharges:
    """Charges the recurring fees of a cycle.

    Args:
        plans: Plans of the book, by index.
        tenure: Joined validity periods (:meth:`Tenure.joined`), any time.
        cycle: The cycle to bill.

    Returns:
        The fees, ordered by plan and fee as written, then by subscriber and time. Fees of zero
        and periods that own no day of the cycle are left out.
    """
    first, after = cycle.day_span(tenure.from_us, tenure.to_us)
    fees: list[tuple[Plan, Fee]] = []
    parts: list[tuple[Int64, Int64, Int64, Int64]] = []
    owners: list[int] = []
    for number, plan in enumerate(plans):
        here = np.flatnonzero((tenure.plan == number) & (after > first))
        for fee in plan.fees if len(here) else ():
            pays = np.isin(tenure.role[here], [ROLES.index(role) for role in fee.roles])
            rows = here[pays]
            if fee.proration == "daily":
                found = _daily(fee, rows, first[rows], after[rows], cycle)
            else:
                found = _whole(fee, tenure, rows, first[rows], after[rows], cycle)
            parts.extend(found)
            owners.extend([len(fees)] * len(found))
            fees.append((plan, fee))
    sizes = [len(part[0]) for part in parts]
    columns = [
        np.concatenate([part[n] for part in parts]) if parts else np.zeros(0, np.int64)
        for n in range(4)
    ]
    fee_of = np.repeat(np.asarray(owners, np.int32), sizes)
    return FeeCharges(columns[0], fee_of, columns[1], columns[2], columns[3], tuple(fees))


def _daily(
    fee: Fee, rows: Int64, first: Int64, after: Int64, cycle: Cycle
) -> list[tuple[Int64, Int64, Int64, Int64]]:
    """Returns (rows, first, after, amounts) of a prorated fee, one part per dated amount."""
    parts = []
    for start_us, end_us, amount in fee.amount.spans():
        span = cycle.day_span(np.asarray([start_us]), np.asarray([end_us]))
        low = np.maximum(first, span[0][0])
        high = np.minimum(after, span[1][0])
        paid = high > low
        if amount and paid.any():
            low, high = low[paid], high[paid]
            parts.append((rows[paid], low, high, prorate(amount, high - low, cycle.days)))
    return parts


def _whole(
    fee: Fee, tenure: Tenure, rows: Int64, first: Int64, after: Int64, cycle: Cycle
) -> list[tuple[Int64, Int64, Int64, Int64]]:
    """Returns (rows, first, after, amounts) of a fee that is not prorated."""
    if not len(rows):
        return []
    # Rows are ordered by subscriber and time: only the first one of a subscriber pays.
    subscriber = tenure.subscriber[rows]
    once = np.concatenate(([True], subscriber[1:] != subscriber[:-1]))
    rows, first, after = rows[once], first[once], after[once]
    since = np.maximum(tenure.from_us[rows], cycle.start_us)
    moments, which = np.unique(since, return_inverse=True)
    amounts = np.asarray([fee.amount_at(int(moment)) for moment in moments], np.int64)[which]
    paid = amounts != 0
    return [(rows[paid], first[paid], after[paid], amounts[paid])]
