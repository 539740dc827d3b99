"""Grants of allowances in a cycle, built by plain loops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rating.cycles import cycle_before, cycle_bounds, cycle_of, day_number, days_of
from rating.subscribers import ROLES
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

DAY = 24 * 3600 * 1_000_000

TakenKey = tuple[int | None, int | None, int | None]
"""(local day since 1970-01-01, limit of the book, subscriber), each None where it does not count."""

Carried = tuple[int, str, int, int, int]
"""What the cycle before left: (subscriber, allowance, granted at, valid to, left)."""


@dataclass(slots=True)
class Grant:
    """One allowance that one validity of a plan, or one purchase of an option, gives."""

    allowance: int
    subscriber: int
    group: int
    giver: int
    valid_from: int
    valid_to: int
    granted: int
    given: int
    shared: bool
    rank: tuple[int, ...]
    """Priority, own before shared, then as written, rolled over or new, then owner and time."""
    used: int = 0
    """Of what is given by day: on all days."""
    taken: dict[TakenKey, int] = field(default_factory=dict)
    """Units by day and under the limits inside the allowance."""

    @property
    def key(self) -> tuple[int, int, int, int]:
        """What tells grants apart."""
        return self.subscriber, self.giver, self.allowance, self.granted


@dataclass(slots=True)
class _Span:
    """A time in which a subscriber has a plan or an option, in one group and role."""

    subscriber: int
    giver: int
    group: int
    role: int
    since: int
    until: int


def grants_of(
    cycle: str, book: CompiledBook, data: Subscribers, carried: Iterable[Carried] = ()
) -> list[Grant]:
    """Returns the grants of a cycle, in no order that matters."""
    begin, end = cycle_bounds(cycle, book.time_zone)
    grants: list[Grant] = []
    for span in _spans(data, with_plan=True):
        if max(span.since, begin) < min(span.until, end):
            _give(grants, span, (cycle, begin, end), book, 0, 0)
    stays = _spans(data, with_plan=False)
    seen: dict[tuple[str, int, int, int], int] = {}
    bought = data.purchases
    for row in range(len(bought.option) if book.options else 0):
        who, option = int(bought.subscriber[row]), int(bought.option[row])
        since, until = int(bought.valid_from[row]), int(bought.valid_to[row])
        # also purchases that are over count: one has the same name in each of its cycles
        bought_before = seen.get(("bought", who, option, since), 0)
        seen["bought", who, option, since] = bought_before + 1
        for stay in stays:
            low, high = max(since, stay.since, begin), min(until, stay.until, end)
            if stay.subscriber != who or low >= high:
                continue
            begun_before = seen.get(("begun", who, option, low), 0)
            seen["begun", who, option, low] = begun_before + 1
            giver = len(book.plans) + option
            span = _Span(who, giver, stay.group, stay.role, since, high)
            _give(grants, span, (cycle, low, end), book, bought_before, begun_before)
            break
    _carry(grants, cycle, book, list(carried))
    return grants


def _spans(data: Subscribers, *, with_plan: bool) -> list[_Span]:
    """Returns the subscribers' spans of equal plan (if asked), group and role."""
    out: list[_Span] = []
    for at in range(data.n_periods):
        plan = int(data.plan[at]) if with_plan else 0
        now = _Span(
            int(data.subscriber[at]),
            plan,
            int(data.group[at]),
            int(data.role[at]),
            int(data.valid_from[at]),
            int(data.valid_to[at]),
        )
        last = out[-1] if out else None
        if last is not None and (
            (last.subscriber, last.giver, last.group, last.role, last.until)
            == (now.subscriber, now.giver, now.group, now.role, now.since)
        ):
            last.until = now.until
        else:
            out.append(now)
    return out


def _give(
    grants: list[Grant],
    span: _Span,
    cycle: tuple[str, int, int],
    book: CompiledBook,
    bought_before: int,
    begun_before: int,
) -> None:
    """Adds what a plan or an option gives in a cycle."""
    name, low, end = cycle
    begin, until = max(span.since, low), min(span.until, end)
    first, last = book.plan_alw_first[span.giver], book.plan_alw_first[span.giver + 1]
    for position, allowance in enumerate(book.plan_alw[first:last].tolist(), start=int(first)):
        days = int(book.alw_days[allowance])
        moment = begin if span.giver >= len(book.plans) else low
        granted, stop = begin + begun_before, until
        if days:
            activation = span.since + bought_before
            moment = granted = activation
            stop = min(until, activation + days * DAY)
        shared = bool(book.alw_shared[allowance])
        if not book.alw_from_us[allowance] <= moment < book.alw_to_us[allowance]:
            continue
        if begin >= stop or (shared and ROLES[span.role] == "sub"):
            continue
        if not shared and not int(book.alw_roles[allowance]) & 1 << span.role:
            continue
        rank = (int(book.alw_priority[allowance]), int(shared), position, 1, span.subscriber)
        grant = Grant(
            allowance,
            span.subscriber,
            span.group,
            span.giver,
            begin,
            stop,
            granted,
            0,
            shared,
            (*rank, granted),
        )
        grant.given = _share(grant, name, book)
        grants.append(grant)


def _share(grant: Grant, cycle: str, book: CompiledBook) -> int:
    """Returns the units given: everything, or the share of the cycle's days, rounded down."""
    quantity = int(book.alw_quantity[grant.allowance])
    whole = not book.alw_prorate[grant.allowance] or book.alw_days[grant.allowance]
    if whole or quantity == FOREVER:
        return quantity
    zone = book.time_zone
    days = day_number(grant.valid_to, zone) - day_number(grant.valid_from, zone)
    return quantity * days // days_of(cycle)


def _carry(grants: list[Grant], cycle: str, book: CompiledBook, carried: list[Carried]) -> None:
    """Brings in what the cycle before left."""
    begin, _ = cycle_bounds(cycle, book.time_zone)
    fresh = list(grants)
    for subscriber, name, granted, valid_to, left in carried:
        mine = [
            grant
            for grant in fresh
            if (grant.subscriber, book.allowances[grant.allowance]) == (subscriber, name)
        ]
        for grant in mine:
            if book.alw_days[grant.allowance] and grant.granted == granted < begin:
                grant.given = left
        heads = sorted(
            (grant for grant in mine if grant.valid_from == begin),
            key=lambda grant: (grant.giver >= len(book.plans), grant.granted, grant.rank[2]),
        )
        heads = [head for head in heads if book.alw_rollover[head.allowance]]
        if not heads or valid_to != begin or left <= 0:
            continue
        head = heads[0]
        if _cycles_since(granted, cycle, book) > int(book.alw_rollover[head.allowance]):
            continue
        order = 2 if book.alw_rolled_last[head.allowance] else 0
        rank = (*head.rank[:3], order, head.subscriber, granted)
        grants.append(
            Grant(
                head.allowance,
                subscriber,
                head.group,
                head.giver,
                begin,
                head.valid_to,
                granted,
                left,
                head.shared,
                rank,
            )
        )


def _cycles_since(granted: int, cycle: str, book: CompiledBook) -> int:
    """Returns how many cycles lie between a grant and a cycle."""
    count, origin = 0, cycle_of(granted, book.time_zone)
    while cycle > origin:
        cycle = cycle_before(cycle)
        count += 1
    return count
