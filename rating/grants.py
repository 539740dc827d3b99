"""What a cycle begins with: the grants of allowances, and the counters of caps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from rating.cycles import cycle_bounds, day_number, days_of
from rating.subscribers import ROLES
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int32, Int64

_SUB = ROLES.index("sub")


@dataclass(frozen=True, slots=True)
class Instances:
    """Grants of one cycle; arrays of one entry per instance, own ones first, then shared ones."""

    allowance: Int32
    subscriber: Int32
    group: Int32
    plan: Int32
    valid_from: Int64
    valid_to: Int64
    given: Int64
    own_first: Int32
    """[subscribers + 1] own instances of a subscriber, in priority order."""
    shared_first: Int32
    """[groups + 1] shared instances of a group, in priority order."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Caps of one cycle: for each period its caps, for each cap its counter."""

    first: Int32
    """[periods + 1]"""
    cap: Int32
    """Definition."""
    slot: Int32
    """Counter: one per name and owner, kept over a plan change."""
    slot_cap: Int32
    """[slots] a definition with the counter's name."""
    slot_owner: Int32
    """[slots] subscriber or group, as the cap's scope says."""


def _in_cycle(data: Subscribers, begin: int, end: int) -> Int64:
    """Returns the periods that overlap the cycle."""
    return np.flatnonzero((data.valid_from < end) & (data.valid_to > begin))


def _expand(rows: Int64, first: Int32, plans: Int32) -> tuple[Int64, Int64]:
    """Returns (row, position in the plan's list) for each entry of the lists of ``rows``."""
    counts = (first[plans + 1] - first[plans]).astype(np.int64)
    ends = np.cumsum(counts)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
    return np.repeat(rows, counts), np.repeat(first[plans].astype(np.int64), counts) + within


def _firsts(owner: Int32, owners: int, offset: int) -> Int32:
    """Returns offset + where each owner's entries begin in the sorted ``owner`` (and the end)."""
    counts = np.bincount(owner, minlength=owners)
    return (offset + np.concatenate([[0], np.cumsum(counts)])).astype(np.int32)


def grant(cycle: str, book: CompiledBook, data: Subscribers) -> Instances:
    """Returns the instances of a cycle: each plan validity times the plan's allowances."""
    begin_us, end_us = cycle_bounds(cycle, book.time_zone)
    rows = _in_cycle(data, begin_us, end_us)
    begin = np.maximum(data.valid_from[rows], begin_us)
    end = np.minimum(data.valid_to[rows], end_us)
    # a row that goes on where the last one ended, with the same plan, is the same grant
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = end[:-1] != begin[1:]
    for column in (data.subscriber, data.plan, data.group, data.role):
        fresh[1:] |= column[rows[1:]] != column[rows[:-1]]
    heads = np.flatnonzero(fresh)
    tails = np.append(heads[1:], len(rows))[: len(heads)] - 1
    grant_row, begin, end = rows[heads], begin[heads], end[tails]
    at, position = _expand(np.arange(len(heads)), book.plan_alw_first, data.plan[grant_row])
    allowance = book.plan_alw[position]
    keep = (book.alw_from_us[allowance] <= begin_us) & (begin_us < book.alw_to_us[allowance])
    shared = book.alw_shared[allowance] != 0
    keep &= ~(shared & (data.role[grant_row[at]] == _SUB))
    at, position, allowance, shared = at[keep], position[keep], allowance[keep], shared[keep]
    row = grant_row[at]
    given = _given(cycle, book, allowance, begin[at], end[at])
    owner = np.where(shared, data.group[row], data.subscriber[row])
    # rows stand by (subscriber, begin) already; one stable key does the rest
    rank = np.empty(len(book.plan_alw), np.int64)
    rank[np.argsort(book.alw_priority[book.plan_alw], kind="stable")] = np.arange(len(rank))
    key = (shared.astype(np.int64) << 62) | (owner.astype(np.int64) << 31) | rank[position]
    order = np.argsort(key, kind="stable")
    n_own = int(np.count_nonzero(~shared))
    owner = owner[order]
    return Instances(
        allowance=allowance[order].astype(np.int32),
        subscriber=data.subscriber[row[order]],
        group=data.group[row[order]],
        plan=data.plan[row[order]],
        valid_from=begin[at[order]],
        valid_to=end[at[order]],
        given=given[order],
        own_first=_firsts(owner[:n_own], len(data.names), 0),
        shared_first=_firsts(owner[n_own:], len(data.groups), n_own),
    )


def _given(cycle: str, book: CompiledBook, allowance: Int32, begin: Int64, end: Int64) -> Int64:
    """Returns the units granted: the quantity, or its share of the cycle's days, rounded down."""
    quantity = book.alw_quantity[allowance].copy()
    total = days_of(cycle)
    moments, place = np.unique(np.concatenate([begin, end]), return_inverse=True)
    day = np.array([day_number(int(moment), book.time_zone) for moment in moments], np.int64)[place]
    days = day[len(begin) :] - day[: len(begin)]
    part = (book.alw_prorate[allowance] != 0) & (quantity != FOREVER) & (days != total)
    whole = quantity // total
    share = whole * days + (quantity - whole * total) * days // total
    given: Int64 = np.where(part, share, quantity)
    return given


def count_caps(cycle: str, book: CompiledBook, data: Subscribers) -> Counters:
    """Returns the caps of each period and their counters."""
    begin_us, end_us = cycle_bounds(cycle, book.time_zone)
    rows = _in_cycle(data, begin_us, end_us)
    row, position = _expand(rows, book.plan_cap_first, data.plan[rows])
    cap = book.plan_cap[position]
    keep = (book.cap_from_us[cap] <= begin_us) & (begin_us < book.cap_to_us[cap])
    row, cap = row[keep], cap[keep].astype(np.int64)
    scope = book.cap_scope[cap].astype(np.int64)
    owner = np.where(scope != 0, data.group[row], data.subscriber[row]).astype(np.int64)
    _, name = distinct(book.caps)
    key = (name[cap].astype(np.int64) << 33) | (scope << 32) | owner
    _, picked, slot = np.unique(key, return_index=True, return_inverse=True)
    counts = np.bincount(row, minlength=data.n_periods)
    return Counters(
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        cap=cap.astype(np.int32),
        slot=slot.astype(np.int32),
        slot_cap=cap[picked].astype(np.int32),
        slot_owner=owner[picked].astype(np.int32),
    )


def distinct(names: tuple[str, ...]) -> tuple[pa.Array, Int32]:
    """Returns the distinct names in order of appearance, and for each name its index in them."""
    table: dict[str, int] = {}
    code = np.array([table.setdefault(name, len(table)) for name in names], np.int32)
    return pa.array(list(table), pa.string()), code
