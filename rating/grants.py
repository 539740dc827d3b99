"""What a cycle begins with: the grants of allowances, and the counters of caps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rating.cycles import cycle_bounds, day_number, days_of
from rating.names import distinct
from rating.opening import oldest_grants
from rating.subscribers import ROLES
from rating.tenures import tenures
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from rating.opening import Opening
    from rating.subscribers import Subscribers
    from rating.tenures import Tenures
    from tariffs.compiled import CompiledBook, Int8, Int32, Int64

_SUB = ROLES.index("sub")
DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Instances:
    """Grants of one cycle; arrays of one entry per instance, own ones first, then shared ones."""

    allowance: Int32
    subscriber: Int32
    group: Int32
    period: Int32
    """Validity period of the subscriber when it was given."""
    giver: Int32
    """Plan, or P + option."""
    valid_from: Int64
    valid_to: Int64
    granted: Int64
    """UTC µs: valid_from, or before it where an earlier cycle gave it; tells grants apart."""
    given: Int64
    own_first: Int32
    """[subscribers + 1] own instances of a subscriber, in priority order."""
    shared_first: Int32
    """[groups + 1] shared instances of a group, in priority order."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Caps and counts of one cycle: for each period its caps, then its counts, with their counters."""

    first: Int32
    """[periods + 1]"""
    cap: Int32
    """Definition: a cap of the book, or C + a count."""
    slot: Int32
    """First counter: one per name, owner and charge group (and day), kept over a plan change."""
    slot_cap: Int32
    """[slots] a definition with the counter's name."""
    slot_owner: Int32
    """[slots] subscriber or group, as the scope says."""
    slot_group: Int32
    """[slots] charge group: a subscriber's counters begin anew in another one."""
    slot_shared: Int8
    """[slots] index in CAP_SCOPES."""
    slot_day: Int32
    """[slots] day of the cycle, 0 first, -1 if it counts the whole cycle."""


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


@dataclass(frozen=True, slots=True)
class _Entries:
    """Grants in the making, by tenure and as written."""

    at: Int64
    """Tenure."""
    position: Int64
    """In the book's lists of allowances."""
    begin: Int64
    end: Int64
    granted: Int64
    given: Int64
    order: Int64
    """0 rolled over and taken first, 1 new, 2 rolled over and taken last."""


def grant(
    cycle: str, book: CompiledBook, data: Subscribers, opening: Opening | None = None
) -> Instances:
    """Returns the instances of a cycle: what plans and options give, and what rolled over."""
    begin_us, end_us = cycle_bounds(cycle, book.time_zone)
    spans = tenures(book, data, begin_us, end_us)
    entries = _new(cycle, book, data, spans, begin_us)
    if opening is not None:
        entries = _carried(cycle, book, data, spans, entries, opening)
    row = spans.period[entries.at]
    allowance = book.plan_alw[entries.position]
    shared = book.alw_shared[allowance] != 0
    owner = np.where(shared, data.group[row], data.subscriber[row])
    # entries stand by (subscriber, begin) already; one stable key does the rest
    rank = np.empty(len(book.plan_alw), np.int64)
    rank[np.argsort(book.alw_priority[book.plan_alw], kind="stable")] = np.arange(len(rank))
    key = (shared.astype(np.int64) << 62) | (owner.astype(np.int64) << 31)
    order = np.argsort(key | 3 * rank[entries.position] + entries.order, kind="stable")
    n_own = int(np.count_nonzero(~shared))
    owner, row = owner[order], row[order]
    return Instances(
        allowance=allowance[order].astype(np.int32),
        subscriber=data.subscriber[row],
        group=data.group[row],
        period=row.astype(np.int32),
        giver=spans.giver[entries.at[order]],
        valid_from=entries.begin[order],
        valid_to=entries.end[order],
        granted=entries.granted[order],
        given=entries.given[order],
        own_first=_firsts(owner[:n_own], len(data.names), 0),
        shared_first=_firsts(owner[n_own:], len(data.groups), n_own),
    )


def _new(
    cycle: str, book: CompiledBook, data: Subscribers, spans: Tenures, begin_us: int
) -> _Entries:
    """Returns what plans and options give in a cycle."""
    at, position = _expand(np.arange(len(spans.giver)), book.plan_alw_first, spans.giver)
    allowance = book.plan_alw[position]
    once = book.alw_days[allowance] > 0
    begin, end, granted = spans.begin[at], spans.end[at], spans.granted[at]
    activation = spans.activation[at]
    until = activation + book.alw_days[allowance].astype(np.int64) * DAY
    end = np.where(once, np.minimum(end, until), end)
    granted = np.where(once, activation, granted)
    # whose definition counts: of the cycle, of the option's begin in it, of the activation
    moment = np.where(spans.giver[at] < len(book.plans), begin_us, begin)
    moment = np.where(once, activation, moment)
    keep = (book.alw_from_us[allowance] <= moment) & (moment < book.alw_to_us[allowance])
    keep &= begin < end
    role = data.role[spans.period[at]]
    shared = book.alw_shared[allowance] != 0
    keep &= np.where(shared, role != _SUB, book.alw_roles[allowance] >> role & 1 != 0)
    at, position, begin, end = at[keep], position[keep], begin[keep], end[keep]
    given = _given(cycle, book, allowance[keep], begin, end)
    return _Entries(at, position, begin, end, granted[keep], given, np.ones_like(at))


def _carried(
    cycle: str,
    book: CompiledBook,
    data: Subscribers,
    spans: Tenures,
    entries: _Entries,
    opening: Opening,
) -> _Entries:
    """Returns the entries with what is left of grants of earlier cycles.

    What was given once has what it had left; what rolls over is an entry of its own.
    """
    begin_us, _ = cycle_bounds(cycle, book.time_zone)
    _, name = distinct(book.allowances)
    allowance = book.plan_alw[entries.position]
    subscriber = data.subscriber[spans.period[entries.at]]
    given = entries.given.copy()
    old = np.flatnonzero((book.alw_days[allowance] > 0) & (entries.granted < begin_us))
    row = opening.find(subscriber[old], name[allowance[old]], entries.granted[old])
    given[old[row >= 0]] = opening.left[row[row >= 0]]

    # what rolls over goes to the first grant of its name at the cycle's begin
    heads = np.flatnonzero((book.alw_rollover[allowance] > 0) & (entries.begin == begin_us))
    place = {
        (int(subscriber[at]), int(name[allowance[at]])): int(at) for at in reversed(heads.tolist())
    }
    live = np.flatnonzero((opening.left > 0) & (opening.valid_to == begin_us))
    target = np.array(
        [place.get((int(opening.subscriber[at]), int(opening.name[at])), -1) for at in live],
        np.int64,
    )
    live, target = live[target >= 0], target[target >= 0]
    cycles = book.alw_rollover[allowance[target]].astype(np.int64)
    oldest = oldest_grants(cycle, int(cycles.max(initial=0)), book.time_zone)
    young = opening.granted[live] >= oldest[cycles]
    live, target = live[young], target[young]
    last = book.alw_rolled_last[allowance[target]] != 0
    return _Entries(
        np.concatenate([entries.at, entries.at[target]]),
        np.concatenate([entries.position, entries.position[target]]),
        np.concatenate([entries.begin, entries.begin[target]]),
        np.concatenate([entries.end, entries.end[target]]),
        np.concatenate([entries.granted, opening.granted[live]]),
        np.concatenate([given, opening.left[live]]),
        np.concatenate([entries.order, np.where(last, 2, 0)]),
    )


def _given(cycle: str, book: CompiledBook, allowance: Int32, begin: Int64, end: Int64) -> Int64:
    """Returns the units granted: the quantity, or its share of the cycle's days, rounded down."""
    quantity = book.alw_quantity[allowance].copy()
    total = days_of(cycle)
    moments = np.unique(np.concatenate([begin, end]))
    day = np.array([day_number(int(moment), book.time_zone) for moment in moments], np.int64)
    days = day[np.searchsorted(moments, end)] - day[np.searchsorted(moments, begin)]
    part = (book.alw_prorate[allowance] != 0) & (quantity != FOREVER) & (days != total)
    part &= book.alw_days[allowance] == 0
    whole = quantity // total
    share = whole * days + (quantity - whole * total) * days // total
    given: Int64 = np.where(part, share, quantity)
    return given


def count_caps(cycle: str, book: CompiledBook, data: Subscribers) -> Counters:
    """Returns the caps and counts of each period and their counters."""
    begin_us, end_us = cycle_bounds(cycle, book.time_zone)
    rows = _in_cycle(data, begin_us, end_us)
    row, position = _expand(rows, book.plan_cap_first, data.plan[rows])
    cap = book.plan_cap[position]
    keep = (book.cap_from_us[cap] <= begin_us) & (begin_us < book.cap_to_us[cap])
    row, cap = row[keep], cap[keep].astype(np.int64)
    if book.counts:
        more, position = _expand(rows, book.plan_cnt_first, data.plan[rows])
        row = np.concatenate([row, more])
        cap = np.concatenate([cap, len(book.caps) + book.plan_cnt[position].astype(np.int64)])
        order = np.argsort(row, kind="stable")
        row, cap = row[order], cap[order]
    daily = daily_of(book)
    scope = np.append(book.cap_scope, book.cnt_scope)[cap].astype(np.int64)
    owner = np.where(scope != 0, data.group[row], data.subscriber[row]).astype(np.int64)
    whose = np.where(scope != 0, data.group[row], _members(data)[row]).astype(np.int64)
    _, name = distinct(book.caps)
    name = np.append(name, len(book.caps) + np.arange(len(book.counts)))
    key = (name[cap].astype(np.int64) << 34) | daily[cap].astype(np.int64) << 33
    key |= (scope << 32) | whose
    _, picked, owned = np.unique(key, return_index=True, return_inverse=True)
    counts = np.bincount(row, minlength=data.n_periods)
    # one counter, or one for each day
    size = np.where(daily[cap[picked]] != 0, days_of(cycle), 1)
    begin = np.cumsum(size) - size
    which = np.repeat(np.arange(len(size)), size)
    picked = picked[which]
    within = np.arange(len(which)) - begin[which]
    return Counters(
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        cap=cap.astype(np.int32),
        slot=begin[owned].astype(np.int32),
        slot_cap=cap[picked].astype(np.int32),
        slot_owner=owner[picked].astype(np.int32),
        slot_group=data.group[row[picked]],
        slot_shared=scope[picked].astype(np.int8),
        slot_day=np.where(daily[cap[picked]] != 0, within, -1).astype(np.int32),
    )


def _members(data: Subscribers) -> Int64:
    """Returns for each period a number of its subscriber in its charge group.

    Whoever rates one group knows nothing of another: what is counted of a subscriber must not
    depend on both.
    """
    subscriber, group = data.subscriber, data.group
    if np.any((subscriber[1:] == subscriber[:-1]) & (group[1:] != group[:-1])):
        pairs = subscriber.astype(np.int64) << 32 | group
        number: Int64 = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
        return number
    return subscriber.astype(np.int64)


def daily_of(book: CompiledBook) -> Int8:
    """Returns which definitions of caps, then of counts, are by day."""
    return np.append(book.cap_daily, book.cnt_daily)
