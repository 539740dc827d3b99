"""Fees of a cycle: who pays which fee of his plan or option, for which days, and how much.

A subscriber's validity periods are first joined where nothing that a fee depends on changes
(:mod:`rating.billing.tenure`), so that a new SIM card in the middle of the month does not make two
fees of one. Then

- a fee prorated ``daily`` costs amount * days / days of the cycle, rounded half up to 10^-6, for
  the days that the plan was had; where its amount changes inside the cycle, each amount for its
  own days;
- a fee that is not prorated costs its full amount, once per subscriber and plan (or purchase of an
  option) and cycle, at the amount of its first day;
- a fee that is charged once is charged in the cycle, and for the day, in which plan or option begin;
- days of a trial cost nothing, and are not paid days of a cycle; the first cycle that has paid days
  and the cycle in which somebody leaves may have prices of their own.

Whether a fee is charged in advance or in arrears, it is billed in the cycle it is for; the line
names the days that it pays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rating.billing.proration import prorate
from rating.cycles import day_number
from tariffs.model import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rating.billing.cycle import Cycle
    from rating.billing.tenure import Tenure
    from tariffs.model import Fee, Option, Plan

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]


_Part = tuple["Int64", "Int64", "Int64", "Int64"]
"""(rows of the tenure, first day, day after the last, amounts)."""

_LONG_AGO = -(2**55)
"""An instant that a calendar can still tell; before it nobody counts days."""


@dataclass(frozen=True, slots=True)
class FeeCharges:
    """Fees to bill; one row is one line.

    Attributes:
        tenure: int64[n] row of the joined tenure that pays.
        fee: int32[n] index in ``fees``.
        first: int64[n] first day of the cycle that is paid, 0 is the cycle's first.
        after: int64[n] first day that is no longer paid.
        amount: int64[n] in 10^-6.
        fees: The fees that occur, with the plan or option that asks for them.
    """

    tenure: Int64
    fee: Int32
    first: Int64
    after: Int64
    amount: Int64
    fees: tuple[tuple[Plan | Option, Fee], ...]


def charge_fees(givers: Sequence[Plan | Option], tenure: Tenure, cycle: Cycle) -> FeeCharges:
    """Charges the fees of a cycle.

    Args:
        givers: Plans, then options of the book, by index.
        tenure: Who holds them (:mod:`rating.billing.tenure`), any time.
        cycle: The cycle to bill.

    Returns:
        The fees, ordered by plan and fee as written, then by subscriber and time. Fees of zero
        and spans that own no day of the cycle are left out.
    """
    first, after = cycle.day_span(tenure.from_us, tenure.to_us)
    fees: list[tuple[Plan | Option, Fee]] = []
    parts: list[_Part] = []
    owners: list[int] = []
    for number, giver in enumerate(givers):
        here = np.flatnonzero((tenure.plan == number) & (after > first))
        for fee in giver.fees if len(here) else ():
            pays = np.isin(tenure.role[here], [ROLES.index(role) for role in fee.roles])
            rows = here[pays]
            found = _charged(fee, tenure, rows, first[rows], after[rows], cycle)
            parts.extend(found)
            owners.extend([len(fees)] * len(found))
            fees.append((giver, fee))
    sizes = [len(part[0]) for part in parts]
    columns = [
        np.concatenate([part[n] for part in parts]) if parts else np.zeros(0, np.int64)
        for n in range(4)
    ]
    fee_of = np.repeat(np.asarray(owners, np.int32), sizes)
    return FeeCharges(columns[0], fee_of, columns[1], columns[2], columns[3], tuple(fees))


def _charged(
    fee: Fee, tenure: Tenure, rows: Int64, first: Int64, after: Int64, cycle: Cycle
) -> list[_Part]:
    """Returns (rows, first, after, amounts) of a fee."""
    if fee.charged == "once":
        begins = tenure.since_us[rows] == tenure.from_us[rows]
        begins &= tenure.since_us[rows] >= cycle.start_us
        first = first[begins]
        return _whole(fee, tenure, rows[begins], first, first + 1, cycle)
    if not (fee.trial_days or fee.first_cycle or fee.leaving != "as_usual"):
        return _usual(fee, fee.proration, tenure, rows, first, after, cycle)
    paid_from = _first_days(tenure.since_us[rows], cycle) + fee.trial_days
    first = np.maximum(first, paid_from)
    leaves = tenure.until_us[rows] < cycle.end_us
    paid = after > first
    if fee.leaving == "free":
        paid &= ~leaves
    begins = paid & (paid_from >= 0) if fee.first_cycle is not None else np.zeros_like(paid)
    leaves &= np.full(len(rows), fee.leaving in {"whole", "daily"})
    parts: list[_Part] = []
    for some, proration in (
        (paid & ~begins & ~leaves, fee.proration),
        (paid & ~begins & leaves, "daily" if fee.leaving == "daily" else "none"),
    ):
        parts += _usual(fee, proration, tenure, rows[some], first[some], after[some], cycle)
    if fee.first_cycle is not None:
        price = replace(fee, amount=fee.first_cycle)
        parts += _whole(price, tenure, rows[begins], first[begins], after[begins], cycle)
    return parts


def _first_days(since_us: Int64, cycle: Cycle) -> Int64:
    """Returns the days of instants, counted from the cycle's first, negative before it."""
    moments, which = np.unique(since_us, return_inverse=True)
    zone = cycle.time_zone
    days = [day_number(max(int(moment), _LONG_AGO), zone) for moment in moments]
    out: Int64 = np.array(days, np.int64)[which] - cycle.first_number
    return out


def _usual(
    fee: Fee,
    proration: str,
    tenure: Tenure,
    rows: Int64,
    first: Int64,
    after: Int64,
    cycle: Cycle,
) -> list[_Part]:
    """Returns what a cycle costs, by its days or whole."""
    if proration == "daily":
        return _daily(fee, rows, first, after, cycle)
    return _whole(fee, tenure, rows, first, after, cycle)


def _daily(fee: Fee, rows: Int64, first: Int64, after: Int64, cycle: Cycle) -> list[_Part]:
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
) -> list[_Part]:
    """Returns (rows, first, after, amounts) of a fee that is not prorated."""
    if not len(rows):
        return []
    # Rows are ordered by holder and time: only the first one of a holder pays.
    holder = tenure.holder[rows]
    once = np.concatenate(([True], holder[1:] != holder[:-1]))
    rows, first, after = rows[once], first[once], after[once]
    since = np.maximum(tenure.from_us[rows], cycle.start_us)
    moments, which = np.unique(since, return_inverse=True)
    amounts = np.asarray([fee.amount_at(int(moment)) for moment in moments], np.int64)[which]
    paid = amounts != 0
    return [(rows[paid], first[paid], after[paid], amounts[paid])]
