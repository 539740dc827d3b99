"""What is used up in a cycle: allowances by instance, caps by counter.

An *instance* is one grant of one allowance: a subscriber's plan gives it for the part of the cycle
in which the plan is valid. A plan change ends the old plan's instances and opens the new plan's;
a change that keeps the plan (a new SIM, a new number) does not grant twice. Shared instances belong
to the whole charge group and come from its main and single cards.

Two threads may rate with one state as long as no charge group is in both: their instances and
counters are different array elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rating.cycles import cycle_bounds, day_number, days_of
from rating.kernels.arrays import ACCOUNT_WORDS, INSTANCE_WORDS, StateArrays
from rating.room import aligned
from rating.schema import BALANCE_SCHEMA, RUMS, TIME
from rating.subscribers import ROLES
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int32, Int64

STATE_SCHEMA = pa.schema(
    [
        pa.field("cycle", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("charge_group", pa.string()),
        pa.field("subscriber_id", pa.string()),
        pa.field("plan", pa.string()),
        pa.field("name", pa.string(), nullable=False),
        pa.field("valid_from", pa.int64()),
        pa.field("amount", pa.int64(), nullable=False),
    ]
)
"""A stored state: what is not zero, by names that survive a new load of book and subscribers.

``kind`` is ``allowance`` (amount: units used) or ``cap`` (amount: 10^-6 of the currency spent)."""

_SUB = ROLES.index("sub")
_NAMED = ("kind", "charge_group", "subscriber_id", "plan", "name", "valid_from")


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


class CycleState:
    """Used allowances and spent caps of one cycle.

    Args:
        cycle: The month, such as ``2026-10``.
        compiled: The tariff book.
        subscribers: The subscriber data.

    Attributes:
        cycle: As given.
        begin_us: First instant of the cycle, UTC microseconds.
        end_us: First instant after the cycle.
        instances: The grants.
        used: int64[instances], units taken.
        counters: The caps.
        cap_spent: int64[slots], net in 10^-6 of the currency.
        orphans: Rows of a stored state that fit nothing any more (see :meth:`from_table`).
    """

    def __init__(self, cycle: str, compiled: CompiledBook, subscribers: Subscribers) -> None:
        self.cycle = cycle
        self.compiled = compiled
        self.subscribers = subscribers
        self.begin_us, self.end_us = cycle_bounds(cycle, compiled.time_zone)
        self.instances = _grant(self, compiled, subscribers)
        self.counters = _count_caps(self, compiled, subscribers)
        self.used: Int64 = np.zeros(len(self.instances.allowance), np.int64)
        self.cap_spent: Int64 = np.zeros(len(self.counters.slot_cap), np.int64)
        self.orphans: list[dict[str, Any]] = []
        self._rows = _kernel_rows(self)

    def arrays(self) -> StateArrays:
        """Returns the arrays for the kernel; ``used`` and ``cap_spent`` are this state's own."""
        return StateArrays(*self._rows[:2], self.used, self._rows[2], self.cap_spent)

    @property
    def most_held(self) -> int:
        """Instances of one account at most: its own and the group's shared ones."""
        own = self.instances
        return sum(
            int(np.diff(first).max(initial=0)) for first in (own.own_first, own.shared_first)
        )

    def copy(self) -> CycleState:
        """Returns a state that changes on its own and shares what never changes."""
        twin = object.__new__(CycleState)
        twin.__dict__.update(self.__dict__)
        twin.used, twin.cap_spent = self.used.copy(), self.cap_spent.copy()
        twin.orphans = list(self.orphans)
        return twin

    def to_table(self) -> pa.Table:
        """Returns what is not zero by stable names (:data:`STATE_SCHEMA`)."""
        named = self._named()
        amount = np.concatenate([self.used, self.cap_spent])
        rows = np.flatnonzero(amount)
        columns = {name: column.take(pa.array(rows)) for name, column in named.items()}
        columns["cycle"] = pa.array([self.cycle] * len(rows), pa.string())
        columns["amount"] = pa.array(amount[rows])
        return pa.table([columns[name] for name in STATE_SCHEMA.names], schema=STATE_SCHEMA)

    @classmethod
    def from_table(
        cls, table: pa.Table, cycle: str, compiled: CompiledBook, subscribers: Subscribers
    ) -> CycleState:
        """Returns a state with the amounts of a stored one.

        A row whose grant or cap is gone (the plan changed backwards in time, the book dropped the
        allowance) is kept in :attr:`orphans`: nothing can be taken from it, and the bill run, which
        starts from nothing, is not touched by it.

        Raises:
            ValueError: If the table is of another cycle.
        """
        state = cls(cycle, compiled, subscribers)
        rows = table.to_pylist()
        wrong = {row["cycle"] for row in rows} - {cycle}
        if wrong:
            message = f"the stored state is of cycle {sorted(wrong)}, not {cycle!r}"
            raise ValueError(message)
        if not rows:
            return state
        named = pa.table(state._named()).append_column(
            "at", pa.array(np.arange(len(state.used) + len(state.cap_spent)))
        )
        wanted = table.append_column("row", pa.array(np.arange(len(rows))))
        places = _match(wanted, named)
        amount = np.concatenate([state.used, state.cap_spent])
        for row, at in zip(rows, places, strict=True):
            if at < 0:
                state.orphans.append(row)
            else:
                amount[at] = row["amount"]
        state.used[:] = amount[: len(state.used)]
        state.cap_spent[:] = amount[len(state.used) :]
        return state

    def balances(self, groups: NDArray[np.bool_] | None = None) -> pa.RecordBatch:
        """Returns given, used and left of each instance (:data:`BALANCE_SCHEMA`).

        Args:
            groups: bool[charge groups], only these; None for all.
        """
        own, book, data = self.instances, self.compiled, self.subscribers
        rows = np.arange(len(own.allowance))
        if groups is not None:
            rows = np.flatnonzero(groups[own.group])
        # by group, then the owner, then the order in which they are asked
        rows = rows[np.lexsort((rows, own.subscriber[rows], own.group[rows]))]
        allowance = own.allowance[rows]
        used, given = self.used[rows], own.given[rows]

        def named(index: Int32, names: pa.Array) -> pa.Array:
            return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), names)

        alw_names, alw_code = distinct(book.allowances)
        columns = {
            "cycle": named(np.zeros(len(rows), np.int32), pa.array([self.cycle])),
            "charge_group": named(own.group[rows], data.groups),
            "subscriber_id": named(own.subscriber[rows], data.names),
            "plan": named(own.plan[rows], pa.array(book.plans, pa.string())),
            "allowance": named(alw_code[allowance], alw_names),
            "shared": pa.array(book.alw_shared[allowance] != 0),
            "rum": pa.DictionaryArray.from_arrays(
                pa.array(book.alw_rum[allowance].astype(np.int8)), pa.array(RUMS)
            ),
            "valid_from": pa.array(own.valid_from[rows]).cast(TIME),
            "valid_to": pa.array(own.valid_to[rows]).cast(TIME),
            "given": pa.array(given),
            "used": pa.array(used),
            "left": pa.array(given - used),
        }
        return pa.RecordBatch.from_arrays(
            [columns[name] for name in BALANCE_SCHEMA.names], schema=BALANCE_SCHEMA
        )

    def _named(self) -> dict[str, pa.Array]:
        """Returns the names of every instance, then of every cap counter."""
        own, caps, book, data = self.instances, self.counters, self.compiled, self.subscribers
        by_group = book.cap_scope[caps.slot_cap] != 0

        def both(instances: pa.Array, counters: pa.Array) -> pa.Array:
            return pa.concat_arrays([instances, counters])

        def owner(names: pa.Array, wanted: NDArray[np.bool_]) -> pa.Array:
            return names.take(pa.array(caps.slot_owner * wanted, mask=~wanted))

        nothing = pa.nulls(len(caps.slot_cap), pa.string())
        texts = {
            name: pa.array(values, pa.string())
            for name, values in (("plan", book.plans), ("alw", book.allowances), ("cap", book.caps))
        }
        return {
            "kind": pa.array(
                ["allowance"] * len(own.allowance) + ["cap"] * len(caps.slot_cap), pa.string()
            ),
            "charge_group": both(
                data.groups.take(pa.array(own.group)), owner(data.groups, by_group)
            ),
            "subscriber_id": both(
                data.names.take(pa.array(own.subscriber)), owner(data.names, ~by_group)
            ),
            "plan": both(texts["plan"].take(pa.array(own.plan)), nothing),
            "name": both(
                texts["alw"].take(pa.array(own.allowance)),
                texts["cap"].take(pa.array(caps.slot_cap)),
            ),
            "valid_from": both(pa.array(own.valid_from), pa.nulls(len(caps.slot_cap), pa.int64())),
        }


def distinct(names: tuple[str, ...]) -> tuple[pa.Array, Int32]:
    """Returns the distinct names in order of appearance, and for each name its index in them."""
    table: dict[str, int] = {}
    code = np.array([table.setdefault(name, len(table)) for name in names], np.int32)
    return pa.array(list(table), pa.string()), code


def _match(wanted: pa.Table, named: pa.Table) -> Int64:
    """Returns for each wanted row the ``at`` of the named row that agrees, -1 if none does."""
    import polars as pl  # noqa: PLC0415  only a restart needs it

    left = pl.DataFrame(wanted.select([*_NAMED, "row"]))
    right = pl.DataFrame(named)
    joined = left.join(right, on=list(_NAMED), how="left", nulls_equal=True).sort("row")
    places: Int64 = joined["at"].fill_null(-1).to_numpy()
    return places


def _kernel_rows(state: CycleState) -> tuple[Int32, Int64, Int64]:
    """Returns accounts, instances and caps as the rows of :mod:`rating.kernels.arrays`."""
    own, caps, data = state.instances, state.counters, state.subscribers
    instance = aligned(INSTANCE_WORDS * len(own.allowance)).reshape(-1, INSTANCE_WORDS)
    grants: tuple[Int64 | Int32, ...] = (own.given, own.valid_from, own.valid_to, own.allowance)
    for word, column in enumerate(grants):
        instance[:, word] = column
    account = aligned(ACCOUNT_WORDS * data.n_periods // 2).view(np.int32)
    account = account.reshape(-1, ACCOUNT_WORDS)
    slot = np.append(caps.slot, np.int32(0))
    columns = (
        own.own_first[data.subscriber],
        own.own_first[data.subscriber + 1],
        own.shared_first[data.group],
        own.shared_first[data.group + 1],
        caps.first[:-1],
        caps.first[1:],
        data.plan,
        slot[caps.first[:-1]],
    )
    for word, values in enumerate(columns):
        account[:, word] = values
    return (
        account.reshape(-1),
        instance.reshape(-1),
        caps.cap.astype(np.int64) << 32 | caps.slot,
    )


def _in_cycle(state: CycleState, data: Subscribers) -> Int64:
    """Returns the periods that overlap the cycle."""
    return np.flatnonzero((data.valid_from < state.end_us) & (data.valid_to > state.begin_us))


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


def _grant(state: CycleState, book: CompiledBook, data: Subscribers) -> Instances:
    """Returns the instances of a cycle: each plan validity times the plan's allowances."""
    rows = _in_cycle(state, data)
    begin = np.maximum(data.valid_from[rows], state.begin_us)
    end = np.minimum(data.valid_to[rows], state.end_us)
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
    keep = (book.alw_from_us[allowance] <= state.begin_us) & (
        state.begin_us < book.alw_to_us[allowance]
    )
    shared = book.alw_shared[allowance] != 0
    keep &= ~(shared & (data.role[grant_row[at]] == _SUB))
    at, position, allowance, shared = at[keep], position[keep], allowance[keep], shared[keep]
    row = grant_row[at]
    given = _given(state, book, allowance, begin[at], end[at])
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


def _given(
    state: CycleState, book: CompiledBook, allowance: Int32, begin: Int64, end: Int64
) -> Int64:
    """Returns the units granted: the quantity, or its share of the cycle's days, rounded down."""
    quantity = book.alw_quantity[allowance].copy()
    total = days_of(state.cycle)
    moments, place = np.unique(np.concatenate([begin, end]), return_inverse=True)
    day = np.array([day_number(int(moment), book.time_zone) for moment in moments], np.int64)[place]
    days = day[len(begin) :] - day[: len(begin)]
    part = (book.alw_prorate[allowance] != 0) & (quantity != FOREVER) & (days != total)
    whole = quantity // total
    share = whole * days + (quantity - whole * total) * days // total
    given: Int64 = np.where(part, share, quantity)
    return given


def _count_caps(state: CycleState, book: CompiledBook, data: Subscribers) -> Counters:
    """Returns the caps of each period and their counters."""
    rows = _in_cycle(state, data)
    row, position = _expand(rows, book.plan_cap_first, data.plan[rows])
    cap = book.plan_cap[position]
    keep = (book.cap_from_us[cap] <= state.begin_us) & (state.begin_us < book.cap_to_us[cap])
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


__all__ = ["STATE_SCHEMA", "Counters", "CycleState", "Instances", "distinct"]
