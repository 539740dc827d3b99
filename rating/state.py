"""What is used up in a cycle: allowances by instance, caps by counter.

An *instance* is one grant of one allowance: a subscriber's plan gives it for the part of the cycle
in which the plan is valid. A plan change ends the old plan's instances and opens the new plan's;
a change that keeps the plan (a new SIM, a new number) does not grant twice. Shared instances belong
to the whole charge group and come from its main and single cards.

Two threads may rate with one state as long as no charge group is in both: their instances and
counters are different array elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rating.cycles import cycle_bounds
from rating.further import further_counters
from rating.grants import count_caps, daily_of, grant
from rating.kernels.arrays import ACCOUNT_WORDS, INSTANCE_WORDS, StateArrays
from rating.kernels.limits import DAILY_SHIFT
from rating.names import distinct
from rating.room import aligned
from rating.schema import BALANCE_SCHEMA, RUMS, TIME
from rating.state_names import STATE_SCHEMA, counter_names, places_of
from rating.tiers import tier_masks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.opening import Opening
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int32, Int64


class CycleState:
    """Used allowances and spent caps of one cycle.

    Args:
        cycle: The month, such as ``2026-10``.
        compiled: The tariff book.
        subscribers: The subscriber data.
        opening: What was left of allowances at the end of the cycle before, if that is known:
            otherwise nothing rolls over, and what was given once is whole.

    Attributes:
        cycle: As given.
        opening: As given.
        begin_us: First instant of the cycle, UTC microseconds.
        end_us: First instant after the cycle.
        instances: The grants.
        further: Counters beside the instances' own.
        used: int64[instances + further counters], units taken.
        counter_instance: int32[used], the instance of each counter.
        counter_allowance: int32[used], its allowance.
        counters: The caps and counts.
        cap_spent: int64[slots], net in 10^-6 of the currency, of counts of usage its units.
        tiers: int64[periods], the tiers of each as bits (:mod:`rating.tiers`).
        orphans: Rows of a stored state that fit nothing any more (see :meth:`from_table`).
    """

    def __init__(
        self,
        cycle: str,
        compiled: CompiledBook,
        subscribers: Subscribers,
        opening: Opening | None = None,
    ) -> None:
        self.cycle = cycle
        self.compiled = compiled
        self.subscribers = subscribers
        self.opening = opening
        self.begin_us, self.end_us = cycle_bounds(cycle, compiled.time_zone)
        self.instances = grant(cycle, compiled, subscribers, opening)
        self.further = further_counters(cycle, compiled, subscribers, self.instances)
        self.counters = count_caps(cycle, compiled, subscribers)
        self.counter_instance: Int32 = np.concatenate(
            [np.arange(len(self.instances.allowance), dtype=np.int32), self.further.instance]
        )
        self.counter_allowance: Int32 = self.instances.allowance[self.counter_instance]
        self.used: Int64 = np.zeros(len(self.counter_instance), np.int64)
        self.cap_spent: Int64 = np.zeros(len(self.counters.slot_cap), np.int64)
        self.orphans: list[dict[str, Any]] = []
        self.tiers: Int64 = tier_masks(subscribers, self.begin_us, self.end_us)
        self._rows = _kernel_rows(self)

    def arrays(self) -> StateArrays:
        """Returns the arrays for the kernel; ``used`` and ``cap_spent`` are this state's own."""
        more = self.further
        return StateArrays(
            *self._rows[:2],
            self.used,
            self._rows[2],
            self.cap_spent,
            self.tiers,
            more.extra,
            more.limit,
            more.member,
            more.midnight,
        )

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
        """Returns what is not zero by stable names (:data:`~rating.state_names.STATE_SCHEMA`)."""
        amount = np.concatenate([self.used, self.cap_spent])
        rows = np.flatnonzero(amount)
        columns = self._named(rows)
        cycle = np.zeros(len(rows), np.int32)
        columns["cycle"] = pa.DictionaryArray.from_arrays(cycle, pa.array([self.cycle]))
        columns["amount"] = pa.array(amount[rows])
        return pa.table([columns[name] for name in STATE_SCHEMA.names], schema=STATE_SCHEMA)

    @classmethod
    def from_table(
        cls,
        table: pa.Table,
        cycle: str,
        compiled: CompiledBook,
        subscribers: Subscribers,
        opening: Opening | None = None,
    ) -> CycleState:
        """Returns a state with the amounts of a stored one.

        A row whose grant or cap is gone (the plan changed backwards in time, the book dropped the
        allowance) is kept in :attr:`orphans`: nothing can be taken from it, and the bill run, which
        starts from nothing, is not touched by it.

        Raises:
            ValueError: If the table is of another cycle.
        """
        state = cls(cycle, compiled, subscribers, opening)
        wrong = set(table.column("cycle").unique().to_pylist()) - {cycle}
        if wrong:
            message = f"the stored state is of cycle {sorted(wrong)}, not {cycle!r}"
            raise ValueError(message)
        if not table.num_rows:
            return state
        every = np.arange(len(state.used) + len(state.cap_spent))
        places = places_of(table, state._named(every))
        here = places >= 0
        state.orphans = table.filter(pa.array(~here)).to_pylist()
        amount = np.concatenate([state.used, state.cap_spent])
        amount[places[here]] = table.column("amount").to_numpy()[here]
        state.used[:] = amount[: len(state.used)]
        state.cap_spent[:] = amount[len(state.used) :]
        return state

    def balances(self, groups: NDArray[np.bool_] | None = None) -> pa.RecordBatch:
        """Returns given, used and left of each instance (:data:`BALANCE_SCHEMA`).

        What is given by day has a row for each day on which something was taken.

        Args:
            groups: bool[charge groups], only these; None for all.
        """
        own, book, data = self.instances, self.compiled, self.subscribers
        counter = self.balance_counters()
        if groups is not None:
            counter = counter[groups[own.group[self.counter_instance[counter]]]]
        rows = self.counter_instance[counter]
        # by group, then the owner, then the order in which they are asked
        order = np.lexsort((counter, rows, own.subscriber[rows], own.group[rows]))
        counter, rows = counter[order], rows[order]
        allowance = own.allowance[rows]
        used, given = self.used[counter], own.given[rows]
        valid_from, valid_to = self.validity(counter)

        def named(index: Int32, names: pa.Array) -> pa.Array:
            return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), names)

        alw_names, alw_code = distinct(book.allowances)
        columns = {
            "cycle": named(np.zeros(len(rows), np.int32), pa.array([self.cycle])),
            "charge_group": named(own.group[rows], data.groups),
            "subscriber_id": named(own.subscriber[rows], data.names),
            "plan": named(own.giver[rows], pa.array(book.givers, pa.string())),
            "allowance": named(alw_code[allowance], alw_names),
            "shared": pa.array(book.alw_shared[allowance] != 0),
            "rum": pa.DictionaryArray.from_arrays(
                pa.array(book.alw_rum[allowance].astype(np.int8)), pa.array(RUMS)
            ),
            "granted_at": pa.array(own.granted[rows]).cast(TIME),
            "valid_from": pa.array(valid_from).cast(TIME),
            "valid_to": pa.array(valid_to).cast(TIME),
            "given": pa.array(given),
            "used": pa.array(used),
            "left": pa.array(given - used),
        }
        return pa.RecordBatch.from_arrays(
            [columns[name] for name in BALANCE_SCHEMA.names], schema=BALANCE_SCHEMA
        )

    def balance_counters(self) -> Int64:
        """Returns the counters that are balances: of instances, or of the days on which used."""
        count = len(self.instances.allowance)
        whole = np.flatnonzero(self.compiled.alw_daily[self.instances.allowance] == 0)
        days = count + self.further.by_day
        return np.concatenate([whole, days[self.used[days] > 0]])

    def validity(self, counter: Int64) -> tuple[Int64, Int64]:
        """Returns the validity of the counters' balances, of those by day the part on that day."""
        own, midnight = self.instances, self.further.midnight
        instance = self.counter_instance[counter]
        begin, end = own.valid_from[instance], own.valid_to[instance]
        by_day = counter >= len(own.allowance)
        day = self.further.day[counter[by_day] - len(own.allowance)]
        begin[by_day] = np.maximum(begin[by_day], midnight[day])
        end[by_day] = np.minimum(end[by_day], midnight[day + 1])
        return begin, end

    def _named(self, rows: Int64) -> dict[str, pa.Array]:
        """Returns the names of counters: of those in `used`, then of those in `cap_spent`."""
        parts = (self.instances, self.further, self.counters)
        return counter_names(self.compiled, self.subscribers, parts, self.counter_instance, rows)


def _kernel_rows(state: CycleState) -> tuple[Int32, Int64, Int64]:
    """Returns accounts, instances and caps as the rows of :mod:`rating.kernels.arrays`."""
    own, caps, data = state.instances, state.counters, state.subscribers
    instance = aligned(INSTANCE_WORDS * len(own.allowance)).reshape(-1, INSTANCE_WORDS)
    more = state.further.extra_of.astype(np.int64) << 32 | own.allowance
    grants: tuple[Int64 | Int32, ...] = (own.given, own.valid_from, own.valid_to, more)
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
        daily_of(state.compiled)[caps.cap].astype(np.int64) << DAILY_SHIFT
        | caps.cap.astype(np.int64) << 32
        | caps.slot,
    )
