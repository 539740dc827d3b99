"""Who gives allowances to whom in a cycle: plans while they are valid, options from their purchase."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int32, Int64


@dataclass(frozen=True, slots=True)
class Tenures:
    """Spans of a cycle in which a giver gives to a subscriber; n entries."""

    period: Int64
    """[n] validity period of the subscriber at the span's begin."""
    giver: Int32
    """[n] plan, or P + option."""
    activation: Int64
    """[n] UTC µs: since when, before the cycle or in it. No two of one giver and subscriber equal."""
    begin: Int64
    """[n] UTC µs: first instant in the cycle."""
    end: Int64
    """[n] UTC µs: first instant after, at most the cycle's end."""
    granted: Int64
    """[n] UTC µs: begin, moved by 1 µs where a subscriber has the same option more than once."""

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Tenures:
        """Returns some of the entries."""
        return Tenures(*(getattr(self, one.name)[rows] for one in fields(self)))


def tenures(book: CompiledBook, data: Subscribers, begin_us: int, end_us: int) -> Tenures:
    """Returns the spans of a cycle: of plans by subscriber and time, then of options likewise."""
    plans = _joined(data, data.plan, begin_us, end_us)
    bought = _bought(book, data, begin_us, end_us)
    return Tenures(
        *(
            np.concatenate([getattr(plans, one.name), getattr(bought, one.name)])
            for one in fields(Tenures)
        )
    )


def _joined(data: Subscribers, giver: Int32, begin_us: int, end_us: int) -> Tenures:
    """Returns the periods in a cycle, joined where giver, charge group and role go on."""
    # a row that goes on where the last one ended, with the same plan, is the same grant
    fresh = np.ones(data.n_periods, np.bool_)
    fresh[1:] = data.valid_to[:-1] != data.valid_from[1:]
    for column in (data.subscriber, giver, data.group, data.role):
        fresh[1:] |= column[1:] != column[:-1]
    heads = np.flatnonzero(fresh)
    tails = np.append(heads[1:], data.n_periods)[: len(heads)] - 1
    inside = (data.valid_from[heads] < end_us) & (data.valid_to[tails] > begin_us)
    heads, tails = heads[inside], tails[inside]
    begin = np.maximum(data.valid_from[heads], begin_us)
    # the period that is valid at the begin: who pays may change without a new grant
    period = _period_at(data, heads, begin)
    end = np.minimum(data.valid_to[tails], end_us)
    return Tenures(period, giver[period], data.valid_from[heads], begin, end, begin)


def _bought(book: CompiledBook, data: Subscribers, begin_us: int, end_us: int) -> Tenures:
    """Returns the spans of purchases; one ends where its subscriber changes the charge group."""
    bought = data.purchases
    rows = np.flatnonzero((bought.valid_from < end_us) & (bought.valid_to > begin_us))
    rows = rows if book.options else rows[:0]
    # where a subscriber stays in one role and group, whatever his plan
    stays = _joined(data, np.zeros_like(data.plan), begin_us, end_us)
    whose = data.subscriber[stays.period]
    first = np.searchsorted(whose, bought.subscriber[rows])
    count = np.searchsorted(whose, bought.subscriber[rows], side="right") - first
    pair = np.repeat(np.arange(len(rows)), count)
    stay = (
        np.repeat(first, count) + np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    )
    begin = np.maximum(bought.valid_from[rows[pair]], stays.begin[stay])
    end = np.minimum(bought.valid_to[rows[pair]], stays.end[stay])
    some = np.flatnonzero(begin < end)
    # only the first of a purchase's spans
    _, at = np.unique(pair[some], return_index=True)
    some = some[at]
    row, begin, end = rows[pair[some]], begin[some], end[some]
    owner = bought.subscriber.astype(np.int64) << 32 | bought.option
    # among all purchases, also those that are over: one has the same name in each of its cycles
    activation = (bought.valid_from + _repeats(owner, bought.valid_from))[row]
    owner = owner[row]
    return Tenures(
        _period_at(data, stays.period[stay[some]], begin),
        (len(book.plans) + bought.option[row]).astype(np.int32),
        activation,
        begin,
        end,
        begin + _repeats(owner, begin),
    )


def _period_at(data: Subscribers, period: Int64, moment: Int64) -> Int64:
    """Returns the period that holds at a moment, from an earlier one of the same subscriber on."""
    period = period.copy()
    while len(late := np.flatnonzero(data.valid_to[period] <= moment)):
        period[late] += 1
    return period


def _repeats(owner: Int64, moment: Int64) -> Int64:
    """Returns how many entries before each one are equal to it; equal ones stand together."""
    fresh = np.ones(len(owner), np.bool_)
    fresh[1:] = (owner[1:] != owner[:-1]) | (moment[1:] != moment[:-1])
    heads = np.flatnonzero(fresh)
    return np.arange(len(owner)) - heads[np.cumsum(fresh) - 1] if len(heads) else moment
