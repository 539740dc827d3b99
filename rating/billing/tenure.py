"""Who holds what gives fees, and who pays: plans and options of subscribers over time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.subscribers import Subscribers

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tenure:
    """Spans in which a subscriber holds a plan or an option and one account pays.

    Attributes:
        subscriber: int32[n] index.
        account: int32[n] index of the account that pays.
        group: int32[n] index of the charge group.
        plan: int32[n] index of the plan, P + index of the option.
        role: int32[n] index in ``tariffs.model.ROLES``.
        from_us: int64[n] first instant, UTC µs.
        to_us: int64[n] first instant after, UTC µs.
        holder: int32[n] what pays once: the subscriber of a plan, or a purchase. Spans stand by
            holder and time.
        since_us: int64[n] since when plan or option are held without a gap.
        until_us: int64[n] until when.
    """

    subscriber: Int32
    account: Int32
    group: Int32
    plan: Int32
    role: Int32
    from_us: Int64
    to_us: Int64
    holder: Int32
    since_us: Int64
    until_us: Int64

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Tenure:
        """Returns some of the spans."""
        return Tenure(*(getattr(self, one.name)[rows] for one in fields(self)))


def held(
    subscriber: Int32,
    account: Int32,
    group: Int32,
    plan: Int32,
    role: Int32,
    from_us: Int64,
    to_us: Int64,
) -> Tenure:
    """Returns validity periods as spans, joined where nothing changes that a fee depends on."""
    order = np.lexsort((from_us, subscriber))
    columns = [one[order] for one in (subscriber, account, group, plan, role)]
    from_us, to_us = from_us[order], to_us[order]
    goes_on = to_us[:-1] == from_us[1:]
    joins = goes_on.copy()
    for column in columns:
        joins &= column[1:] == column[:-1]
    keeps = goes_on & (columns[0][1:] == columns[0][:-1]) & (columns[3][1:] == columns[3][:-1])
    first, last = _chains(joins, len(order))
    since, until = _chains(keeps, len(order))
    heads = np.flatnonzero(first == np.arange(len(order)))
    who, payer, together, what, card = (column[heads] for column in columns)
    return Tenure(
        who,
        payer,
        together,
        what,
        card,
        from_us[heads],
        to_us[last[heads]],
        who,
        from_us[since[heads]],
        to_us[until[heads]],
    )


def _chains(joins: NDArray[np.bool_], n: int) -> tuple[Int64, Int64]:
    """Returns the first and the last row of each row's chain."""
    fresh = np.concatenate(([True], ~joins))[:n]
    heads = np.flatnonzero(fresh)
    tails = np.append(heads[1:], n)[: len(heads)] - 1
    chain = np.cumsum(fresh) - 1
    return heads[chain], tails[chain]


def tenure_of(data: Subscribers, plans: int) -> Tenure:
    """Returns the spans of all plans, then those of all options.

    Args:
        data: The subscriber data.
        plans: Number of plans in the book.
    """
    role = data.role.astype(np.int32)
    whose = (data.subscriber, data.account, data.group)
    own = held(*whose, data.plan, role, data.valid_from, data.valid_to)
    # who pays for options: whatever the plan
    nothing = np.zeros_like(data.plan)
    payer = held(*whose, nothing, role, data.valid_from, data.valid_to)
    bought = data.purchases
    first = np.searchsorted(payer.subscriber, bought.subscriber)
    count = np.searchsorted(payer.subscriber, bought.subscriber, side="right") - first
    purchase = np.repeat(np.arange(len(count)), count)
    row = np.repeat(first, count) + np.arange(len(purchase))
    row -= np.repeat(np.cumsum(count) - count, count)
    begin = np.maximum(bought.valid_from[purchase], payer.from_us[row])
    end = np.minimum(bought.valid_to[purchase], payer.to_us[row])
    some = begin < end
    purchase, row = purchase[some], row[some]
    options = Tenure(
        payer.subscriber[row],
        payer.account[row],
        payer.group[row],
        (plans + bought.option[purchase]).astype(np.int32),
        payer.role[row],
        begin[some],
        end[some],
        purchase.astype(np.int32),
        bought.valid_from[purchase],
        bought.valid_to[purchase],
    )
    return Tenure(
        *(
            np.concatenate([getattr(own, one.name), getattr(options, one.name)])
            for one in fields(Tenure)
        )
    )
