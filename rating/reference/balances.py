"""Allowances and caps of a cycle as lists of objects, built by plain loops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rating.cycles import cycle_bounds, day_number, days_of
from rating.reference.steps import money
from rating.subscribers import ROLES
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from rating.reference.classify import Event
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

CapKey = tuple[str, str, int]
"""(cap, "subscriber" or "charge_group", its index)."""

TakenKey = tuple[int | None, int | None, int | None]
"""(local day since 1970-01-01, limit of the book, subscriber), each None where it does not count."""


@dataclass(slots=True)
class Grant:
    """One allowance that one validity of a plan gives."""

    allowance: int
    subscriber: int
    group: int
    plan: int
    valid_from: int
    valid_to: int
    given: int
    shared: bool
    rank: tuple[int, ...]
    """Priority, own before shared, then as written, then owner and time."""
    used: int = 0
    """Of what is given by day: on all days."""
    taken: dict[TakenKey, int] = field(default_factory=dict)
    """Units by day and under the limits inside the allowance."""


@dataclass(slots=True)
class Balances:
    """What the twin takes from: the same as a CycleState, as objects."""

    cycle: str
    book: CompiledBook
    data: Subscribers
    grants: list[Grant] = field(default_factory=list)
    spent: dict[CapKey, Decimal] = field(default_factory=dict)

    @classmethod
    def opened(
        cls,
        cycle: str,
        book: CompiledBook,
        data: Subscribers,
        periods: Iterable[int] | None = None,
    ) -> Balances:
        """Returns the balances at the beginning of a cycle.

        Args:
            cycle: The month.
            book: The tariff book.
            data: The subscribers.
            periods: Only these validity periods (all of a charge group); None for all.
        """
        out = cls(cycle, book, data)
        begin, end = cycle_bounds(cycle, book.time_zone)
        last: tuple[int, ...] | None = None
        for period in sorted(range(data.n_periods) if periods is None else periods):
            since = max(int(data.valid_from[period]), begin)
            until = min(int(data.valid_to[period]), end)
            if since >= until:
                continue
            kind = tuple(
                int(column[period])
                for column in (data.subscriber, data.plan, data.group, data.role)
            )
            if last == (*kind, since):
                for grant in out.grants:
                    if (grant.subscriber, grant.valid_to) == (kind[0], since):
                        grant.valid_to = until
            else:
                out._grant(kind, since, until, begin)
            last = (*kind, until)
        for grant in out.grants:
            grant.given = out._share(grant)
        return out

    @classmethod
    def of_state(cls, state: CycleState, group: int) -> Balances:
        """Returns the balances of one charge group as a state has them now."""
        data, book = state.subscribers, state.compiled
        periods = [at for at in range(data.n_periods) if data.group[at] == group]
        out = cls.opened(state.cycle, book, data, periods)
        own, caps = state.instances, state.counters
        used = {
            (int(own.subscriber[at]), int(own.allowance[at]), int(own.valid_from[at])): int(
                state.used[at]
            )
            for at in (own.group == group).nonzero()[0]
        }
        for grant in out.grants:
            grant.used = used[grant.subscriber, grant.allowance, grant.valid_from]
            grant.taken = taken_of(state, grant)
            grant.used += sum(
                units for (_, limit, _), units in grant.taken.items() if limit is None
            )
        for slot in state.cap_spent.nonzero()[0]:
            cap = int(caps.slot_cap[slot])
            scope = "charge_group" if book.cap_scope[cap] else "subscriber"
            key = (book.caps[cap], scope, int(caps.slot_owner[slot]))
            out.spent[key] = money(int(state.cap_spent[slot]))
        return out

    def usable(self, period: int, start: int) -> list[Grant]:
        """Returns the grants that an event of a period at an instant may use, in order."""
        subscriber, group = int(self.data.subscriber[period]), int(self.data.group[period])
        mine = [
            grant
            for grant in self.grants
            if (grant.group == group if grant.shared else grant.subscriber == subscriber)
            and grant.valid_from <= start < grant.valid_to
        ]
        return sorted(mine, key=lambda grant: grant.rank)

    def left(self, grant: Grant, event: Event) -> int:
        """Returns the units that an event may take from a grant."""
        day = self._day(grant, event)
        used = grant.used if day is None else grant.taken.get((day, None, None), 0)
        rooms = [grant.given - used]
        for limit in self._limits(grant, event):
            key = (day, limit, self._member(limit, event))
            rooms.append(int(self.book.lim_quantity[limit]) - grant.taken.get(key, 0))
        return min(rooms)

    def take(self, grant: Grant, event: Event, units: int) -> None:
        """Takes units; less than none gives them back."""
        day = self._day(grant, event)
        grant.used += units
        keys: list[TakenKey] = [] if day is None else [(day, None, None)]
        keys += [(day, at, self._member(at, event)) for at in self._limits(grant, event)]
        for key in keys:
            grant.taken[key] = grant.taken.get(key, 0) + units

    def throttled(self, grant: Grant, event: Event) -> bool:
        """Returns whether more was taken of a grant (on the day) than its throttle."""
        day = self._day(grant, event)
        used = grant.used if day is None else grant.taken.get((day, None, None), 0)
        return used > int(self.book.alw_throttle[grant.allowance])

    def _day(self, grant: Grant, event: Event) -> int | None:
        """Returns the day that an event counts for, None if the cycle is one."""
        if not self.book.alw_daily[grant.allowance]:
            return None
        return day_number(event.start, self.book.time_zone)

    def _limits(self, grant: Grant, event: Event) -> list[int]:
        """Returns the limits inside an allowance that are meant for an event."""
        book, allowance = self.book, grant.allowance
        every = range(book.alw_limit_first[allowance], book.alw_limit_first[allowance + 1])
        return [at for at in every if book.lim_match[at * book.n_classes + event.class_id]]

    def _member(self, limit: int, event: Event) -> int | None:
        """Returns whose use a limit counts."""
        return int(self.data.subscriber[event.period]) if self.book.lim_member[limit] else None

    def caps(self, period: int) -> list[tuple[int, CapKey]]:
        """Returns the caps of the period's plan that hold in this cycle, with their counters."""
        book, data = self.book, self.data
        begin, _ = cycle_bounds(self.cycle, book.time_zone)
        plan = int(data.plan[period])
        out: list[tuple[int, CapKey]] = []
        for cap in book.plan_cap[book.plan_cap_first[plan] : book.plan_cap_first[plan + 1]]:
            if book.cap_from_us[cap] <= begin < book.cap_to_us[cap]:
                shared = bool(book.cap_scope[cap])
                owner = int((data.group if shared else data.subscriber)[period])
                scope = "charge_group" if shared else "subscriber"
                out.append((int(cap), (book.caps[cap], scope, owner)))
        return out

    def _grant(self, kind: tuple[int, ...], since: int, until: int, begin: int) -> None:
        """Adds what a plan gives to a subscriber for a time."""
        book = self.book
        subscriber, plan, group, role = kind
        first, last = book.plan_alw_first[plan], book.plan_alw_first[plan + 1]
        for position, allowance in enumerate(book.plan_alw[first:last].tolist(), start=int(first)):
            shared = bool(book.alw_shared[allowance])
            if not book.alw_from_us[allowance] <= begin < book.alw_to_us[allowance]:
                continue
            if shared and ROLES[role] == "sub":
                continue
            priority = int(book.alw_priority[allowance])
            rank = (priority, int(shared), position, subscriber, since)
            grant = Grant(allowance, subscriber, group, plan, since, until, 0, shared, rank)
            self.grants.append(grant)

    def _share(self, grant: Grant) -> int:
        """Returns the units given: everything, or the share of the cycle's days, rounded down."""
        quantity = int(self.book.alw_quantity[grant.allowance])
        if not self.book.alw_prorate[grant.allowance] or quantity == FOREVER:
            return quantity
        zone = self.book.time_zone
        days = day_number(grant.valid_to, zone) - day_number(grant.valid_from, zone)
        return quantity * days // days_of(self.cycle)


def taken_of(state: CycleState, grant: Grant) -> dict[TakenKey, int]:
    """Returns a grant's units by day and limit as a state has them, where they are not zero."""
    own, more, book = state.instances, state.further, state.compiled
    found: dict[TakenKey, int] = {}
    first_day = day_number(state.begin_us, book.time_zone)
    for at, instance in enumerate(more.instance.tolist()):
        units = int(state.used[len(own.allowance) + at])
        place = (own.subscriber[instance], own.allowance[instance], own.valid_from[instance])
        if not units or place != (grant.subscriber, grant.allowance, grant.valid_from):
            continue
        day, limit, member = (
            None if code < 0 else int(code)
            for code in (more.day[at], more.limit_of[at], more.member_of[at])
        )
        if day is not None:
            day += first_day
        if limit is not None:
            limit += int(book.alw_limit_first[grant.allowance])
        found[day, limit, member] = units
    return found
