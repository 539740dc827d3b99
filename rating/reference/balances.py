"""Allowances and caps of a cycle as lists of objects, built by plain loops."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rating.cycles import cycle_bounds, day_number
from rating.reference.grants import grants_of
from rating.reference.steps import money
from tariffs.compiled import CAP_SCOPES, RUMS, SPEND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from rating.grants import Instances
    from rating.reference.classify import Event
    from rating.reference.grants import Carried, Grant, TakenKey
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

CapKey = tuple[str, str, int, int, int | None]
"""(cap or count, "subscriber" or "charge_group", its index, index of the charge group, local day since
1970-01-01 of one by day)."""


@dataclass(slots=True)
class Balances:
    """What the twin takes from: the same as a CycleState, as objects."""

    cycle: str
    book: CompiledBook
    data: Subscribers
    grants: list[Grant] = field(default_factory=list)
    spent: dict[CapKey, Decimal] = field(default_factory=dict)
    counted: dict[CapKey, int] = field(default_factory=dict)
    """Units of counts, of those of charges 10^-6."""

    @property
    def bounds(self) -> tuple[int, int]:
        """Returns begin and end of the cycle, UTC µs."""
        return cycle_bounds(self.cycle, self.book.time_zone)

    @classmethod
    def opened(
        cls, cycle: str, book: CompiledBook, data: Subscribers, carried: Iterable[Carried] = ()
    ) -> Balances:
        """Returns the balances at the beginning of a cycle.

        Args:
            cycle: The month.
            book: The tariff book.
            data: The subscribers.
            carried: What the cycle before left.
        """
        return cls(cycle, book, data, grants_of(cycle, book, data, carried))

    @classmethod
    def of_state(cls, state: CycleState, group: int) -> Balances:
        """Returns the balances of one charge group as a state has them now."""
        data, book = state.subscribers, state.compiled
        whose = set(data.subscriber[data.group == group].tolist())
        some = _only(data, whose)
        names = list(dict.fromkeys(book.allowances))
        was = state.opening
        carried = (
            []
            if was is None
            else list(
                zip(
                    was.subscriber.tolist(),
                    [names[at] for at in was.name],
                    was.granted.tolist(),
                    was.valid_to.tolist(),
                    was.left.tolist(),
                    strict=True,
                )
            )
        )
        out = cls.opened(state.cycle, book, some, carried)
        out.data = data
        out.grants = [grant for grant in out.grants if grant.group == group]
        own, caps = state.instances, state.counters
        used = {
            key_of(own, at): int(state.used[at])
            for at in (own.group == group).nonzero()[0].tolist()
        }
        for grant in out.grants:
            grant.used = used[grant.key]
            grant.taken = taken_of(state, grant)
            grant.used += sum(
                units for (_, limit, _), units in grant.taken.items() if limit is None
            )
        first = day_number(state.begin_us, book.time_zone)
        for slot in state.cap_spent.nonzero()[0]:
            at = int(caps.slot_cap[slot]) - len(book.caps)
            name = book.caps[at] if at < 0 else book.counts[at]
            day = int(caps.slot_day[slot])
            scope = CAP_SCOPES[caps.slot_shared[slot]]
            owner, of_group = int(caps.slot_owner[slot]), int(caps.slot_group[slot])
            key = (name, scope, owner, of_group, None if day < 0 else first + day)
            if at < 0:
                out.spent[key] = money(int(state.cap_spent[slot]))
            else:
                out.counted[key] = int(state.cap_spent[slot])
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
        role = 1 << int(self.data.role[event.period])
        return [
            at
            for at in every
            if book.lim_match[at * book.n_classes + event.class_id]
            and int(book.lim_roles[at]) & role
        ]

    def _member(self, limit: int, event: Event) -> int | None:
        """Returns whose use a limit counts."""
        return int(self.data.subscriber[event.period]) if self.book.lim_member[limit] else None

    def caps(self, period: int, start: int) -> list[tuple[int, CapKey]]:
        """Returns the caps of a period's plan that hold in this cycle, with their counters."""
        book, data = self.book, self.data
        begin, _ = self.bounds
        plan = int(data.plan[period])
        out: list[tuple[int, CapKey]] = []
        for cap in book.plan_cap[book.plan_cap_first[plan] : book.plan_cap_first[plan + 1]]:
            if book.cap_from_us[cap] <= begin < book.cap_to_us[cap]:
                shared = bool(book.cap_scope[cap])
                owner = int((data.group if shared else data.subscriber)[period])
                scope = "charge_group" if shared else "subscriber"
                day = day_number(start, book.time_zone) if book.cap_daily[cap] else None
                key = (book.caps[cap], scope, owner, int(data.group[period]), day)
                out.append((int(cap), key))
        return out

    def count_key(self, count: int, event: Event) -> CapKey:
        """Returns what an event's use of a count is kept under."""
        book, period = self.book, event.period
        shared = bool(book.cnt_scope[count])
        group = int(self.data.group[period])
        owner = group if shared else int(self.data.subscriber[period])
        day = day_number(event.start, book.time_zone) if book.cnt_daily[count] else None
        return book.counts[count], CAP_SCOPES[int(shared)], owner, group, day

    def count_of(self, count: int, event: Event) -> int:
        """Returns what was counted before, as it concerns an event."""
        return self.counted.get(self.count_key(count, event), 0)

    def add(self, count: int, event: Event, units: int) -> None:
        """Counts units; less than none takes them back."""
        self.counted[self.count_key(count, event)] = self.count_of(count, event) + units

    def count_event(self, event: Event, net: Decimal) -> None:
        """Counts a rated event where thresholds look at it."""
        book, plan = self.book, int(self.data.plan[event.period])
        for count in book.plan_cnt[book.plan_cnt_first[plan] : book.plan_cnt_first[plan + 1]]:
            if not book.cnt_match[count * book.n_classes + event.class_id]:
                continue
            rum = int(book.cnt_rum[count])
            if rum == SPEND:
                self.add(int(count), event, int(net.scaleb(6)))
            elif rum == book.rule_rum[event.rule]:
                self.add(int(count), event, event.quantity)
            elif RUMS[rum] == "events":
                self.add(int(count), event, 1)


def _only(data: Subscribers, whose: set[int]) -> Subscribers:
    """Returns the data with the periods and purchases of some subscribers only."""
    mine = np.isin(data.subscriber, list(whose))
    bought = data.purchases
    theirs = np.isin(bought.subscriber, list(whose))
    columns = ("subscriber", "account", "group", "plan", "role", "valid_from", "valid_to")
    some = {name: getattr(data, name)[mine] for name in columns}
    purchases = replace(
        bought,
        subscriber=bought.subscriber[theirs],
        option=bought.option[theirs],
        valid_from=bought.valid_from[theirs],
        valid_to=bought.valid_to[theirs],
    )
    return replace(data, **some, purchases=purchases)


def taken_of(state: CycleState, grant: Grant) -> dict[TakenKey, int]:
    """Returns a grant's units by day and limit as a state has them, where they are not zero."""
    own, more, book = state.instances, state.further, state.compiled
    found: dict[TakenKey, int] = {}
    first_day = day_number(state.begin_us, book.time_zone)
    for at, instance in enumerate(more.instance.tolist()):
        units = int(state.used[len(own.allowance) + at])
        if not units or key_of(own, instance) != grant.key:
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


def key_of(own: Instances, at: int) -> tuple[int, int, int, int]:
    """Returns what tells an instance apart, as :attr:`Grant.key`."""
    subscriber, giver, allowance, granted = (
        int(column[at]) for column in (own.subscriber, own.giver, own.allowance, own.granted)
    )
    return subscriber, giver, allowance, granted
