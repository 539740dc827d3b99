"""Counters beside an instance's own: of days, and of limits inside an allowance.

An instance's own counter says how much of it is used. An instance that is given by day has one
counter for each day of the cycle instead; each limit inside an allowance has one, one for each day
if the allowance is given by day, one for each member of the charge group if the limit says so.
They stand behind the instances' own in one array, so that the kernel changes one array only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rating.cycles import midnights
from rating.kernels.arrays import EXTRA_WORDS, LIMIT_WORDS
from rating.kernels.limits import ROLE_BITS
from rating.room import aligned
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.grants import Instances
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int32, Int64

NONE = -1
_ALL_ROLES = 7


@dataclass(frozen=True, slots=True)
class Further:
    """What instances have beside their own counter; F further counters."""

    extra: Int64
    """Rows of the kernel (:mod:`rating.kernels.arrays`), row 0 is nobody's."""
    extra_of: Int32
    """[instances] row of an instance, 0 if it has none."""
    limit: Int64
    """Rows of the kernel."""
    member: Int32
    """[periods] which member of its charge group, above the role of its card; empty where no limit asks."""
    midnight: Int64
    """[days + 1] UTC microseconds."""
    instance: Int32
    """[F] the instance that the counter belongs to."""
    day: Int32
    """[F] day of the cycle, 0 first, NONE if it counts the whole cycle."""
    limit_of: Int32
    """[F] which limit of the allowance, NONE if it counts what is given by day."""
    member_of: Int32
    """[F] subscriber whose use it counts, NONE if everybody's."""

    @property
    def by_day(self) -> Int64:
        """The counters of what is given by day, as positions among the further ones."""
        return np.flatnonzero(self.limit_of == NONE)


def further_counters(cycle: str, book: CompiledBook, data: Subscribers, own: Instances) -> Further:
    """Returns the further counters of a cycle's instances."""
    midnight = np.array(midnights(cycle, book.time_zone), np.int64)
    daily = book.alw_daily != 0
    limits = np.diff(book.alw_limit_first)
    more = daily | (limits > 0) | (book.alw_throttle != FOREVER)
    special = np.flatnonzero(more[own.allowance])
    extra_of = np.zeros(len(own.allowance), np.int32)
    extra_of[special] = 1 + np.arange(len(special))
    allowance = own.allowance[special]
    # blocks of counters: of the days, then of each limit
    days = special[daily[allowance]]
    first = book.alw_limit_first[allowance]
    count = limits[allowance].astype(np.int64)
    limited = np.repeat(special, count)
    before = np.cumsum(count) - count
    position = np.arange(len(limited)) - np.repeat(before, count)
    definition = np.repeat(first, count) + position
    block_instance = np.concatenate([days, limited])
    block_limit = np.concatenate([np.full(len(days), NONE), position])
    by_member = np.concatenate([np.zeros(len(days), np.bool_), book.lim_member[definition] != 0])
    by_role = book.lim_roles[definition] != _ALL_ROLES
    member, members, people = _members(data, midnight, ask=bool(by_member.any() | by_role.any()))
    span = np.where(daily[own.allowance[block_instance]], len(midnight) - 1, 1)
    people_of = np.where(by_member, members[own.group[block_instance]], 1)
    size = span * people_of
    begin = np.cumsum(size) - size
    block = np.repeat(np.arange(len(size)), size)
    within = np.arange(len(block)) - begin[block]
    begin += len(own.allowance)
    group_first = np.cumsum(members) - members
    whose = group_first[own.group[block_instance[block]]] + within // span[block]
    someone = by_member[block]
    whose = people[np.where(someone, whose, 0)] if len(people) else np.zeros(len(block), np.int32)

    extra = aligned(EXTRA_WORDS * (1 + len(special))).reshape(-1, EXTRA_WORDS)
    extra[:] = 0
    extra[1:, 0] = NONE
    extra[extra_of[days], 0] = begin[: len(days)]
    extra[1:, 1] = before << 32 | (before + count)
    extra[1:, 2] = book.alw_throttle[allowance]
    limit = aligned(LIMIT_WORDS * len(limited)).reshape(-1, LIMIT_WORDS)
    limit[:, 0] = book.lim_quantity[definition]
    limit[:, 1] = begin[len(days) :]
    limit[:, 2] = np.where(by_member, span, 0)[len(days) :]
    limit[:, 3] = definition | np.where(
        by_role, book.lim_roles[definition].astype(np.int64) << 32, 0
    )
    return Further(
        extra=extra.reshape(-1),
        extra_of=extra_of,
        limit=limit.reshape(-1),
        member=member,
        midnight=midnight,
        instance=block_instance[block].astype(np.int32),
        day=np.where(span[block] > 1, within % span[block], NONE).astype(np.int32),
        limit_of=block_limit[block].astype(np.int32),
        member_of=np.where(someone, whose, NONE).astype(np.int32),
    )


def _members(
    data: Subscribers, midnight: Int64, *, ask: bool
) -> tuple[Int32, NDArray[np.int64], Int32]:
    """Returns (member of each period, members of each group, subscribers by group and member)."""
    members = np.zeros(len(data.groups), np.int64)
    if not ask:
        return np.zeros(0, np.int32), members, np.zeros(0, np.int32)
    rows = np.flatnonzero((data.valid_from < midnight[-1]) & (data.valid_to > midnight[0]))
    key = data.group[rows].astype(np.int64) << 32 | data.subscriber[rows]
    pairs, place = np.unique(key, return_inverse=True)
    group = pairs >> 32
    members = np.bincount(group, minlength=len(data.groups)).astype(np.int64)
    rank = np.arange(len(pairs)) - (np.cumsum(members) - members)[group]
    member = np.zeros(data.n_periods, np.int32)
    member[rows] = rank[place] << ROLE_BITS | data.role[rows]
    return member, members, (pairs & ((1 << 32) - 1)).astype(np.int32)
